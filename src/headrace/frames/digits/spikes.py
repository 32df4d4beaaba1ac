"""Spikes drawn from digits: the recipe of a stream of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from headrace.core.indexed import Bound, Numbers
from headrace.core.key import Key
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.frames.base.layout import Array
from headrace.frames.base.options import check_number
from headrace.frames.digits.walk import ADVANCE, BoundWalk, Labels, Walk, example_digits, runs_of

GRANULE = 64  # frames of one digit whose spikes are drawn together at most


@register("digit_spikes", example=lambda: DigitSpikes(*example_digits(), rep=3, fr=0.5, init=0))
@recipe
class DigitSpikes(Walk):
    """The recipe of :class:`~headrace.frames.PoissonMNISTStream`."""

    who: ClassVar[str] = "PoissonMNISTStream"

    path: Path
    label_path: Path | None
    rep: int = 10
    fr: float = 0.05
    init: int | None = None
    advance: int = ADVANCE
    labels: Labels = "none"

    def __post_init__(self) -> None:
        self.check()
        self.fix(fr=check_number(self.who, "fr", self.fr, 0, 1))

    @property
    def draws(self) -> bool:
        return True

    def frame_dtype(self) -> np.dtype[Any]:
        return np.dtype(np.bool_)

    def bind(self, key: Key) -> Bound[Array]:
        return _Spikes(self, key)


class _Spikes(BoundWalk):
    """Spikes of up to GRANULE frames of one digit are drawn together, and only where it is not black.

    The frames of a granule are a pure function of the key and its number, so they are the same however they are asked
    for; the one drawn last is kept, for who asks frame by frame.
    """

    _kept: tuple[int, Array] = (-1, np.empty(0))

    def __init__(self, stream: DigitSpikes, key: Key) -> None:
        super().__init__(stream, key)
        self.lane = key.child("spikes").lane()
        self.chances = (np.arange(256) * stream.fr / 255).astype(np.float32)
        self.granule = min(stream.rep, GRANULE)
        self.granules = -(-stream.rep // self.granule)  # of one digit

    def frames(self, at: Numbers) -> Array:
        rep, images = self.stream.rep, self.digits().images
        show, frame = at // rep, at % rep
        wanted = show * self.granules + frame // self.granule
        inside = frame % self.granule
        made = np.zeros((len(at), images.shape[1] * images.shape[2]), np.bool_)
        which, times = runs_of(wanted)
        digits = self.shown(which // self.granules * rep)
        lo = 0
        for granule, digit, n in zip(which.tolist(), digits.tolist(), times.tolist(), strict=True):
            if n == 1 or granule == self._kept[0] or lo + n == len(at):
                made[lo : lo + n] = self._one(granule, digit)[inside[lo : lo + n]]
            else:  # mostly all of it, in order: drawn into its place
                made[lo : lo + n] = self._drawn(granule, digit)[inside[lo : lo + n]]
            lo += n
        return made.reshape(len(at), *images.shape[1:])

    def _one(self, granule: int, digit: int) -> Array:
        if self._kept[0] != granule:
            self._kept = granule, self._drawn(granule, digit)
        return self._kept[1]

    def _drawn(self, granule: int, digit: int) -> Array:
        pixels = self.digits().images[digit].reshape(-1)
        lit = np.flatnonzero(pixels)
        made = np.zeros((self.granule, len(pixels)), np.bool_)
        rng = self.lane.at(granule)
        # Strictly below: a chance of 0 is never met, and one of 1 always.
        made[:, lit] = rng.random((self.granule, len(lit)), np.float32) < self.chances[pixels[lit]]
        return made

    def close(self) -> None:
        super().close()
        self._kept = (-1, np.empty(0))
