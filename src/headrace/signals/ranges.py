"""Between which numbers parameters lie: what a form that makes a signal, and the schema of its JSON, say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Range(NamedTuple):
    """Bounds of a number; None where there is none.

    Attributes
    ----------
    least, most : float or None
        The smallest and the largest that is allowed.
    above : float or None
        What it must exceed.
    below : float, str or None
        What it must stay under: a number, or a parameter by its name, or ``"sample_rate/2"``.
    """

    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | str | None = None

    def told(self) -> dict[str, Any]:
        """Return the bounds there are, by name."""
        return {name: value for name, value in self._asdict().items() if value is not None}


_ABOVE_0 = ("sample_rate", "sampling_rate", "quality", "len_sec", "width_in_sec", "base")
_FREQUENCIES = ("cutoff_freq", "freq", "carrier_freq", "bandwidth")
_FROM_0 = (
    "gain", "acceleration_rejection", "rejection_timeout", "gyroscope_range", "timeout_const", "max_lag", "n", "refractory",
)  # fmt: skip
_FROM_1 = (
    "length", "columns", "chunk", "debounce", "distance", "down", "up", "half_width", "n_taps", "order", "window_size", "level",
)  # fmt: skip
# What these names mean is the same in every signal, but for those that say otherwise in ``ranges``.
RANGES: Mapping[str, Range] = {
    **dict.fromkeys(_ABOVE_0, Range(above=0)),
    **dict.fromkeys(_FREQUENCIES, Range(above=0, below="sample_rate/2")),
    **dict.fromkeys(_FROM_0, Range(least=0)),
    **dict.fromkeys(_FROM_1, Range(least=1)),
    "window_overlap": Range(least=0, below="window_size"),
    "alpha": Range(above=0, most=1),
    "ddof": Range(least=0, most=1),
}
