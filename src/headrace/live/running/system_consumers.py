"""Who is given a system's blocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headrace.core.block import Block
from headrace.errors import StreamConfigError
from headrace.live.devices.clock import Clock
from headrace.live.running.consumer import Consumer
from headrace.live.running.place import OnError
from headrace.live.running.pump import Pump
from headrace.live.running.waiting import Policy


class Fed:
    """What of a :class:`~headrace.live.System` hands its blocks to consumers."""

    _pump: Pump
    clock: Clock

    def add_consumer(
        self,
        callback: Callable[..., Any] | None = None,
        *,
        policy: Policy = "drop_oldest",
        limit: int | str | None = None,
        newest: float | None = None,
        name: str | None = None,
        on_error: OnError = "fail",
        raw: bool = False,
        timed: bool = False,
        deadline: float = 1.0,
    ) -> Consumer:
        """Return a new place in the blocks: the parameters are those of :class:`~headrace.live.Consumer`.

        It is given the blocks from now on. One with a callback stays until its ``close()``; one without ends also when
        nobody holds it any more.

        Raises
        ------
        StreamConfigError
            When a parameter is wrong, or the name is taken.
        """
        with self._pump.between:
            made = Consumer(
                callback, policy=policy, limit=limit, newest=newest, on_error=on_error, raw=raw, timed=timed,
                deadline=deadline, name=self._pump.feeds.free_name("consumer") if name is None else name,
                clock=self.clock, patience=self._pump.patience,
            )  # fmt: skip
            self._pump.add(made)
        return made

    def register_data_feed(self, id: Any, callback: Callable[[Block], Any], **options: Any) -> None:
        """Have ``callback(block)`` called with all rows from now on, in a thread of its own.

        Parameters
        ----------
        id
            What it is called.
        callback
            A slow one delays nobody: it is given longer blocks.
        **options
            Of :meth:`add_consumer`.

        Raises
        ------
        StreamConfigError
            When ``id`` is taken, or it is no function.
        """
        if not callable(callback):
            raise StreamConfigError(
                f"register_data_feed({id!r}) got {callback!r}, wanted a function of a block.\n"
                "  add_consumer() returns something to read from."
            )
        self.add_consumer(callback, name=_feed(id), **options)

    def deregister_data_feed(self, id: Any) -> None:
        """Have the feed called no more; when this returns, its last call is over, unless it is made in that call.

        Raises
        ------
        RegistryError
            When there is no such feed.
        Exception
            What it failed with, if nobody has been told yet.
        """
        self._pump.feeds.named(_feed(id)).close()


def _feed(id: Any) -> str:
    return id if isinstance(id, str) else repr(id)
