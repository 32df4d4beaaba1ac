"""Digits in a walk: the recipe below every stream of them."""

from __future__ import annotations

from collections.abc import Iterator
from math import gcd, inf
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

import numpy as np

from headrace.core.batch import Batch
from headrace.core.indexed import Bound, Indexed, Numbers, Places, numbers, runs
from headrace.core.items import each_of
from headrace.core.key import Key
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.core.stream import Field, Spec
from headrace.errors import StreamConfigError
from headrace.frames.base.footage import Header, spec_of
from headrace.frames.base.layout import Array
from headrace.frames.base.options import check_number, whole_number
from headrace.frames.base.paths import check_file
from headrace.frames.base.shared import say_where
from headrace.frames.base.unreadable import changed, stamp_of
from headrace.frames.digits.idx import read_idx_header, write_idx
from headrace.frames.digits.sets import DigitSet, check_images, check_labels, digit_set, no_labels
from headrace.sources.files_rows import example_file

Labels = Literal["none", "channel", "item"]
ADVANCE = 179425529  # prime: every digit of any set is shown
_LONGEST = 1 << 40  # frames of a digit
_FROM = 10**10  # where a walk without an init may begin


class Walk(Indexed[Array]):
    """Digits of a folder one after the other, each for ``rep`` frames: frame i shows digit (init + k advance) mod N.

    k is 1 + i // rep. A subclass is a recipe that has the fields below and says what frames are made of a digit.
    """

    who: ClassVar[str] = "MNISTStream"

    path: Path
    label_path: Path | None
    rep: int
    init: int | None
    advance: int
    labels: Labels

    def check(self) -> None:
        """Check the fields, for ``__post_init__``."""
        if self.labels not in get_args(Labels):
            raise StreamConfigError(
                f"{self.who}(labels=) got {self.labels!r}, wanted 'none', 'channel' or 'item'.\n"
                "  'channel' adds one to each frame, 'item' gives dicts with frame and label."
            )
        self.fix(
            path=check_file(self.who, self.path, "images"),
            label_path=None if self.label_path is None else check_file(self.who, self.label_path, "labels"),
            rep=whole_number(self.who, "rep", self.rep, 1),
            advance=whole_number(self.who, "advance", self.advance),
            init=None if self.init is None else whole_number(self.who, "init", self.init),
        )
        if self.rep > _LONGEST:
            raise StreamConfigError(
                f"{self.who}(rep=) got {self.rep}, wanted {_LONGEST} frames of a digit at most.\n  Give a smaller one."
            )
        if self.label_path is None and self.labels != "none":
            raise no_labels(self.who, self.path)

    def shape(self) -> tuple[int, int, int]:
        """Return how many digits there are, and their rows and columns, by the headers of the files.

        Raises
        ------
        DataError
            When they are no images, or not their labels, or are cut short.
        """
        known: tuple[int, int, int] | None = self.__dict__.get("_shape")
        if known is None:
            files = [path for path in (self.path, self.label_path) if path is not None]
            stamps = [(path, stamp_of(path)) for path in files]
            images = read_idx_header(self.path, self.who)
            check_images(self.who, self.path, images.shape, images.dtype)
            if self.label_path is not None:
                told = read_idx_header(self.label_path, self.who)
                check_labels(self.who, self.path, images.shape[0], self.label_path, told.shape)
            known = (images.shape[0], images.shape[1], images.shape[2])
            self.fix(_shape=known, _written=stamps)
        return known

    def check_files(self) -> None:
        """Raise DamageError when a file was written to since its header was read."""
        n, *size = self.shape()
        for path, before in self.__dict__["_written"]:
            now = stamp_of(path, before)
            if now is not None and before is not None and not before.same(now):
                raise changed(self.who, path, f"{n} digits of {size[0]} x {size[1]}")

    def left_out(self) -> int:
        """Return how many digits the walk never comes to."""
        n = self.shape()[0]
        return n - n // gcd(self.advance, n)

    def frame_shape(self) -> tuple[int, ...]:
        """Return the shape of a frame without labels."""
        return self.shape()[1:]

    def frame_dtype(self) -> np.dtype[Any]:
        """Return the type of a frame without labels."""
        return np.dtype(np.float32)

    @property
    def size(self) -> float:
        return inf

    @property
    def draws(self) -> bool:
        return self.init is None

    @property
    def spec(self) -> Spec | None:
        try:
            shape, dtype = self.frame_shape(), self.frame_dtype()
        except Exception:  # printing a description must not fail for a file that is gone
            return None
        if self.labels == "channel":
            shape = (*shape[:2], 1 + (shape[2] if len(shape) == 3 else 1))
            dtype = np.dtype(np.float32)
        frame = spec_of(Header(0, shape, dtype))[""]
        return {"frame": frame, "label": Field((), "<i8", ())} if self.labels == "item" else {"": frame}


