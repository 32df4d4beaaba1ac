"""The sampler of 1.0, which prefixes the keys of a source that gives a dict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headrace.live import Sampler as _Sampler


class Sampler(_Sampler):
    """Sources asked together at even moments: :class:`headrace.live.Sampler` with ``prefix=True``.

    The values of a source ``"keyboard"`` that gives ``{"pressing_enter": 0}`` are called ``keyboard_pressing_enter``; in the
    documented notebook, ``headrace.compat.genki_signals.data_sources.Sampler``, ``pressing_enter``.

    Parameters
    ----------
    sources, sample_rate, sleep_time, timestamp_key, **options
        Of :class:`headrace.live.Sampler`.

    Examples
    --------
    >>> from headrace.live import VirtualClock
    >>> clock = VirtualClock()
    >>> with Sampler({"key": lambda: {"up": 1}}, sample_rate=10, clock=clock) as sampler:
    ...     clock.advance(0.05)
    ...     list(sampler.read())
    ['timestamp', 'key_up']
    """

    def __init__(
        self,
        sources: Mapping[str, Any],
        sample_rate: float,
        sleep_time: float = 1e-6,
        timestamp_key: str = "timestamp",
        **options: Any,
    ) -> None:
        super().__init__(sources, sample_rate, sleep_time, timestamp_key, **{"prefix": True, **options})


__all__ = ["Sampler"]
