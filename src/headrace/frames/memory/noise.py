"""Frames out of nothing: noise that is the same however it is cut."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

import numpy as np

from headrace.core.checks import number
from headrace.core.indexed import Bound, Places
from headrace.core.key import Key, Seed
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.core.stream import Spec
from headrace.frames.base.bounded import check_fits
from headrace.frames.base.footage import Header, IndexedFrames, spec_of
from headrace.frames.base.layout import Array, check_size
from headrace.frames.base.stream import FrameStream


class RandomStream(FrameStream):
    """Uniform noise without end: ``[time, row, col]``, float32, values from ``mean`` up to ``mean + level``.

    Frame i depends on the seed and i alone, so ``get(2)`` and ``get(3)`` are what ``get(5)`` would have been.

    Parameters
    ----------
    size
        Rows and columns.
    pixel_per_degree
        Pixels to a degree of the visual field.
    level
        How wide the range of values is.
    mean
        The least value, whatever its documented name says.
    seed
        Fixes the frames. Without one each stream and each pass over it has its own; only ``reset`` repeats them.
    t_zero, dt
        The time of frame 0 and from frame to frame, in seconds.

    Raises
    ------
    StreamConfigError
        When ``size`` is no pair of whole numbers, ``level`` or ``mean`` no number.
    DataError
        While running, when the frames that are asked for are more than memory holds.

    Examples
    --------
    >>> from headrace.frames import RandomStream
    >>> noise = RandomStream((4, 5), level=100, mean=127, seed=7)
    >>> block = noise.get(1000)
    >>> block.shape, block.dtype.name, bool(block.min() >= 127 and block.max() <= 227), noise.i
    ((1000, 4, 5), 'float32', True, 1000)
    >>> bool((noise[999] == block[-1]).all())
    True
    """

    def __init__(
        self,
        size: tuple[int, int] = (50, 50),
        pixel_per_degree: float = 10,
        level: float = 1.0,
        mean: float = 0.0,
        *,
        seed: Seed | None = None,
        t_zero: float = 0.0,
        dt: float = 0.001,
    ) -> None:
        made: Noise = Noise(size, level, mean)
        super().__init__(
            made if seed is None else made.seeded(seed), pixel_per_degree=pixel_per_degree, t_zero=t_zero, dt=dt
        )


@register("random_frames", example=lambda: Noise((3, 4)))
@recipe
class Noise(IndexedFrames):
    """The recipe of :class:`RandomStream`: frames of float32, ``(rows, cols)``."""

    shape: tuple[int, int] = (50, 50)
    level: float = 1.0
    mean: float = 0.0

    def __post_init__(self) -> None:
        for name in ("level", "mean"):
            value = getattr(self, name)
            advice = "Values are uniform from mean up to mean + level."
            self.fix(**{name: number(f"RandomStream({name}=)", value, advice=advice)})
        self.fix(shape=check_size("RandomStream", self.shape))

    @property
    def size(self) -> float:
        return inf

    @property
    def draws(self) -> bool:
        return True

    @property
    def spec(self) -> Spec:
        return spec_of(Header(0, self.shape, np.dtype(np.float32)))

    def bind(self, key: Key) -> Bound[Array]:
        return _Noise(self, key)


_MANY = 1 << 30  # bytes up to which nobody looks whether memory holds them


class _Noise(Bound[Array]):
    stream: Noise
    inner = ()

    def __init__(self, stream: Noise, key: Key) -> None:
        super().__init__(stream, key)
        self.lane = key.child("frames").lane()
        self.row_bytes = 4 * stream.shape[0] * stream.shape[1]

    def walk(self, at: Places) -> Iterator[Array]:
        self._check(1)
        for i in at if isinstance(at, range) else at.tolist():
            frame = np.empty(self.stream.shape, np.float32)
            self.lane.at(i).random(dtype=np.float32, out=frame)
            yield self._scaled(frame)

    def columns(self, at: Places) -> Array:
        self._check(len(at))
        made = np.empty((len(at), *self.stream.shape), np.float32)
        for frame, i in zip(made, at if isinstance(at, range) else at.tolist(), strict=True):
            self.lane.at(i).random(dtype=np.float32, out=frame)
        return self._scaled(made)

    def _check(self, n: int) -> None:
        """Raise DataError when ``n`` frames are more than memory holds."""
        if n * self.row_bytes > _MANY:
            check_fits("RandomStream", n, self.stream.shape, np.float32)

    def _scaled(self, made: Array) -> Array:
        if self.stream.level != 1:
            made *= np.float32(self.stream.level)
        if self.stream.mean:
            made += np.float32(self.stream.mean)
        return made
