"""Image files one after another, as frames."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, get_args
from zlib import crc32

import numpy as np

from headrace.core.indexed import Bound
from headrace.core.key import Key
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.errors import HeadraceError, StreamConfigError
from headrace.frames.base.footage import Footage, FrameReader
from headrace.frames.base.layout import Array, check_size
from headrace.frames.base.options import check_dtype, whole_number
from headrace.frames.base.paths import check_file
from headrace.frames.base.stream import FrameStream, OnEnd
from headrace.frames.base.unreadable import changed, stat_of
from headrace.frames.files.names import Sort, files_of
from headrace.frames.images.pictures import Grey
from headrace.frames.images.reading import Pictures, Reading
from headrace.sources.files_rows import example_file

WHOLE = 1 << 13  # values of a frame up to which all of them tell it from another
GOLDEN = 0.618034


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
    the files, 0 to 255, and 0 to 65535 where they have 16 bits, of whichever sign; those of a PGM or PPM file go up to the
    largest that it names. Less than 8 bits are spread over 0 to 255, and black is 0, in a TIFF file with white as zero, too.
    Files with several pages, and animations, are refused.

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
            repeat=_repeat(who, self.repeat, len(self.paths)),
            threads=whole_number(who, "threads", self.threads, 1),
            dtype=None if self.dtype is None else check_dtype(who, "dtype", self.dtype, "uif").str,
        )

    def reader(self) -> FrameReader:
        return Reading(self)

    def bind(self, key: Key) -> Bound[Array]:
        return Pictures(self, key)

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
        except HeadraceError as error:
            now = stat_of(path)
            if now is not None and known is not None and now[0] != known[0]:  # what is wrong with it comes of that
                raise changed("ImageSequence", path, "the image that it was") from error
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


def _repeat(who: str, repeat: Any, images: int) -> int:
    """Return how often each image is shown, so that len() can say how many frames there are."""
    found, most = whole_number(who, "repeat", repeat, 1), sys.maxsize // max(1, images)
    if found > most:
        raise StreamConfigError(
            f"{who}(repeat) got {repeat}, wanted at most {most}, so that len() can count the frames.\n"
            "  For one image without end choose on_end='repeat'."
        )
    return found


def _sample(frame: Array) -> int:
    """Return a checksum of values that lie all over a frame: of a large one, three of every two rows, at the least 800."""
    values, rows = frame.ravel(), len(frame)
    if values.size <= WHOLE:
        return crc32(values.tobytes())
    step = int(values.size // rows // -(-512 // rows) * GOLDEN)  # evenly over the columns, however many there are
    return crc32(values[:: step + (step % 3 == 0)].tobytes())  # and over the colours


def _example(name: str) -> Path:
    return example_file(f"{name}.png", lambda path: _write_example(path, len(name)))


def _write_example(path: Path, shift: int) -> None:
    from PIL import Image

    rows = np.arange(5 * 6 * 3, dtype=np.uint8).reshape(5, 6, 3) + np.uint8(shift)
    Image.fromarray(rows).save(path)
