"""Find out functions that draw from a generator that nobody handed them: what they give cannot be had again."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import lru_cache, partial
from types import CodeType, ModuleType
from typing import Any

import numpy as np

_GENERATORS = (np.random.Generator, np.random.RandomState, random.Random)
_GLOBAL = frozenset(  # the functions of numpy.random and random that draw from one generator for all
    [
        "beta",
        "binomial",
        "bytes",
        "choice",
        "choices",
        "dirichlet",
        "expovariate",
        "exponential",
        "gamma",
        "gauss",
        "geometric",
        "gumbel",
        "laplace",
        "logistic",
        "lognormal",
        "multinomial",
        "multivariate_normal",
        "normal",
        "normalvariate",
        "permutation",
        "poisson",
        "rand",
        "randbytes",
        "randint",
        "randn",
        "random",
        "random_integers",
        "random_sample",
        "randrange",
        "ranf",
        "sample",
        "shuffle",
        "standard_normal",
        "triangular",
        "uniform",
        "vonmises",
        "weibull",
    ]
)


@lru_cache(4096)
def _hidden(function: Any) -> str | None:
    code = getattr(function, "__code__", None)
    if not isinstance(code, CodeType):
        return None
    names = set(_names(code))
    globals_ = getattr(function, "__globals__", {})
    for name in sorted(names & globals_.keys()):
        value = globals_[name]
        if isinstance(value, _GENERATORS):
            return f"the generator {name!r} of its module"
        if isinstance(value, ModuleType):
            if value in (random, np.random) and names & _GLOBAL:
                return f"the generator behind {value.__name__}"
            if value is np and "random" in names and names & (_GLOBAL - {"random"}) and "default_rng" not in names:
                return "the generator behind numpy.random"
    for cell, name in zip(getattr(function, "__closure__", None) or (), code.co_freevars, strict=False):
        try:
            if isinstance(cell.cell_contents, _GENERATORS):
                return f"the generator {name!r} around it"
        except ValueError:  # not filled yet
            continue
    return None


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def hidden_generator(function: Any) -> str | None:
    """Return what a function draws from without having been handed it, as far as its code tells; None for nothing.

    Examples
    --------
    >>> hidden_generator(lambda x: x + np.random.normal())
    'the generator behind numpy.random'
    >>> hidden_generator(lambda x, rng: x + rng.normal()) is None
    True
    """
    while isinstance(function, partial):
        function = function.func
    function = getattr(function, "__wrapped__", function)
    function = getattr(function, "__func__", function)
    try:
        return _hidden(function)
    except TypeError:  # not hashable
        return None
