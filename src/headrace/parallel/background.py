"""Run a stream ahead of its consumer."""

from __future__ import annotations

import multiprocessing
import re
from collections.abc import Generator
from operator import index
from time import perf_counter
from typing import Any, ClassVar, Literal, TypeVar, get_args

from headrace.core.coerce import as_stream
from headrace.core.cursor import Cursor
from headrace.core.indexed import is_numbered
from headrace.core.key import Key
from headrace.core.knob import Knob
from headrace.core.op import Nothing, Op
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.core.stream import Spec, Stream, why_not
from headrace.errors import StreamConfigError
from headrace.parallel.process import Remote
from headrace.parallel.spread import Spread
from headrace.parallel.stats import Stats
from headrace.parallel.thread import Threaded, came_back

T = TypeVar("T")
Where = Literal["inline", "thread", "process", "zmq"]
_MOST = 1024  # workers
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}


def background(
    where: str = "thread",
    *,
    workers: int = 1,
    ahead: int | str = "8MB",
    ordered: bool = True,
    start_method: str | None = None,
) -> Op[Any, Any]:
    """Run the stream so far ahead of what draws from it; the items and their order stay the same.

    Parameters
    ----------
    where
        ``"process"``: worker processes draw, and arrays arrive in memory that both sides map. This pays where making
        an item costs work. ``"thread"``: a thread of this process draws items while the consumer works. This pays where
        the source waits (files, network, sensors) or leaves the interpreter (NumPy, decoders). ``"inline"``: nothing
        runs ahead, for looking for errors. ``"zmq"``: processes, whose items come through a ZeroMQ socket on ``ipc://``
        in a folder of their owner's; items are trees of arrays, as for :func:`headrace.serve`.
    workers
        How many processes or threads draw, 1024 at most; 0 runs inline. Several need a stream whose items have
        numbers (stretches of them are shared out) or a mux (its members are). No more are started than there are
        items or members.
    ahead
        How many bytes of items may wait: a number, or a text such as ``"64MB"`` or ``"8MiB"``. An item counts its
        arrays and 64 bytes; one item always fits.
    ordered
        Whether items keep their order. False, several workers give items as they complete.
    start_method
        How a process is started, ``"fork"``, ``"spawn"`` or ``"forkserver"``; by default as Python does here.

    Returns
    -------
    Op
        Its cursor has a method ``stats()``. As any cursor it belongs to one thread: two threads that draw from one
        cursor break it; open the stream once for each.

    Raises
    ------
    StreamConfigError
        When ``where`` is not one of the above, or another argument cannot work.

    Notes
    -----
    A state belongs to the last item *delivered*; what was drawn ahead is no part of it. An error of the source comes
    after the items before it, with its own traceback. ``close`` waits no more than 0.1 s for code of the user's: a
    thread that is inside it ends, and closes what it has opened, when it comes out. After a fork the child opens
    streams of its own: the thread stays in the parent.

    Examples
    --------
    >>> import headrace as hr
    >>> with (hr.Streamer(range(5)) | hr.background("thread", ahead="1MB")).open() as cursor:
    ...     cursor.take(3), cursor.stats().items
    ([0, 1, 2], 3)
    """
    return Op(Background, where, workers=workers, ahead=ahead, ordered=ordered, start_method=start_method)


def prefetch(ahead: int | str = "8MB") -> Op[Any, Any]:
    """Draw ahead in a thread: ``background("thread", ahead=ahead)``.

    Examples
    --------
    >>> import headrace as hr
    >>> list(hr.Streamer(range(3)) | hr.prefetch(ahead="64MB"))
    [0, 1, 2]
    """
    return background("thread", ahead=ahead)


