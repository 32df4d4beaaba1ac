"""Frames of one shape, several at a time as columns: what blocks are made of."""

from __future__ import annotations

from contextlib import closing, suppress
from math import inf
from typing import Any

import numpy as np

from headrace.core.indexed import ENDLESS
from headrace.core.items import each_of
from headrace.errors import AddressError, DataError, StreamConfigError
from headrace.frames.base.bounded import LOOK, check_fits
from headrace.frames.base.footage import no_frames
from headrace.frames.base.layout import Array
from headrace.frames.base.options import whole_number
from headrace.frames.base.seen import Seen
from headrace.frames.base.waiting import columns_of


class Stacked(Seen):
    """A handle whose next frames are had as columns."""

    def _shape(self) -> Any:
        """Return the shape of a frame: as the source knows it beforehand, else that of the one given last; or None."""
        known = self.__recipe__().spec
        return getattr(self._last, "shape", None) if known is None or "" not in known else known[""].shape

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        """Return all frames as columns for NumPy, as ``[:]`` does: ``np.asarray(film)``, ``np.mean(film)``. Moves nothing.

        Raises
        ------
        StreamConfigError
            When they have no end.
        AddressError
            When they have no numbers, as for ``[:]``.
        DataError
            When they are more than memory holds, or no arrays.
        ValueError
            With ``copy=False``: they are made when they are asked for.
        """
        who = type(self).__name__
        if copy is False:
            raise ValueError(
                f"{who} got numpy.array(copy=False), wanted copy=None: frames are made when they are asked for.\n"
                "  Write numpy.asarray(film)."
            )
        if self.__recipe__().size == inf:
            raise StreamConfigError(
                f"{who} got asked for all of its frames as an array, wanted a number of them: it has no end.\n"
                "  Take some: film[:100] from the first on, or film.get(100) from where it stands."
            )
        found = self[:]
        if not isinstance(found, np.ndarray):
            raise self._no_arrays(found)
        return np.array(found, dtype) if copy else np.asarray(found, dtype)

    def read(self, n: int = 1) -> Array:
        """Return the next ``n`` frames as columns, ``(n, rows, cols[, channels])``, fewer at the end.

        Raises
        ------
        StreamConfigError
            When ``n`` is no whole number of at least 0.
        ClosedError
            After :meth:`close`. What the source raises comes as for :meth:`get`.
        """
        n = whole_number(f"{type(self).__name__}.read", "n", n, 0)
        with self._lock:
            return self._next(n)

    def peek(self, n: int = 1) -> Array:
        """Return the next ``n`` frames as columns, as :meth:`read` does, without passing them. Raises what it raises."""
        n = whole_number(f"{type(self).__name__}.peek", "n", n, 0)
        with self._lock:
            last = self._last
            self._marked()
            found = self._next(n)
            self._refused(found, last)
            return found

    def _drawn(self, n: int) -> Any:
        """Return the next ``n`` items as columns, fewer before one that fails or is unlike them: the next call raises."""
        run = self._open()
        try:
            found = columns_of(run, n)
        except DataError:
            if run.count == run.position:  # a frame that fails
                raise
            (item,) = self._ahead(1)
            raise self._no_arrays(item) from None
        if not len(found) and self.__recipe__().size == inf:
            raise AddressError(
                f"{type(self).__name__} got to frame {run.position}, wanted one with a number below {self._top}: they end "
                "there, though the frames do not.\n  Go back with seek(i) or reset()."
            )
        return found

    def _next(self, n: int) -> Array:
        if n > LOOK:  # where it is not known how many are left there may be no end
            size = self.__recipe__().size
            self._check_fits(f".get({n})", n if size is None else min(n, max(0, size - self.i)))
        columns = self._drawn(n) if n else ()
        if not len(columns):
            self._open()  # a closed one says so
            return self._none()
        last = self._last
        if not isinstance(columns, np.ndarray):
            self._refused(columns, last)
            raise self._no_arrays(columns)
        shape = columns.shape[1:]
        before = getattr(last, "shape", shape)
        if shape != before and self.__recipe__().spec is None:
            self._refused(columns, last)
            raise DataError(
                f"{type(self).__name__} got a frame of shape {shape} at frame {self.i}, wanted {before}, as "
                "before.\n  Make them alike with hr.map; skip() passes a frame, next() gives it as it is."
            )
        # A view would hold the whole block, but for one that is a view itself, of what the source keeps anyway.
        alone = len(columns) == 1 or not columns.flags.writeable
        self._last = columns[-1] if alone else columns[-1].copy()
        return columns

    def _ahead(self, n: int) -> list[Any]:
        if n > LOOK:
            self._check_fits(f".available({n})", n)
        return super()._ahead(n)

    def _check_slice(self, index: slice) -> None:
        """Raise DataError when the frames of a slice are more than memory holds; what is no slice is told elsewhere."""
        size, n = self.__recipe__().size, 0
        with suppress(TypeError, ValueError):  # of what counts nothing
            if size is not None and (size < inf or index.stop is not None):
                n = len(range(*index.indices(int(min(size, ENDLESS)))))
        if n > LOOK:
            self._check_fits(f"[{index.start}:{index.stop}]", n)

    def _check_fits(self, asked: str, n: float) -> None:
        """Raise DataError when ``n`` frames are more than memory holds; none is drawn then.

        ``asked`` is what stands behind the name of the handle, ``".get(1000)"`` or ``"[5:1000]"``.
        """
        source = self.__recipe__()
        known = source.spec
        few = n < 1 << 16 and source.size is not None
        last = self._last if known is not None or self._closed or few else self.get_image()
        fields = (
            [(last.shape, last.dtype)] if last is not None else [(f.shape, f.dtype) for f in (known or {}).values()]
        )
        for shape, dtype in fields:
            check_fits(f"{type(self).__name__}{asked}", int(n), shape, dtype)

    def _no_arrays(self, columns: Any) -> DataError:
        kind = f"{columns.dtype} ones" if isinstance(columns, np.ndarray) else type(columns).__name__
        return DataError(
            f"{type(self).__name__} got items that are no arrays, but {kind}, wanted frames.\n"
            "  Choose the frame with hr.map(lambda item: item['name'])."
        )

    def _refused(self, columns: Any, last: Array | None) -> None:
        """Take back frames that nobody was given."""
        self._open().give_back(list(each_of(columns)))
        self._last = last

    def _none(self) -> Array:
        """Return columns of no frames: of the shape and type that frames have, as far as these can be known."""
        none = no_frames(self.__recipe__().spec)
        if none is not None:
            return none
        known = self._last if self._last is not None or self._closed else self._first()
        if known is None:
            return np.zeros((0, 0, 0), np.float32)
        frame = np.asarray(known)  # next() gave it as it is, perhaps a list
        return np.zeros((0, *frame.shape), frame.dtype)

    def _first(self) -> Array | None:
        """Return frame 0, made for its shape and type; None where frames have no numbers, and where it fails."""
        source = self.__recipe__()
        if source.access == "index":
            with suppress(Exception), closing(source.open(self._key)) as run:  # whoever wants it is told why
                columns = run.read(1)
                return columns[0] if isinstance(columns, np.ndarray) and columns.ndim > 2 else None
        return None
