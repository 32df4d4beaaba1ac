"""Frames in many INRIMAGE-4 files."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import Any

import numpy as np

from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.errors import AddressError, DataError
from headrace.frames.base.footage import Footage, FrameReader, Header
from headrace.frames.base.layout import Array
from headrace.frames.base.options import whole_number
from headrace.frames.base.stream import FrameStream, OnEnd
from headrace.frames.files.inr import Inr, write_example
from headrace.frames.files.inr_header import Order
from headrace.frames.files.names import files_of
from headrace.sources.files_rows import example_file


class InrImageFileStreamer(FrameStream):
    """The frames of many INRIMAGE-4 files, one file behind the other.

    Parameters
    ----------
    filenames
        A pattern, whose files are sorted with numbers in their names as numbers; or a list of files.
    z, time_dimension, order, pixel_per_degree, t_zero, dt, on_end
        As for :class:`InrImageStreamer`.

    Raises
    ------
    StreamConfigError
        When there are no such files.
    DataError
        When one is no INRIMAGE-4 file, or their frames differ in shape.

    Examples
    --------
    >>> import numpy as np
    >>> from headrace.frames import InrImageFileStreamer, InrImageStreamWriter
    >>> for k in (2, 10):
    ...     with InrImageStreamWriter(f"part{k}.inr") as writer:
    ...         writer.put(np.full((3, 2, 2), k))
    >>> films = InrImageFileStreamer("part*.inr")
    >>> len(films), films[:][:, 0, 0].tolist()
    (6, [2, 2, 2, 10, 10, 10])
    >>> films.seek(1, 2)  # file 1, image 2 of it
    >>> films.i
    5
    """

    _source: InrFiles

    def __init__(
        self,
        filenames: Any,
        z: bool = False,
        *,
        time_dimension: str | None = None,
        order: Order = "standard",
        pixel_per_degree: float = 10,
        t_zero: float = 0.0,
        dt: float = 0.001,
        on_end: OnEnd = "short",
    ) -> None:
        paths = files_of("InrImageFileStreamer", filenames)
        files = tuple(Inr(path, bool(z), time_dimension=time_dimension, order=order) for path in paths)
        super().__init__(InrFiles(files), pixel_per_degree=pixel_per_degree, t_zero=t_zero, dt=dt, on_end=on_end)

    def seek(self, i: int, image: int | None = None) -> None:
        """Go to frame ``i``; with two numbers to image ``image`` of file ``i``.

        Raises
        ------
        AddressError
            When there is no such frame, or no such file.
        StreamConfigError
            When a number is none.
        """
        if image is None:
            super().seek(i)
            return
        who = "InrImageFileStreamer.seek"
        i, image = whole_number(who, "file", i), whole_number(who, "image", image)
        counts = [file.header().frames for file in self._source.files]
        if not 0 <= i < len(counts) or not 0 <= image < counts[i]:
            raise AddressError(
                f"InrImageFileStreamer.seek(file, image) got {i}, {image}, wanted one of {len(counts)} files and an image in it.\n"
                "  Both are counted from 0."
            )
        super().seek(sum(counts[:i]) + image)


@register("inr_files", example=lambda: InrFiles((Inr(example_file("frames.inr", write_example)),) * 2))
@recipe
class InrFiles(Footage):
    """The recipe of :class:`InrImageFileStreamer`."""

    files: tuple[Inr, ...]

    def __post_init__(self) -> None:
        self.fix(files=tuple(self.files))

    @property
    def children(self) -> tuple[Any, ...]:
        return ()  # parts of a source, not sources of their own

    def reader(self) -> FrameReader:
        return _Files(self.files)


class _Files(FrameReader):
    """One file open at a time."""

    def __init__(self, files: tuple[Inr, ...]) -> None:
        headers = [file.header() for file in files]
        first = headers[0]
        for file, header in zip(files, headers, strict=True):
            if (header.shape, header.dtype) != (first.shape, first.dtype):
                raise DataError(
                    f"InrImageFileStreamer got frames of {header.dtype} {header.shape} in {str(file.path)!r}, wanted "
                    f"{first.dtype} {first.shape}, as in {str(files[0].path)!r}.\n  Read those that differ as a stream of their own."
                )
        self.file = files[0].path  # or one of the others
        self.files, self.starts = files, [0, *accumulate(header.frames for header in headers)]
        self.header = Header(self.starts[-1], first.shape, first.dtype)
        self._open: tuple[int, FrameReader] | None = None

    def read(self, lo: int, hi: int) -> Array:
        found = []
        while lo < hi:
            k = bisect_right(self.starts, lo) - 1
            end = min(hi, self.starts[k + 1])
            reader = self._of(k)
            try:
                found.append(reader.read(lo - self.starts[k], end - self.starts[k]))
            finally:
                reader.check()
            lo = end
        return found[0] if len(found) == 1 else np.concatenate(found)

    def _of(self, k: int) -> FrameReader:
        if self._open is None or self._open[0] != k:
            self.close()
            self._open = k, self.files[k].reopened()
        return self._open[1]

    def close(self) -> None:
        known, self._open = self._open, None
        if known is not None:
            known[1].close()