@register("background", example=lambda: Background(as_stream(range(50)), "thread", ahead=1000))
@recipe
class Background(Stream[T]):
    """The recipe of :func:`background`; ``ahead`` is in bytes."""

    source: Stream[T]
    where: Where
    workers: int = 1
    ahead: int = 8_000_000
    ordered: bool = True
    start_method: str | None = None

    tuning: ClassVar[tuple[str, ...]] = ("where", "workers", "ahead", "start_method")

    def __post_init__(self) -> None:
        if self.where not in get_args(Where):
            raise StreamConfigError(
                f"background(where) got {self.where!r}, wanted one of {', '.join(get_args(Where))}."
            )
        if isinstance(self.workers, bool) or not hasattr(self.workers, "__index__") or self.workers < 0:
            raise StreamConfigError(f"background(workers=) got {self.workers!r}, wanted a whole number, 0 for inline.")
        if self.workers > _MOST:
            raise StreamConfigError(
                f"background(workers=) got {self.workers}, wanted at most {_MOST}.\n"
                "  More workers than processors gain only where making an item waits; for a whole cluster write "
                "stream.shard(i, n)."
            )
        if not isinstance(self.ordered, bool):
            raise StreamConfigError(f"background(ordered=) got {self.ordered!r}, wanted True or False.")
        self.fix(ahead=byte_count("background(ahead=)", self.ahead), workers=index(self.workers))
        if self.start_method is not None and self.start_method not in multiprocessing.get_all_start_methods():
            raise StreamConfigError(
                f"background(start_method=) got {self.start_method!r}, wanted one of "
                f"{', '.join(multiprocessing.get_all_start_methods())}, or None."
            )
        if self.start_method is not None and self.where in ("inline", "thread"):
            raise StreamConfigError(
                f"background({self.where!r}, start_method=) got {self.start_method!r}, wanted None: no process is started."
            )
        if self.where in ("process", "zmq") and not Nothing.within(self.source):
            self._check_process()
        elif self.workers > 1 and self.where == "thread" and not Nothing.within(self.source):
            self._check_spread()

    def _check_process(self) -> None:
        """Raise where the stream cannot run in other processes."""
        who = f"background({self.where!r})"
        if self.source.resume == "none":
            raise StreamConfigError(
                f"{who} got {self.source!r}, which can be run only once, in the process that has it.\n"
                "  Use 'thread', or give the function that makes it."
                + "".join(f"\n  {each}" for each in self.source.remarks())
            )
        self._check_spread()
        split = self.source.split() if self.workers > 1 else None
        apart = (self.source,) if split is None else split.streams  # what runs elsewhere
        if any(map(Knob.within, apart)):
            raise StreamConfigError(
                f"{who} got a stream with a Knob, which would be turned here and read in another process.\n"
                "  Put the knob above background, or into a mux whose members are shared out, or use 'thread'."
            )

    def _check_spread(self) -> None:
        """Raise where several workers cannot share the stream."""
        if self.workers > 1 and self.source.split() is None:
            label, culprit = why_not(self.source)
            raise StreamConfigError(
                f"background({self.where!r}) got {self.workers} workers for {self.source!r}, which cannot be shared out "
                f"because of {label}{culprit!r}.\n  Use one worker, or items that have numbers (hr.source, hr.functional), or a mux of "
                "several streams."
            )

    @property
    def method(self) -> str:
        """How processes are started."""
        return self.start_method or multiprocessing.get_start_method()

    @property
    def size(self) -> float | None:
        return self.source.size

    @property
    def spec(self) -> Spec | None:
        return self.source.spec

    def start(self, key: Key) -> Cursor[T]:
        if self.where == "inline" or not self.workers:
            return _Inline(self, key)
        if self.where == "thread" and self.workers == 1:
            return Threaded(self, key)
        apart = self.workers > 1 and not is_numbered(self.source)
        return Spread(self, key) if apart else Remote(self, key)


class _Inline(Cursor[T]):
    """Passes items on."""

    stream: Background[T]
    inner = ("source",)

    def __init__(self, stream: Background[T], key: Key) -> None:
        super().__init__(stream, key)
        self.source = stream.source.open(key)
        self._began = 0.0

    def run(self) -> Generator[T, None, None]:
        self._began = self._began or perf_counter()
        for self.count, item in enumerate(self.source.items, self.count + 1):
            yield item

    def leap(self, n: int) -> int:
        if not is_numbered(self.stream.source):
            return 0
        passed = self.source.skip(n)
        self.count += passed
        self.restart()
        return passed

    def stats(self) -> Stats:
        """Return what has been done so far: nothing waits here."""
        seconds = perf_counter() - self._began if self._began else 0.0
        return Stats(self.count, seconds=seconds, workers=0)

    def save(self) -> Any:
        """Return the state in the form of every background, so that each goes on from any other's."""
        return {"count": self.count, "behind": 0, "source": self.source.save()}

    def load(self, saved: Any) -> None:
        self.source.close()
        self.source = self.stream.source.open(self.key)
        if saved["source"] is not None:
            self.source.load(saved["source"])
        came_back(self.source.stream, saved["behind"] - self.source.skip(saved["behind"]))
        self.count = saved["count"]
        self.restart()


def byte_count(who: str, size: Any) -> int:
    """Return a number of bytes written as a number, or as a text such as ``"64MB"`` or ``"8MiB"``.

    Raises
    ------
    StreamConfigError
        When it is neither, or less than one byte.

    Examples
    --------
    >>> byte_count("ahead", "64MB"), byte_count("ahead", "8 MiB"), byte_count("ahead", 100)
    (64000000, 8388608, 100)
    """
    number: int | None = None
    if isinstance(size, str):
        found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]i?|)b?\s*", size, re.IGNORECASE)
        number = None if found is None else int(float(found[1]) * _UNITS[found[2].lower()])
    elif not isinstance(size, bool):
        try:
            number = index(size)
        except TypeError:
            number = None
    if number is None or number < 1:
        raise StreamConfigError(f"{who} got {size!r}, wanted a number of bytes of at least 1, or such as '64MB'.")
    return number
