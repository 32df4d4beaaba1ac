"""Runs of frames that a model makes by number: it keeps nothing.

Frames that are drawn one by one are made some at a time, since a call costs much; where such a stretch fails, its frames
are made alone, so that those before the broken one are given and the error is that of one frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import Any

import numpy as np

from headrace.core.indexed import Bound, Places, numbers
from headrace.core.key import Key
from headrace.core.places import lap_pieces
from headrace.frames.base.layout import Array
from headrace.frames.base.numbered import ahead
from headrace.frames.process.told import tell


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
            step = 1 if alone else min(4 * step, ahead(self._frame_bytes))

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
