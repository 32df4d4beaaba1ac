"""Frames in INRIMAGE-4 files (``.inr``), one file or many."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.errors import StreamConfigError
from headrace.frames.base.footage import Footage, FrameReader, Header
from headrace.frames.base.layout import Array
from headrace.frames.base.options import whole_number
from headrace.frames.base.paths import check_file
from headrace.frames.base.stream import FrameStream, OnEnd
from headrace.frames.files.inr_header import DIMS, Order, check_order_of, inr_header, read_inr_header
from headrace.sources.files_rows import example_file
from headrace.sources.formats import ArrayFile

_AXES = ("ZDIM", "YDIM", "XDIM", "VDIM")  # as samples lie in the file, the slowest first
_CLASSIC = ("VDIM", "XDIM", "YDIM", "ZDIM")


class InrImageStreamer(FrameStream):
    """The frames of an INRIMAGE-4 file, of any of its types.

    Parameters
    ----------
    filename
        The file.
    z
        Keep all planes of a frame, as its last axis; else the first one. Where planes are the frames there is none.
    slice_at
        Which frames: a slice, or None for all.
    time_dimension
        Which dimension counts the frames. By default planes do: a frame is then YDIM rows of XDIM columns, of VDIM
        channels.
    order
        How samples lie: ``"standard"`` with V fastest, then X, Y and Z; ``"classic"`` as convis has them, VDIM images
        in a row, each XDIM rows of YDIM columns of ZDIM values.
    pixel_per_degree, t_zero, dt, on_end
        As for :class:`FrameStream`.

    Raises
    ------
    StreamConfigError
        When there is no such file, or an option is none of the above.
    DataError
        When it is no INRIMAGE-4 file, or cut short; at once, by its header.

    Examples
    --------
    >>> import numpy as np
    >>> from headrace.frames import InrImageStreamer, InrImageStreamWriter
    >>> with InrImageStreamWriter("film.inr") as writer:
    ...     writer.put(np.arange(24.0).reshape(4, 2, 3))
    >>> film = InrImageStreamer("film.inr", slice_at=slice(1, None))
    >>> film.shape, film.get(2)[:, 0, 0].tolist(), film[-1].tolist()
    ((3, 2, 3), [6.0, 12.0], [[18.0, 19.0, 20.0], [21.0, 22.0, 23.0]])
    """

    def __init__(
        self,
        filename: Any,
        z: bool = False,
        slice_at: slice | None = None,
        *,
        time_dimension: str | None = None,
        order: Order = "standard",
        pixel_per_degree: float = 10,
        t_zero: float = 0.0,
        dt: float = 0.001,
        on_end: OnEnd = "short",
    ) -> None:
        if not isinstance(slice_at, slice | None):
            raise StreamConfigError(
                f"InrImageStreamer(slice_at=) got {slice_at!r}, wanted a slice, or None for all frames.\n"
                "  Write slice_at=slice(start, stop, step); one frame is streamer[3]."
            )
        cut = (None, None, None) if slice_at is None else (slice_at.start, slice_at.stop, slice_at.step)
        super().__init__(
            Inr(check_file("InrImageStreamer", filename), bool(z), cut, time_dimension, order),
            pixel_per_degree=pixel_per_degree,
            t_zero=t_zero,
            dt=dt,
            on_end=on_end,
        )

    @property
    def shape(self) -> tuple[int, ...]:
        """How many frames, rows and columns there are."""
        return (len(self), *(self.size or ()))


@register("inr", example=lambda: Inr(example_file("frames.inr", write_example)))
@recipe
class Inr(Footage):
    """The recipe of :class:`InrImageStreamer`."""

    who: ClassVar[str] = "InrImageStreamer"
    guard: ClassVar[str] = "file"

    path: Path
    z: bool = False
    cut: tuple[int | None, int | None, int | None] = (None, None, None)
    time_dimension: str | None = None
    order: Order = "standard"

    def __post_init__(self) -> None:
        order = check_order_of("InrImageStreamer", self.order)
        time = self.time_dimension or ("VDIM" if order == "classic" else "ZDIM")
        if time not in DIMS or (order == "classic" and time != "VDIM"):
            wanted = "'VDIM' for order='classic'" if order == "classic" else f"one of {', '.join(DIMS)}"
            raise StreamConfigError(
                f"InrImageStreamer(time_dimension=) got {time!r}, wanted {wanted}.\n"
                "  It is the dimension that counts frames; leave it away for the usual one."
            )
        cut = tuple(None if part is None else whole_number("InrImageStreamer", "slice_at", part) for part in self.cut)
        if cut[2] == 0:
            raise StreamConfigError(
                "InrImageStreamer(slice_at=) got a step of 0, wanted another.\n  Write slice_at=slice(start, stop, step), None for any of them."
            )
        self.fix(path=check_file("InrImageStreamer", self.path), time_dimension=time, cut=cut)

    def reader(self) -> FrameReader:
        return _Reader(self)


class _Reader(FrameReader):
    def __init__(self, stream: Inr) -> None:
        told = read_inr_header(stream.path)
        axes = _CLASSIC if stream.order == "classic" else _AXES
        self.axis = axes.index(str(stream.time_dimension))
        self.dims = tuple(told.dims[name] for name in axes)
        self.told, self.stream = told, stream
        self.numbers = range(self.dims[self.axis])[slice(*stream.cut)]
        rest = [name for name in axes if name != stream.time_dimension]
        self.planes = rest.index("ZDIM") if "ZDIM" in rest and "VDIM" not in rest else None
        shape: tuple[int, ...] = (0, 0)
        if told.nbytes:
            one = np.broadcast_to(np.uint8(0), (1, *(told.dims[name] for name in rest)))
            shape = self._framed(one).shape[1:]
        self.header = Header(len(self.numbers) if told.nbytes else 0, shape, told.dtype.newbyteorder("="))
        self.source = ArrayFile(stream.path, f"InrImageStreamer({str(stream.path)!r})")
        self.file = self.source.file.fileno()

    def _framed(self, found: Array) -> Array:
        """Return ``(n, rows, cols[, channels])`` of images with the axes that are left beside time."""
        if self.planes is not None:
            found = np.moveaxis(found, 1 + self.planes, 3)
            return found if self.stream.z else found[..., 0]
        return found[..., 0] if found.shape[3] == 1 else found

    def read(self, lo: int, hi: int) -> Array:
        numbers = self.numbers[lo:hi]
        if self.axis == 0 and numbers.step == 1:  # frames lie in a row
            each = self.told.nbytes // self.dims[0]
            raw = self.source.read(self.told.offset + numbers.start * each, len(numbers) * each)
            images = raw.view(self.told.dtype).reshape(len(numbers), *self.dims[1:])
        else:
            self.check()  # mapped: where the file was cut short, reading would end the process
            whole = np.ndarray(self.dims, self.told.dtype, self.source.mapping(), self.told.offset)
            images = np.moveaxis(whole, self.axis, 0)[np.fromiter(numbers, np.int64)]
        return np.ascontiguousarray(self._framed(images), self.header.dtype)

    def close(self) -> None:
        self.source.close()


def write_example(path: Path) -> None:
    """Write a small file."""
    dims = {"XDIM": 4, "YDIM": 3, "ZDIM": 20, "VDIM": 1}
    path.write_bytes(inr_header(dims, np.dtype("f4"), "sun") + np.arange(240, dtype=">f4").tobytes())
