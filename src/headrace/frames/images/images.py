"""Image files one after another, as frames."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, get_args
from zlib import crc32

import numpy as np

from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.errors import DataError, HeadraceError, StreamConfigError
from headrace.frames.base.footage import DIMS, Footage, FrameReader, Header
from headrace.frames.base.layout import Array, centred, check_size
from headrace.frames.base.narrow import first_wrong, told
from headrace.frames.base.options import check_dtype, whole_number
from headrace.frames.base.paths import check_file
from headrace.frames.base.stream import FrameStream, OnEnd
from headrace.frames.base.unreadable import changed, stat_of
from headrace.frames.files.names import Sort, files_of
from headrace.frames.images.ahead import Decoded
from headrace.frames.images.pictures import Grey, crop_of, decode, look
from headrace.sources.files_rows import example_file

CACHED = 1 << 26  # bytes of decoded frames kept
SAMPLED = 1024  # values of a frame that tell it from another


class ImageSequence(FrameStream):
    """The images of a folder as frames, each ``repeat`` times: ``[time, row, col]``, in colour ``[1, 3, time, row, col]``.

    Parameters
    ----------
    filenames
        A pattern like ``"folder/*.jpg"``, whose files are sorted, ``"folder/**/*.jpg"`` for those in folders below, too; or
        a list of files in their order.
    size
        Rows and columns of the part that is given, never scaled; None for whole images, which then have one size.
    repeat
        How many frames in a row each image is.
    offset
        Row and column of the part's corner; None for the middle, in each image its own.
    is_color
        Red, green and blue, of the type of the files (uint8, mostly). Else one channel of float32.
    pixel_per_degree, t_zero, dt, on_end
        As for :class:`FrameStream`.
    sort
        ``"natural"`` puts ``frame_2`` before ``frame_10``; ``"plain"`` sorts letter by letter.
    grey
        Where one channel comes from: ``"mean"`` of red, green and blue, or ``"luma"``, which a JPEG file has ready.
    dtype
        Another type of values: ``"uint8"`` for grey takes a quarter of the memory, rounded. It is to hold all of them.
    threads
        How many images are decoded at once, ahead of the frames that are asked for; 1 decodes when they are.

    Raises
    ------
    StreamConfigError
        When no file is so called, one is missing, an option is none of the above, or the first image is smaller than
        ``size``.
    DataError
        When the first file is no image, or a file of several; while running, when another is, has no such part, or a value
        that ``dtype`` cannot hold.
    MissingExtraError
        Without Pillow: ``pip install 'headrace[frames]'``.

    Notes
    -----
    Images are turned as their EXIF orientation says. Transparency is dropped, palettes are looked up. Values are those of
    the files, 0 to 255, and 0 to 65535 where they have 16 bits. Files with several pages, and animations, are refused.

    Examples
    --------
    >>> import numpy as np
    >>> from PIL import Image
    >>> from headrace.frames import ImageSequence
    >>> for k in (2, 10):
    ...     Image.fromarray(np.full((60, 80, 3), k, "uint8")).save(f"frame_{k}.png")
    >>> film = ImageSequence("frame_*.png", size=(50, 50), repeat=3)
    >>> film.get(6)[:, 0, 0].tolist(), len(film), film.size
    ([2.0, 2.0, 2.0, 10.0, 10.0, 10.0], 6, (50, 50))
    >>> ImageSequence("frame_*.png", size=None, is_color=True).get(2).shape
    (1, 3, 2, 60, 80)
    """

    def __init__(
        self,
        filenames: Any = "*.jpg",
        size: tuple[int, int] | None = (50, 50),
        repeat: int = 1,
        offset: tuple[int, int] | None = None,
        is_color: bool = False,
        *,
        pixel_per_degree: float = 10,
        t_zero: float = 0.0,
        dt: float = 0.001,
        on_end: OnEnd = "short",
        sort: Sort = "natural",
        grey: Grey = "mean",
        dtype: Any = None,
        threads: int = 1,
    ) -> None:
        paths = files_of("ImageSequence", filenames, sort)
        super().__init__(
            Images(paths, size, repeat, offset, is_color, grey, dtype, threads),
            pixel_per_degree=pixel_per_degree,
            t_zero=t_zero,
            dt=dt,
            layout="5d" if is_color else "3d",
            on_end=on_end,
        )


@register("images", example=lambda: Images((_example("a"), _example("b")) * 5, (3, 4), 2))
@recipe
class Images(Footage):
    """The recipe of :class:`ImageSequence`."""

    tuning: ClassVar[tuple[str, ...]] = ("threads",)

    paths: tuple[Path, ...]
    part: tuple[int, int] | None = (50, 50)
    repeat: int = 1
    offset: tuple[int, int] | None = None
    is_color: bool = False
    grey: Grey = "mean"
    dtype: str | None = None
    threads: int = 1
    _seen: ClassVar[Array | None] = None  # what each file was known by

    def __post_init__(self) -> None:
        who = "ImageSequence"
        if self.grey not in get_args(Grey):
            raise StreamConfigError(
                f"{who}(grey=) got {self.grey!r}, wanted 'mean' or 'luma'.\n"
                "  'mean' is that of the three colours, 'luma' weighs them as eyes do."
            )
        if not isinstance(self.is_color, bool | np.bool_):  # the word "no" would be colour
            raise StreamConfigError(
                f"{who}(is_color=) got {self.is_color!r}, wanted True or False.\n  True gives red, green and blue, False one channel."
            )
        self.fix(
            is_color=bool(self.is_color),
            paths=tuple(
                path if isinstance(path, Path) and path.is_absolute() else check_file(who, path, "filenames")
                for path in self.paths
            ),
            part=None if self.part is None else check_size(who, self.part),
            offset=None if self.offset is None else check_size(who, self.offset, "offset", 0),
            repeat=whole_number(who, "repeat", self.repeat, 1),
            threads=whole_number(who, "threads", self.threads, 1),
            dtype=None if self.dtype is None else check_dtype(who, "dtype", self.dtype, "uif").str,
        )

    def reader(self) -> FrameReader:
        return _Reader(self)

    def watched(self, k: int, decode: Callable[[], Array]) -> Array:
        """Return the frame of image ``k``; raise DamageError when it was written to within, or since it was first decoded.

        It is known by its length and by some values of its frame, which are looked at where its time says that it was
        written to: with every image, even opening the file once more is too slow.
        """
        path, seen = self.paths[k], self._seen
        if seen is None:  # an array, of millions of images
            seen = np.zeros((len(self.paths), 3), np.int64)
            self.fix(_seen=seen)
        size, mtime, sample = seen[k].tolist()
        known = (size, mtime) if size else stat_of(path)
        try:
            frame = decode()
        except HeadraceError:
            if known is not None and stat_of(path) not in (None, known):  # what is wrong with it comes of that
                raise changed("ImageSequence", path, "the image that it was") from None
            raise
        now = stat_of(path)
        if size and now == known:
            return frame
        found = _sample(frame)
        same = now == known if not size else now is not None and (now[0], found) == (size, sample)
        if not same or now is None:
            raise changed("ImageSequence", path, "the image that it was")
        seen[k] = *now, found
        return frame


class _Reader(FrameReader):
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
            found[at - lo : end - lo] = self.decoded.get(k, last, again=again)
            at = end
        return found

    def close(self) -> None:
        self.decoded.close()


def _sample(frame: Array) -> int:
    """Return a checksum of values that lie all over a frame."""
    values = frame.ravel()
    return crc32(values[:: values.size // SAMPLED | 1].tobytes())


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


def _example(name: str) -> Path:
    return example_file(f"{name}.png", lambda path: _write_example(path, len(name)))


def _write_example(path: Path, shift: int) -> None:
    from PIL import Image

    rows = np.arange(5 * 6 * 3, dtype=np.uint8).reshape(5, 6, 3) + np.uint8(shift)
    Image.fromarray(rows).save(path)
