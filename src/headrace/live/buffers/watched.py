"""What of a buffer follows systems, is watched, and is drawn; who is told, and when, is in ``watch.py``."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from threading import RLock
from typing import Any, Literal, Self

from headrace.core.registry import find
from headrace.errors import StreamConfigError
from headrace.live.buffers.columns import Columns
from headrace.live.buffers.watch import Following, Watchers

PLOT_TYPES = ("chart", "spectrogram", "trace2D", "histogram", "video")
Policy = Literal["block", "drop_oldest", "drop_newest", "latest", "grow", "spill"]


class Watched:
    """What a :class:`~headrace.live.DataBuffer` does together with others."""

    maxlen: int | None
    _held: Columns
    _lock: RLock
    _watchers: Watchers
    _followings: list[Following]

    def follow(self, system: Any, *, policy: Policy = "latest", **options: Any) -> Self:
        """Let a system's blocks come into this buffer from now on, and return the buffer.

        It is a consumer of its own, which :meth:`close` or :meth:`stop` ends, or that the buffer is collected. Several
        systems may be followed. When a signal is removed from the system, its column goes with the first block that is
        computed without it, and a picture of it says so; a :meth:`~headrace.live.DataBuffer.copy` of before keeps it.

        Parameters
        ----------
        system
            A :class:`~headrace.live.System`.
        policy
            What happens to blocks that come while the buffer is still busy. With ``"latest"`` the newest ``maxlen`` rows
            of each column wait for it: a buffer that cannot keep up never lags, and loses only rows that it would have
            dropped at once; they are counted as dropped. One without ``maxlen`` loses none. Rows that fill more than
            64 MiB (``limit``) are dropped, and counted, too.
        **options
            Of ``system.add_consumer``.

        Raises
        ------
        StreamConfigError
            When it is no system.
        """
        if policy == "latest":
            options.setdefault("newest", inf if self.maxlen is None else self.maxlen)
        following = Following(self, system, policy=policy, **options)
        with self._lock:
            self._followings.append(following)
        return self

    def close(self) -> None:
        """Follow nobody any more; the rows stay. What a consumer failed with is raised. Closing twice is fine."""
        with self._lock:
            followings, self._followings = self._followings, []
        failed: BaseException | None = None
        for following in followings:  # without the lock: a consumer may be waiting for it
            try:
                following.close()
            except BaseException as error:
                failed = failed or error
        if failed is not None:
            raise failed

    stop = close

    def watch(self, callback: Callable[[Any], Any]) -> Callable[[], None]:
        """Call ``callback(buffer)`` after every change from now on; return the function that ends it.

        A method does not keep its object alive. What a callback raises passes through the ``extend`` that called it, whose
        rows are in.
        """
        return self._watchers.add(callback)

    def plot(self, key: str, plot_type: str = "chart", **kwargs: Any) -> Any:
        """Return a picture of a column that is drawn anew whenever the buffer changes.

        Parameters
        ----------
        key
            The column.
        plot_type
            ``"chart"``, ``"spectrogram"``, ``"trace2D"``, ``"histogram"`` or ``"video"``.
        **kwargs
            Of that kind of picture.

        Raises
        ------
        StreamConfigError
            For another kind.
        KeyError
            When there is no such column. A buffer that follows a system, and that nothing has come to yet, waits for it.
        """
        if plot_type not in PLOT_TYPES:
            raise StreamConfigError(
                f"DataBuffer.plot got plot_type={plot_type!r}, wanted one of {', '.join(map(repr, PLOT_TYPES))}.\n"
                "  Choose one of these."
            )
        if self._held.rings or not self._followings:  # else its first rows are on their way
            columns: Any = self
            columns[key]
        return find("plot.data_buffer").make(self, key, plot_type, **kwargs)
