"""Running statistics, timers, memory, progress bars and other helpers."""

from __future__ import annotations

from typing import Any

from headrace.compat.xyzpy import later
from headrace.errors import HeadraceError as XYZError
from headrace.stats import (
    MemoryMonitor,
    RunningCovariance,
    RunningCovarianceMatrix,
    RunningStatistics,
    Timer,
    autocorrect_kwargs,
    benchmark,
    estimate_from_repeats,
    flatten,
    format_number_with_error,
    get_peak_memory_usage,
    getsizeof,
    isiterable,
    prod,
    progbar,
    report_memory,
    report_memory_gpu,
    unzip,
)
from headrace.sweeps import benchmarker as native

__all__ = [
    "Benchmarker",
    "MemoryMonitor",
    "RunningCovariance",
    "RunningCovarianceMatrix",
    "RunningStatistics",
    "Timer",
    "XYZError",
    "autocorrect_kwargs",
    "benchmark",
    "estimate_from_repeats",
    "flatten",
    "format_number_with_error",
    "get_peak_memory_usage",
    "getsizeof",
    "isiterable",
    "prod",
    "progbar",
    "report_memory",
    "report_memory_gpu",
    "unzip",
]


class Benchmarker(native.Benchmarker):
    """Times some functions at some sizes.

    See Also
    --------
    headrace.sweeps.Benchmarker : what it does.
    """

    def plot(self, **plot_opts: Any) -> Any:
        """Say that plots come later."""
        raise later.not_yet("Benchmarker.plot", later.PLOTS)

    def lineplot(self, **plot_opts: Any) -> Any:
        """Say that plots come later."""
        raise later.not_yet("Benchmarker.lineplot", later.PLOTS)

    def ilineplot(self, **plot_opts: Any) -> Any:
        """Say that plots come later."""
        raise later.not_yet("Benchmarker.ilineplot", later.PLOTS)
