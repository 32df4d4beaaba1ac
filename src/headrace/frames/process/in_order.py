"""Passes of a model that remembers, and over frames without numbers: one block after the other."""

from __future__ import annotations

from collections.abc import Generator
from itertools import islice
from typing import Any
from weakref import WeakKeyDictionary

from headrace.core.cursor import Cursor, State
from headrace.core.items import stack
from headrace.errors import DataError
from headrace.frames.base.layout import Array
from headrace.frames.process.told import tell
from headrace.ops.base import OpCursor

_IN_USE: WeakKeyDictionary[Any, int] = WeakKeyDictionary()  # the run that a model's memory belongs to


class InOrder(OpCursor[Array]):
    """A pass whose model remembers, or over frames without numbers."""

    stream: Any
    source: Cursor[Any]
    held: list[Any]
    count: int
    begun: bool = False
    tested: bool = False  # whether a block has been looked at twice in this pass
    _stopped: Exception | None = None  # what the source raised behind the frames that were drawn last
    passed: tuple[int, ...] = ()  # frames that were given up after an error: a model that remembers never saw them

    def run(self) -> Generator[Array, None, None]:
        while items := self._drawn(1):
            yield self._applied(items)[0]

    def read(self, n: int) -> Any:
        if n < 2 or self._kept or self._closed:
            return super().read(n)
        self.restart()
        try:  # in one call: a model is quicker on many frames than on one at a time
            items = self._drawn(n)
            if not items:
                return super().read(0)
            made = self._applied(items)
        except BaseException as error:
            self._fail(error)
            raise
        if self._stopped is not None:  # skip() passes what the source failed at
            self._fail(self._stopped)
        return made

    def _drawn(self, n: int) -> list[Any]:
        """Return the next ``n`` frames of the source, those held back first; those before one that fails."""
        items, self.held, self._stopped = self.held[:n], self.held[n:], None
        try:
            items.extend(islice(self.source.items, n - len(items)))
        except BaseException as error:
            if not items or not isinstance(error, Exception):
                self.held = items + self.held
                raise
            self._stopped = error
        return items

    def _applied(self, items: list[Any]) -> Array:
        try:
            self._own()
            made = self._made(stack(items))
        except BaseException:  # Ctrl-C too: nothing is lost around it
            self.held = items + self.held
            raise
        self.count += len(items)
        return made

    def _made(self, columns: Array) -> Array:
        stream = self.stream
        look = stream.untested and not self.tested and len(columns) > 1
        last = columns[-1:].copy() if look else None  # a model may work in place
        try:
            made: Array = stream.applied(columns)
            if last is not None:
                stream.test(made, lambda: stream.applied(last))
                self.tested = True
        except Exception as error:
            tell(error, range(self.count, self.count + len(columns)))
            raise
        return made

    def _own(self) -> None:
        """Let the model's memory be that of this pass."""
        if self.stream.stateless:
            return
        model = self.stream.called
        try:
            owner = _IN_USE.get(model)
            if self.begun and owner != id(self):
                raise DataError(
                    f"ProcessingStream got another pass over {type(model).__name__}, which remembers, wanted one at a time.\n"
                    "  Give each its own model."
                )
            _IN_USE[model] = id(self)
        except TypeError:  # nothing that a weak reference can be had of
            pass
        if not self.begun:
            self.stream.clear()
            self.begun = True

    def skip(self, n: int = 1) -> int:
        failed = self._failed
        if n > 0 and failed is not None and failed[0] is not self and failed[1] == self.count and not self._closed:
            super().skip(1)  # what the source failed at: a frame without a number there keeps its number here
            self._passes()
            return 1 + super().skip(n - 1)
        return super().skip(n)

    def leap(self, n: int) -> int:
        if not self.stream.stateless:
            return 0  # the model has to see them
        held, since = len(self.held[:n]), self.source.position
        self.held = self.held[held:]
        self.count += held
        try:
            passed = self.source.skip(n - held)
        except BaseException:
            self.count += self.source.position - since
            raise
        self.count += passed
        self.restart()
        return held + passed

    def pass_failed(self) -> None:
        self.held = self.held[1:]
        self._passes()
        self.restart()

    def _passes(self) -> None:
        if not self.stream.stateless:
            self.passed = (*self.passed, self.count)
        self.count += 1

    # --- state: of a model that remembers it is how far it has seen ------------------------------

    def save(self) -> Any:
        if self.stream.stateless:
            return super().save()
        return {"count": self.position, "passed": [i for i in self.passed if i < self.position]}

    def state(self) -> State:
        state = super().state()
        if not self.stream.stateless:  # what waits inside is made again
            state.pop("kept", None)
        return state

    def load(self, saved: Any) -> None:
        """Run the model from frame 0 to where the state was: its memory is no plain data."""
        if self.stream.stateless:
            super().load(saved)
            return
        self.source.close()
        self.source = self.stream.source.open(self.key)
        self.count, self.held, self.begun, self.passed = 0, [], False, ()
        self.restart()
        for i in [*saved["passed"], saved["count"]]:
            for _ in islice(self.items, i - self.count):
                pass
            if i < saved["count"]:
                try:
                    self.source.skip(1)
                except Exception:  # it fails again: now it can be passed
                    self.source.skip(1)
                self._passes()
