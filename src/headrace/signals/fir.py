"""Weighted sums of the newest rows, each added up in one order however rows are cut."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from headrace.core.block import ZERO
from headrace.errors import StreamConfigError
from headrace.signals.base import Array, Signal, signal_class
from headrace.signals.design import Response, response
from headrace.signals.history import PIECE, joined, narrow, newest, pieces, wide
from headrace.signals.taps import fir


def is_symmetric(taps: Array) -> bool:
    """Tell whether weights are the same, or opposite, from both ends: then all frequencies come equally late."""
    scale = 1e-12 * float(np.max(np.abs(taps), initial=0.0))
    return any(bool(np.allclose(taps, sign * taps[::-1], rtol=0, atol=scale)) for sign in (1, -1))


class FirBase(Signal[Any]):
    """A weighted sum of the newest rows; a subclass says the weights, the newest row's first, in :meth:`weights`."""

    def weights(self) -> Array:
        """Return the impulse response, ``(taps,)``."""
        raise NotImplementedError(f"{type(self).__name__} needs a method weights()")

    def response(self, points: int = 512) -> Response:
        """Return (frequencies, gain in dB, unwrapped phase); frequencies in radians a row where there is no rate."""
        return response(self.weights(), getattr(self, "sample_rate", 2 * np.pi), points=points)

    @property
    def latency(self) -> Fraction:
        taps = self._known[0]
        return Fraction(len(taps) - 1, 2) if self._known[1] else ZERO

    @property
    def _known(self) -> tuple[Array, bool]:
        known = self.__dict__.get("_taps")
        if known is None:
            taps = np.array(self.weights())
            known = taps, is_symmetric(taps)
            self.fix(_taps=known)
        made: tuple[Array, bool] = known
        return made

    def step(self, state: Any, *rows: Array) -> tuple[Array, Any]:
        x, n = wide(rows[0]), len(rows[0])
        if not n:
            return np.empty(x.shape, narrow(rows[0].dtype)), state
        taps = self._known[0]
        if not x.flags.c_contiguous:
            x = np.ascontiguousarray(x)
        past = np.repeat(x[:1], len(taps) - 1, axis=0) if state is None else state
        if x.size <= PIECE:
            found = fir(taps, joined(past, x))
        else:
            found = np.empty(x.shape, x.dtype)
            for lo, hi, piece in pieces(past, x):
                found[lo:hi] = fir(taps, piece)
        return found.astype(narrow(rows[0].dtype), copy=False), newest(past, x)


@signal_class(lambda: Fir("x", "y", (0.5, 0.25, -0.125, 1.0)))
class Fir(FirBase):
    """A filter with a finite impulse response: ``kernel[0] * x[k] + kernel[1] * x[k-1] + ...``, in double precision.

    Parameters
    ----------
    x
        The input's name, ``(rows, ...)``.
    name
        What to call the output, of the input's shape. It begins as though the first row had been there always.
    kernel
        The weights, ``(taps,)``, the newest row's first. Where they are the same (or opposite) from both ends, the
        latency is half their length.

    Raises
    ------
    StreamConfigError
        When the kernel is not one finite number or more.

    Examples
    --------
    >>> Fir("x", name="y", kernel=[0.5, 0.5])([2.0, 4.0, 8.0]).tolist()
    [2.0, 3.0, 6.0]
    """

    x: str
    name: str
    kernel: Any

    def check(self) -> None:
        try:
            taps = np.asarray(self.kernel, dtype=np.float64)
        except (TypeError, ValueError):
            taps = np.empty(0)
        if taps.ndim != 1 or not len(taps) or not np.isfinite(taps).all():
            raise StreamConfigError(
                f"Fir(kernel=) got {self.kernel!r}, wanted its weights: finite numbers, one for each row it looks back.\n"
                "  headrace.signals.design.windowed_fir gives such."
            )
        self.fix(kernel=tuple(taps.tolist()))

    def weights(self) -> Array:
        return np.array(self.kernel)
