"""Spikes of frames: a draw for each pixel, with the pixel's value as its probability."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from headrace.core.key import Key, Seed
from headrace.core.registry import register
from headrace.errors import DataError
from headrace.frames.base.layout import Array, as_array
from headrace.frames.base.options import check_number
from headrace.frames.base.stream import FrameStream, OnEnd, frames_of
from headrace.ops.map import map as map_op


class PoissonStream(FrameStream):
    """Spikes of another stream's frames, bool: each pixel of each frame is a draw of its own.

    Parameters
    ----------
    input_stream
        A stream of frames. Its recipe is taken as it is now, from frame 0; it is not moved.
    gain
        What a pixel is multiplied with to make it a probability: 1/255 times a rate for bytes.
    seed
        Fixes the spikes. Frame i depends on it and on frame i alone.
    on_end
        As for :class:`FrameStream`.

    Raises
    ------
    StreamConfigError
        For a ``gain`` that is no number of at least 0.
    DataError
        While running: pixels whose probability is not from 0 to 1.

    Examples
    --------
    >>> import numpy as np
    >>> from headrace.frames import PoissonStream
    >>> spikes = PoissonStream(np.full((1000, 8, 8), 0.25), seed=7)
    >>> block = spikes.get(1000)
    >>> block.dtype.name, round(float(block.mean()), 2), bool((spikes[999] == block[999]).all())
    ('bool', 0.25, True)
    """

    def __init__(
        self, input_stream: Any, gain: float = 1.0, *, seed: Seed | None = None, on_end: OnEnd = "short"
    ) -> None:
        rate = check_number("PoissonStream", "gain", gain, 0)
        source = frames_of(input_stream, "PoissonStream")
        like = input_stream if isinstance(input_stream, FrameStream) else FrameStream(source)
        made = source | map_op(partial(spiking, gain=rate))
        super().__init__(
            made if seed is None else made.seeded(seed),
            like=like,
            layout=like.layout,
            on_end=on_end,
        )


@register("spiking", example=None, kind="function")
def spiking(frame: Any, gain: float = 1.0, *, rng: np.random.Generator) -> Array:
    """Return which pixels of a frame, or of a block, spike: bool, with probability ``gain`` times their value.

    Raises
    ------
    DataError
        For a probability that is not from 0 to 1, and for what is no number.

    Examples
    --------
    >>> import numpy as np
    >>> spiking(np.array([0.0, 1.0]), rng=np.random.default_rng(7)).tolist()
    [False, True]
    """
    chance = np.asarray(frame)
    if chance.dtype.kind not in "buif":
        raise DataError(
            f"Poisson spikes got {type(frame).__name__} of {chance.dtype}, wanted numbers: a frame, or a block of them.\n"
            "  Choose the frame with hr.map(lambda item: item['name'])."
        )
    chance = chance if gain == 1 else chance * gain
    if chance.size and not (float(chance.min()) >= 0 and float(chance.max()) <= 1):  # not for what is no number, too
        raise DataError(
            f"Poisson spikes got probabilities from {float(chance.min()):g} to {float(chance.max()):g}, wanted 0 to 1.\n"
            "  Give gain= a number that makes them so: 1/255 for bytes."
        )
    # Strictly below: a chance of 0 is never met, and one of 1 always.
    found: Array = rng.random(chance.shape) < chance
    return found


class Poisson:
    """Spikes of blocks: called with probabilities, it gives an array or a tensor of bools of their shape.

    Parameters
    ----------
    seed
        Fixes the spikes of one call after the other; :meth:`clear_state` begins with the first again.

    Raises
    ------
    StreamConfigError
        For what is no seed.
    DataError
        When called with what is not from 0 to 1.

    Examples
    --------
    >>> import numpy as np
    >>> from headrace.frames import Poisson
    >>> spikes = Poisson(seed=7)
    >>> spikes(np.ones((1, 1, 3, 2, 2))).all(), spikes(np.zeros((5, 2, 2))).any()
    (np.True_, np.False_)
    """

    def __init__(self, seed: Seed | None = None) -> None:
        self._key = Key.fresh() if seed is None else Key(seed)
        self._rng = self._key.rng()

    def clear_state(self) -> None:
        """Begin anew."""
        self._rng = self._key.rng()

    def __call__(self, block: Any) -> Any:
        """Return which values spike."""
        array = as_array(block)
        # Time by time, so that blocks may be cut anywhere: numbers are drawn in the order of time.
        axis = 2 if array.ndim == 5 else 1 if array.ndim == 4 else 0
        along = np.moveaxis(array, axis, 0) if array.ndim > 2 else array
        made = spiking(along, rng=self._rng)
        found = np.ascontiguousarray(np.moveaxis(made, 0, axis)) if array.ndim > 2 else made
        return block.new_tensor(found, dtype=bool_of(block)) if hasattr(block, "new_tensor") else found


def bool_of(tensor: Any) -> Any:
    """Return the dtype of bools of a tensor's package."""
    return (tensor == tensor).dtype