class BoundWalk(Bound[Array]):
    """Digits by number; a subclass writes :meth:`frames`."""

    stream: Any
    inner: ClassVar[tuple[str, ...]] = ()
    _set: DigitSet | None = None
    _init = 0

    def digits(self) -> DigitSet:
        """Return the digits, read when first wanted."""
        if self._set is None:
            stream = self.stream
            stream.check_files()
            self._set = digit_set(stream.who, stream.path, stream.label_path)
            init = stream.init
            self._init = int(self.key.child("init").rng().integers(_FROM)) if init is None else init
        return self._set

    def shown(self, at: Numbers) -> Numbers:
        """Return which digit of the set each frame shows."""
        n = len(self.digits().images)
        k = (at // self.stream.rep + 1) % n  # small before they are multiplied
        found: Numbers = (self._init % n + k * (self.stream.advance % n)) % n
        return found

    def labels(self, at: Places) -> Numbers:
        """Return the label of each frame."""
        digits, shown = self.digits(), self.shown(numbers(at))
        if "labels" not in vars(digits):  # read only now: they are to be those of the images
            self.stream.check_files()
        found: Numbers = digits.labels[shown]
        return found

    def frames(self, at: Numbers) -> Array:
        """Return frames, ``(n, rows, cols[, channels])``, without their labels."""
        raise NotImplementedError(f"{type(self).__name__} needs a method frames(at)")

    def walk(self, at: Places) -> Iterator[Any]:
        for run in runs(at, 256, 1):
            yield from each_of(self.columns(run))

    def columns(self, at: Places) -> Any:
        try:
            wanted = numbers(at)
            made = self.frames(wanted)
            told = self.stream.labels
            if told == "item":
                return Batch(frame=made, label=self.labels(wanted))
            return with_channel(made, self.labels(wanted)) if told == "channel" else made
        except Exception as error:
            say_where(error, self.stream.path)
            raise

    def close(self) -> None:
        self._set = None


def with_channel(frames: Array, labels: Array) -> Array:
    """Return frames with one more channel, float32, that is filled with the number of each frame's label."""
    frames = frames if frames.ndim == 4 else frames[..., np.newaxis]
    made = np.empty((*frames.shape[:3], frames.shape[3] + 1), np.float32)
    made[..., :-1] = frames
    made[..., -1] = labels[:, np.newaxis, np.newaxis]
    return made


def runs_of(values: Numbers) -> tuple[Numbers, Numbers]:
    """Return the values that differ from those before them, and how often each comes in a row.

    Examples
    --------
    >>> [found.tolist() for found in runs_of(np.array([7, 7, 2, 7]))]
    [[7, 2, 7], [2, 1, 1]]
    """
    starts = np.flatnonzero(np.r_[True, values[1:] != values[:-1]])
    return values[starts], np.diff(np.r_[starts, len(values)])


@register("digits", example=lambda: Digits(*example_digits(), rep=3, init=0))
@recipe
class Digits(Walk):
    """The recipe of :class:`~headrace.frames.MNISTStream`: float32, 0 to ``max_value``."""

    path: Path
    label_path: Path | None
    rep: int = 10
    max_value: float = 1.0
    init: int | None = None
    advance: int = ADVANCE
    labels: Labels = "none"

    def __post_init__(self) -> None:
        self.check()
        self.fix(max_value=check_number("MNISTStream", "max_value", self.max_value))

    def bind(self, key: Key) -> Bound[Array]:
        return _Digits(self, key)


class _Digits(BoundWalk):
    def __init__(self, stream: Digits, key: Key) -> None:
        super().__init__(stream, key)
        self.values = (np.arange(256) * stream.max_value / 255).astype(np.float32)

    def frames(self, at: Numbers) -> Array:
        shown, times = runs_of(self.shown(at))
        found = self.values[self.digits().images[shown]]
        return found if len(found) == len(at) else np.repeat(found, times, axis=0)


def example_digits() -> tuple[Path, Path]:
    """Return the files of seven small digits."""
    rng = np.random.default_rng(3)
    images = rng.integers(0, 256, (7, 6, 5), np.uint8) * (rng.random((7, 6, 5)) < 0.3)
    return (
        example_file("digits-images-idx3-ubyte", lambda path: write_idx(path, images.astype(np.uint8))),
        example_file("digits-labels-idx1-ubyte.gz", lambda path: write_idx(path, (np.arange(7) % 4).astype(np.uint8))),
    )
