"""Running statistics, timers and memory: what is measured while something else runs.

NumPy and the standard library do the work; psutil, tqdm and uncertainties are used where they are there. Nothing here
knows of streams, datasets or files.
"""

from headrace.stats.bars import progbar
from headrace.stats.covariance import RunningCovariance, RunningCovarianceMatrix
from headrace.stats.keywords import autocorrect_kwargs
from headrace.stats.memory import (
    MemoryMonitor,
    get_peak_memory_usage,
    getsizeof,
    report_memory,
    report_memory_gpu,
)
from headrace.stats.nested import flatten, isiterable, prod, unzip
from headrace.stats.numbers import format_number_with_error
from headrace.stats.repeats import estimate_from_repeats
from headrace.stats.running import RunningStatistics
from headrace.stats.timing import Timer, benchmark

__all__ = [
    "MemoryMonitor",
    "RunningCovariance",
    "RunningCovarianceMatrix",
    "RunningStatistics",
    "Timer",
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
