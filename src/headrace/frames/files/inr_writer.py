"""Frames into INRIMAGE-4 files."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.errors import DataError, StreamConfigError
from headrace.frames.base.layout import Array
from headrace.frames.base.options import check_dtype, whole_number
from headrace.frames.base.writer import Appended, FrameWriter, fitted
from headrace.frames.files.inr_header import BIG, STEP, Order, check_order_of, inr_header


class InrImageStreamWriter(FrameWriter):
    r"""Frames into an INRIMAGE-4 file, as they come: after each put the file is whole.

    Parameters
    ----------
    filename
        The file; one that is there is replaced, when the first frame comes or it is closed without any.
    v, x, y, z
        VDIM, XDIM, YDIM and ZDIM, but for the one that counts frames; by default those of the first frame.
    time_dimension
        Which dimension counts the frames: ``"ZDIM"`` in standard order, ``"VDIM"`` in classic order.
    order
        As for :class:`InrImageStreamer`.
    dtype
        Of the samples; by default that of the first block, or the next larger one that the format has.
    cpu
        The byte order, by its name in the format.

    Raises
    ------
    StreamConfigError
        When an option is none of the above, or the file cannot be written.
    DataError
        While writing: frames of another shape, or with a value that ``dtype`` cannot hold; floats may be rounded.

    Examples
    --------
    >>> import numpy as np
    >>> from headrace.frames import InrImageStreamWriter
    >>> with InrImageStreamWriter("big.inr", dtype="int16", cpu="sun") as writer:
    ...     writer.put(np.ones((1, 2, 3), "int16"))
    >>> data = np.fromfile("big.inr", "uint8").tobytes()
    >>> data[252:256], data[256:260]
    (b'##}\n', b'\x00\x01\x00\x01')
    """

    def __init__(
        self,
        filename: Any,
        v: int | None = None,
        x: int | None = None,
        y: int | None = None,
        z: int | None = None,
        time_dimension: str | None = None,
        *,
        order: Order = "standard",
        dtype: Any = None,
        cpu: str = "decm",
    ) -> None:
        super().__init__()
        self._classic = check_order_of("InrImageStreamWriter", order) == "classic"
        self._time = "VDIM" if self._classic else "ZDIM"
        if time_dimension not in (None, self._time):
            raise StreamConfigError(
                f"InrImageStreamWriter(time_dimension=) got {time_dimension!r}, wanted {self._time!r}: samples of a frame "
                f"lie in a row only then, in {order} order.\n  Leave time_dimension= away, or choose the other order=."
            )
        given = {"VDIM": v, "XDIM": x, "YDIM": y, "ZDIM": z}
        self._dims = {
            name: None
            if n is None or name == self._time
            else whole_number("InrImageStreamWriter", name[0].lower(), n, 1)
            for name, n in given.items()
        }
        self._dtype = None if dtype is None else check_dtype("InrImageStreamWriter", "dtype", dtype, "uif")
        self._cpu = cpu
        self._head(0)  # which finds what is wrong with the type before there is a file
        self._file = Appended("InrImageStreamWriter", "filename", filename, STEP)  # closed by finish()
        self._claim = self._file.claim

    def _head(self, n: int) -> bytes:
        dims = {name: length or 1 for name, length in self._dims.items()}
        return inr_header(
            {**dims, self._time: n}, np.dtype(np.float32) if self._dtype is None else self._dtype, self._cpu
        )

    def take(self, frames: Array) -> None:
        if 0 in frames.shape:
            raise DataError(
                f"InrImageStreamWriter.put got frames of shape {frames.shape[1:]}, wanted some that have pixels: dimensions "
                "of 0 are none in this format.\n  NumpyWriter takes them."
            )
        rows, cols = frames.shape[1:3]
        more = frames.shape[3] if frames.ndim == 4 else 1
        names = ("XDIM", "YDIM", "ZDIM") if self._classic else ("YDIM", "XDIM", "VDIM")
        found = dict(zip(names, (rows, cols, more), strict=True))
        wrong = {name: n for name, n in found.items() if self._dims[name] not in (None, n)}
        if wrong:
            raise DataError(
                f"InrImageStreamWriter.put got frames with {wrong}, wanted { {name: self._dims[name] for name in wrong} }.\n"
                "  In standard order Y counts rows and X columns, in classic order X counts rows."
            )
        dtype = _type_for(frames.dtype) if self._dtype is None else self._dtype
        made = fitted(frames, dtype, "InrImageStreamWriter")
        self._dims.update(found)
        self._dtype = dtype
        made = made.astype(dtype.newbyteorder(">" if self._cpu in BIG else "<"), copy=False)
        self._file.append(made, self._head(self.written + len(frames)))

    def finish(self) -> None:
        try:
            if not self.written and not self._file.claim.spared:
                self._file.begin(self._head(0))
        finally:
            self._file.close()


def _type_for(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type of the format that holds these values."""
    if dtype.kind == "b":
        return np.dtype(np.uint8)
    if dtype.kind == "f":  # of 4 and 8 bytes alone
        return np.dtype(np.float32 if dtype.itemsize <= 4 else np.float64)
    return dtype.newbyteorder("=")
