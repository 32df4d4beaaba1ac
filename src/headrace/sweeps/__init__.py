"""Sweeps: a function over a parameter space, into one labelled result.

What says which points there are, runs a function at them and arranges what comes belongs here. Where calls run is in
``parallel``, what is kept on disk in ``store``.
"""

from headrace.sweeps.adaptive import Adaptive
from headrace.sweeps.benchmarker import Benchmarker
from headrace.sweeps.combos import case_runner, combo_runner
from headrace.sweeps.decorate import label
from headrace.sweeps.designs import draws, halton, latin_hypercube, linspace, logspace, sobol, zipped
from headrace.sweeps.failures import Failure
from headrace.sweeps.harvester import Harvester
from headrace.sweeps.labelled import (
    case_runner_to_df,
    case_runner_to_ds,
    combo_runner_to_df,
    combo_runner_to_ds,
    results_to_ds,
)
from headrace.sweeps.missing import find_missing_cases, is_case_missing, parse_into_cases
from headrace.sweeps.parse import parse_cases, parse_combos
from headrace.sweeps.points import Points, canonical, point_key
from headrace.sweeps.runner import Runner
from headrace.sweeps.sampler import Sampler
from headrace.sweeps.stream import Sweep

__all__ = [
    "Adaptive",
    "Benchmarker",
    "Failure",
    "Harvester",
    "Points",
    "Runner",
    "Sampler",
    "Sweep",
    "canonical",
    "case_runner",
    "case_runner_to_df",
    "case_runner_to_ds",
    "combo_runner",
    "combo_runner_to_df",
    "combo_runner_to_ds",
    "draws",
    "find_missing_cases",
    "halton",
    "is_case_missing",
    "label",
    "latin_hypercube",
    "linspace",
    "logspace",
    "parse_cases",
    "parse_combos",
    "parse_into_cases",
    "point_key",
    "results_to_ds",
    "sobol",
    "zipped",
]
