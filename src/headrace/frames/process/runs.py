"""Runs of frames that a model makes: by number where it keeps nothing, else one block after the other.

A model that fails for a block that was asked for is not tried with the frames of it one by one: its error is that of the
block, and tells which frames these were. What fails in the source is another matter: the frames before that are made.
Frames that are drawn one by one are made some at a time, since a call costs much; where such a stretch fails, its frames
are made alone, so that those before the broken one are given and the error is that of one frame.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from itertools import islice
from math import inf
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from headrace.core.cursor import Cursor, State
from headrace.core.indexed import Bound, Places, numbers
from headrace.core.items import stack
from headrace.core.key import Key
from headrace.core.places import lap_pieces
from headrace.errors import DataError
from headrace.frames.base.footage import BYTES
from headrace.frames.base.layout import Array
from headrace.ops.base import OpCursor

MOST = 256  # frames in a stretch
_IN_USE: WeakKeyDictionary[Any, int] = WeakKeyDictionary()  # the run that a model's memory belongs to


class ByNumber(Bound[Array]):
    """Frames by number, of a model that keeps nothing; ``stream`` is a :class:`~headrace.frames.process.recipe.Processed`."""

    source: Bound[Any]
    _failed: tuple[int, Exception] | None = None  # the first frame of a block that the model failed for
    _tested = False  # whether a block has been looked at twice in this run
    _frame_bytes = 0  # of the last block, the larger of what went in and what came out
    _seen: tuple[int, Array] | None = None  # the last frames of the source, and the number of the first of them

    def __init__(self, stream: Any, key: Key) -> None:
        super().__init__(stream, key)
        self.source = stream.source.bound(key)

    def walk(self, at: Places) -> Iterator[Array]:
        """Yield frames that are made some at a time: one, then four, then up to a megabyte of them."""
        self._again(at)
        # Whoever says stateless=True may have a model whose frames depend on the cut: then on that which was asked for.
        alone = self.stream.trusted or (any(self.stream.context) and not isinstance(at, range))
        lo, step = 0, 1
        while lo < len(at):
            run = at[lo : lo + step]
            yield from self._stretch(run)
            lo += len(run)
            step = 1 if alone else min(4 * step, max(1, min(MOST, BYTES // max(1, self._frame_bytes))))

    def _stretch(self, run: Places) -> Iterator[Array]:
        """Yield the frames of a run made at once; where one fails, those before it, and the error is its own."""
        if len(run) > 1:
            try:
                found = self._made(run)
            except Exception:  # nobody asked for this block: which frame it is shows when each is made alone
                self._failed = None
            else:
                self._looked_at(found, run)
                yield from found
                return
        for i in run if isinstance(run, range) else run.tolist():
            yield self._block(range(i, i + 1))[0]

    def _again(self, at: Places) -> None:
        """Raise what a block that begins here has raised: whoever draws items comes to them once more, one by one."""
        failed, self._failed = self._failed, None
        if failed is not None and len(at) > 1 and failed[0] == at[0]:
            raise failed[1]

    def columns(self, at: Places) -> Array:
        self._failed = None
        made = self._made(at)
        try:
            self._looked_at(made, at)
        except Exception as error:
            self._failed = int(at[0]), error
            raise
        return made

    def _made(self, at: Places) -> Array:
        if isinstance(at, range) and at.step == 1:
            return self._block(at)
        if not any(self.stream.context):
            return self._applied(self.source.columns(at), at)
        return np.concatenate([self._block(range(i, i + 1)) for i in numbers(at).tolist()])

    def _looked_at(self, made: Array, at: Places) -> None:
        """Raise DataError where the first block of the run shows that frames depend on others."""
        if len(at) > 1 and not self._tested and self.stream.untested:
            last = int(at[-1])
            try:
                self.stream.test(made, lambda: self._block(range(last, last + 1)))
            except Exception as error:
                tell(error, at)
                raise
            self._tested = True

    def _block(self, at: range) -> Array:
        """Return neighbours, made together with what lies around them."""
        before, after = self.stream.context
        if not before and not after:
            return self._applied(self.source.columns(at), at)
        size = self.stream.source.extent()
        made = []
        for part in lap_pieces(at, size):
            first = 0 if size == inf else part.start // int(size) * int(size)
            lo, hi = max(first, part.start - before), int(min(first + size, part.stop + after))
            wide = self._applied(self._around(lo, hi), part)
            made.append(wide[part.start - lo : part.stop - lo])
        return made[0] if len(made) == 1 else np.concatenate(made)

    def _around(self, lo: int, hi: int) -> Array:
        """Return frames of the source; what the block before had of them is not read again: a film is decoded on."""
        first, known = self._seen or (0, None)
        if known is not None and first <= lo < first + len(known) < hi:
            behind = self.source.columns(range(first + len(known), hi))
            found = np.concatenate([known[lo - first :], behind])
        else:
            found = self.source.columns(range(lo, hi))
        keep = min(len(found), sum(self.stream.context))
        self._seen = hi - keep, found[len(found) - keep :].copy()  # a model may work in place
        return found

    def _applied(self, columns: Array, at: Places) -> Array:
        try:
            made: Array = self.stream.applied(columns)
        except Exception as error:
            tell(error, at)
            if len(at) > 1:
                self._failed = int(at[0]), error
            raise
        self._frame_bytes = max(columns.nbytes // len(columns), made.nbytes // len(made))
        return made

    def close(self) -> None:
        super().close()
        self._failed = self._seen = None


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


def tell(error: Exception, at: Places) -> None:
    """Say in a note which frames a model was at."""
    if len(at) == 1:
        which = f"frame {at[0]}"
    elif isinstance(at, range) and at.step == 1:
        which = f"frames {at[0]} to {at[-1]}"
    else:
        which = f"frames {', '.join(map(str, numbers(at[:9]).tolist()))}{', ...' if len(at) > 9 else ''}"
    note = f"  the model was handed {which}"
    if note not in getattr(error, "__notes__", ()):
        error.add_note(note)
