"""One law's look at a device."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from headrace.core.block import Block
from headrace.testing.report import LawError

PARTS = 7  # in which the time of a run is let pass
HANG = 30.0  # seconds after which a call is said to hang


class Case:
    """One law's look at devices, on a clock of its own."""

    law: str
    broken: Any
    clock: Any
    seconds: float
    starts: int
    of: str

    def __init__(self, law: str, make: Any, broken: Any, clock: Any, seconds: float, starts: int, of: str) -> None:
        self.law, self._make, self.broken, self.clock = law, make, broken, clock
        self.seconds, self.starts, self.of = seconds, starts, of
        self._made: list[Any] = []

    def wrong(self, seen: str, wanted: str) -> LawError:
        return LawError(self.law, seen, wanted, self.of)

    def want(self, holds: Any, seen: str, wanted: str) -> None:
        if not holds:
            raise self.wrong(seen, wanted)

    def device(self, *, broken: bool = False) -> Any:
        made = (self.broken if broken else self._make)(self.clock)
        self._made.append(made)
        return made

    def leave(self) -> None:
        for device in self._made:
            try:
                device.stop()
            except Exception:  # which the law has looked at, or has not reached
                pass

    @property
    def virtual(self) -> bool:
        return hasattr(self.clock, "advance")

    def advance(self, seconds: float) -> None:
        if self.virtual:
            self.clock.advance(seconds)
        else:
            self.clock.wait_until(self.clock.now() + seconds)

    def within(self, what: str, call: Callable[[], Any]) -> Any:
        """Return what a call returns, and do not wait for it for ever."""
        found: list[Any] = []
        raised: list[BaseException] = []

        def work() -> None:
            try:
                found.append(call())
            except BaseException as error:
                raised.append(error)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        thread.join(HANG)
        self.want(not thread.is_alive(), f"{what} did not return within {HANG:.0f} seconds", "never to hang")
        if raised:
            raise raised[0]
        return found[0]

    def read(self, device: Any) -> Block:
        found = self.within("read()", device.read)
        self.want(isinstance(found, Block), f"read() returned a {type(found).__name__}", "a Block")
        block: Block = found
        return block

    def rest(self, device: Any) -> list[Block]:
        """Return what comes until there is nothing."""
        blocks = []
        while (block := self.read(device)).n:
            blocks.append(block)
        return blocks

    def run(self, device: Any, parts: int = PARTS) -> list[Block]:
        """Return the blocks of a run that is read in so many parts."""
        blocks = []
        self.within("start()", device.start)
        for _ in range(parts):
            self.advance(self.seconds / parts)
            blocks.append(self.read(device))
        self.within("stop()", device.stop)
        blocks = [block for block in [*blocks, *self.rest(device)] if block.n]
        self.want(blocks, f"no row came in {self.seconds} seconds", "some; seconds= says how long to wait")
        return blocks
