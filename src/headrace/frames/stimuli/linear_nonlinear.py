"""Data of a model that is known: stimuli, and the responses of a linear-nonlinear model to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from headrace.core.key import Key, Seed
from headrace.errors import DataError, StreamConfigError
from headrace.frames.base.layout import Array, framed
from headrace.frames.base.options import check_number
from headrace.frames.stimuli.grid import lengths

_Draw = Callable[[np.random.Generator, tuple[int, ...], float], Array]
_KINDS: dict[str, _Draw] = {
    "random": lambda rng, shape, p: rng.standard_normal(shape),
    "rand": lambda rng, shape, p: rng.random(shape),
    "sparse": lambda rng, shape, p: (rng.random(shape) < p).astype(np.float64),
}


class SampleGenerator:
    """Stimuli and the responses of a linear-nonlinear model to them, to fit models to whose kernel is known.

    The response of a pixel is ``max(0, sum of kernel[i, a, b] * stimulus[t - i, row + a - rows // 2, col + b - cols // 2])``:
    of the current frame and those before, and of the pixels around it; beyond the borders and the beginning all is 0.

    Parameters
    ----------
    kernel
        ``"random"`` for normal values, ``"rand"`` for values from 0 to 1, ``"sparse"`` for ones among zeros; or the
        kernel itself, ``[time, row, col]``, whose frame 0 weighs the current one.
    kernel_size
        Frames, rows and columns of a kernel that is drawn.
    p
        The probability of a one where ones are sparse, of kernel and stimulus.
    seed
        Fixes the kernel and every stimulus.

    Attributes
    ----------
    kernel : array
        float64 ``(time, rows, cols)``.

    Raises
    ------
    StreamConfigError
        When an option is none of the above.

    Examples
    --------
    >>> from headrace.frames import SampleGenerator
    >>> generator = SampleGenerator("random", (10, 5, 5), seed=7)
    >>> x, y = generator.generate(size=(200, 20, 20))
    >>> x.shape, y.shape, bool((y == generator.response(x)).all())
    ((200, 20, 20), (200, 20, 20), True)
    """

    kernel: Array

    def __init__(
        self,
        kernel: Any = "random",
        kernel_size: tuple[int, int, int] = (10, 5, 5),
        p: float = 0.1,
        *,
        seed: Seed | None = None,
    ) -> None:
        self._key = Key.fresh() if seed is None else Key(seed)
        self._p = check_number("SampleGenerator", "p", p, 0, 1)
        self._made = 0
        if isinstance(kernel, str):
            shape = _three("SampleGenerator", "kernel_size", kernel_size)
            self.kernel = _drawn("SampleGenerator(kernel=)", kernel, self._key.child("kernel"), shape, self._p)
        else:
            self.kernel = _own_kernel(kernel)

    def generate(self, input: Any = "random", size: tuple[int, int, int] = (2000, 20, 20)) -> tuple[Array, Array]:
        """Return a stimulus and the response to it, each ``[time, row, col]``, float64; another stimulus each time.

        Parameters
        ----------
        input
            What is drawn, as ``kernel`` above.
        size
            Frames, rows and columns.

        Raises
        ------
        StreamConfigError
            When these are none.
        """
        shape = _three("SampleGenerator.generate", "size", size)
        stimulus = _drawn(
            "SampleGenerator.generate(input=)", input, self._key.child("stimulus", self._made), shape, self._p
        )
        self._made += 1
        return stimulus, self.response(stimulus)

    def response(self, stimulus: Any) -> Array:
        """Return the response to a stimulus, ``[time, row, col]``, float64.

        Parameters
        ----------
        stimulus
            A block of frames of one channel, as :meth:`~headrace.frames.FrameStream.get` gives them.

        Raises
        ------
        DataError
            When it is none.
        """
        frames = framed(stimulus, "SampleGenerator.response")
        if frames.ndim != 3:
            raise DataError(
                f"SampleGenerator.response got frames of shape {frames.shape[1:]}, wanted one channel: (rows, cols).\n"
                "  Choose a channel, or take their mean."
            )
        n, rows, cols = frames.shape
        _, high, wide = self.kernel.shape
        around = ((0, 0), (high // 2, high - 1 - high // 2), (wide // 2, wide - 1 - wide // 2))
        padded = np.pad(frames.astype(np.float64), around)
        made = np.zeros((n, rows, cols))
        for ago, down, right in np.argwhere(self.kernel).tolist():
            if ago < n:
                seen = padded[: n - ago, down : down + rows, right : right + cols]
                made[ago:] += self.kernel[ago, down, right] * seen
        return np.maximum(made, 0, out=made)


def _drawn(what: str, kind: Any, key: Key, shape: tuple[int, ...], p: float) -> Array:
    draw = _KINDS.get(kind) if isinstance(kind, str) else None
    if draw is None:
        raise StreamConfigError(
            f"{what} got {kind!r}, wanted one of {', '.join(map(repr, _KINDS))}.\n  An array is taken for a kernel as it is."
        )
    return draw(key.rng(), shape, p)


def _own_kernel(kernel: Any) -> Array:
    found = np.asarray(kernel)
    if found.ndim != 3 or not found.size or found.dtype.kind not in "buif" or not np.isfinite(found).all():
        raise StreamConfigError(
            f"SampleGenerator(kernel=) got {type(kernel).__name__} of shape {found.shape} and type {found.dtype}, wanted "
            f"{', '.join(map(repr, _KINDS))}, or finite numbers as [time, row, col].\n"
            "  kernel[np.newaxis] makes one frame of [row, col]."
        )
    return found.astype(np.float64)


def _three(who: str, option: str, size: Any) -> tuple[int, int, int]:
    try:
        frames, rows, cols = size
    except (TypeError, ValueError):
        raise StreamConfigError(
            f"{who}({option}=) got {size!r}, wanted frames, rows and columns: three numbers.\n  Write {option}=(10, 5, 5)."
        ) from None
    found = lengths(who, {f"{option}[{k}]": n for k, n in enumerate((frames, rows, cols))})
    return found[0], found[1], found[2]
