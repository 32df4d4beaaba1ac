"""The frames of image files: each decoded, cut to its part, brought to the type that is asked for; kept for a while."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headrace.core.indexed import Places
from headrace.errors import DataError, StreamConfigError
from headrace.frames.base.footage import DIMS, FrameReader, Header
from headrace.frames.base.layout import Array, centred
from headrace.frames.base.narrow import first_wrong, told
from headrace.frames.base.numbered import Frames
from headrace.frames.images.ahead import Decoded
from headrace.frames.images.pictures import crop_of, decode, look

if TYPE_CHECKING:
    from headrace.frames.images.images import Images

CACHED = 1 << 26  # bytes of decoded frames kept


class Pictures(Frames):
    """Frames by number, which say of several asked for at once which one failed."""

    def columns(self, at: Places) -> Array:
        try:
            return super().columns(at)
        except Exception:
            failed = getattr(self._held and self._held.reader, "failed", None)
            if failed is not None:
                n = int(self.stream.extent())
                i = next((int(place) for place in at if place % n == failed), None)  # noqa: F841  # the note tells it
            raise


class Reading(FrameReader):
    """Frames of image files, of which the last ones are kept.

    Attributes
    ----------
    failed : int or None
        The frame that could not be read, of the last block that could not.
    """

    stream: Images
    repeat: int
    header: Header
    decoded: Decoded
    failed: int | None = None

    def __init__(self, stream: Images) -> None:
        self.stream, self.repeat = stream, stream.repeat
        self.header = stream._header or self._header()
        most = max(2 * stream.threads, min(20, CACHED // max(1, self.header.nbytes)))
        self.decoded = Decoded(self._decode, len(stream.paths), stream.threads, most)

    def _header(self) -> Header:
        stream = self.stream
        size, dtype = look(stream.paths[0], stream.is_color)
        _, _, rows, cols = centred("ImageSequence", size, stream.part, stream.offset)
        shape = (rows, cols, 3) if stream.is_color else (rows, cols)
        return Header(len(stream.paths) * stream.repeat, shape, np.dtype(stream.dtype or dtype))

    def _decode(self, k: int) -> Array:
        """Return image ``k`` as a frame."""
        return self.stream.watched(k, lambda: self._frame(k))

    def _frame(self, k: int) -> Array:
        stream, (shape, dtype) = self.stream, (self.header.shape, self.header.dtype)
        path = stream.paths[k]
        picture = decode(path, stream.is_color, stream.grey)
        top, left, (rows, cols) = 0, 0, picture.size
        if stream.part is not None or stream.offset is not None:
            try:
                top, left, rows, cols = centred("ImageSequence", picture.size, stream.part, stream.offset)
            except StreamConfigError as error:
                raise DataError(f"{error}\n  The image is {path}.") from None
        frame = crop_of(picture, top, left, rows, cols)
        if frame.dtype != dtype:
            if stream.dtype is None and stream.is_color and not np.can_cast(frame.dtype, dtype):
                raise DataError(
                    f"ImageSequence got values of {frame.dtype} in {str(path)!r}, wanted {dtype}, as in the first image.\n"
                    f"  Say dtype={frame.dtype.name!r} for all."
                )
            frame = _narrowed(frame, dtype, path)
        if frame.shape != shape:
            raise DataError(
                f"ImageSequence got an image of {frame.shape[0]} x {frame.shape[1]} in {str(path)!r}, wanted "
                f"{shape[0]} x {shape[1]} (rows x columns), as the first.\n"
                "  Give size=(rows, columns), a part that all of them have."
            )
        return frame

    def one(self, i: int) -> Array:
        k, shown = divmod(i, self.repeat)
        if self.decoded.all_kept or shown + 1 < self.repeat:  # not the caller's to change
            return self.decoded.get(k, k + 1).copy()
        return self.decoded.get(k, k + 1, again=False)

    def read(self, lo: int, hi: int) -> Array:
        repeat = self.repeat
        last = -(-hi // repeat)
        if repeat == 1 and hi == lo + 1 and not self.decoded.all_kept:
            return self.one(lo)[np.newaxis]  # a block of one costs no copy
        found = np.empty((hi - lo, *(n or 0 for n in self.header.shape)), self.header.dtype)
        at = lo
        while at < hi:
            k = at // repeat
            end = min(hi, (k + 1) * repeat)
            # An image that is shown to its end comes again after all others: by then it would be kept no more.
            again = self.decoded.all_kept or end < (k + 1) * repeat
            try:
                found[at - lo : end - lo] = self.decoded.get(k, last, again=again)
            except Exception:
                self.failed = at
                raise
            at = end
        return found

    def close(self) -> None:
        self.decoded.close()


def _narrowed(frame: Array, dtype: np.dtype[Any], path: Path) -> Array:
    """Return a frame as the type that was asked for."""
    wrong = first_wrong(frame, dtype)
    if wrong is not None:
        raise DataError(
            f"ImageSequence(dtype=) got {told(frame, dtype, wrong, DIMS[frame.ndim])}, in {str(path)!r}.\n"
            "  Choose a wider dtype=, or scale the frames: | hr.map(lambda frame: frame // 256)."
        )
    if dtype.kind in "iu" and frame.dtype.kind == "f":
        frame = np.rint(frame)
    return frame.astype(dtype)
