"""Find out functions that draw from a generator that nobody handed them: what they give cannot be had again.

It is read from their code: what they look up by name, where that is a generator, or a function that draws from one.
"""

from __future__ import annotations

import dis
import inspect
import random
from collections.abc import Iterator
from functools import partial
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

_GENERATORS = (np.random.Generator, np.random.RandomState, random.Random)
_NO_DRAWS = frozenset(["seed", "get_state", "set_state", "getstate", "setstate", "Random", "SystemRandom"])
_BY_NAME = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF", "LOAD_CLASSDEREF")
_INSIDE = ("LOAD_ATTR", "LOAD_METHOD")
_BETWEEN = ("PUSH_NULL", "PRECALL", "CACHE", "EXTENDED_ARG")  # what stands between a function's name and its call
_OF_TORCH = frozenset(
    [
        "rand",
        "randn",
        "randint",
        "randperm",
        "rand_like",
        "randn_like",
        "randint_like",
        "normal",
        "bernoulli",
        "multinomial",
    ]
)
FEW = 1000  # things in a container that are looked at
_ABSENT: Any = object()
DEEP = 8  # functions that call one another


def hidden_generator(function: Any) -> str | None:
    """Return what a function draws from without having been handed it, as far as its code tells; None for nothing.

    Examples
    --------
    >>> hidden_generator(lambda x: x + np.random.normal())
    'the generator behind numpy.random'
    >>> hidden_generator(lambda x, rng: x + rng.normal()) is None
    True
    """
    return _of(function, set(), DEEP)


def _of(function: Any, seen: set[int], depth: int) -> str | None:
    while isinstance(function, partial):
        given = [*function.args, *(value for name, value in function.keywords.items() if name != "rng")]
        if any(isinstance(value, _GENERATORS) for value in given):
            return "the generator in its partial"
        function = function.func
    function = inspect.unwrap(function) if callable(function) else function
    owner = getattr(function, "__self__", None)
    function = getattr(function, "__func__", function)
    if not isinstance(function, FunctionType):
        if isinstance(owner, _GENERATORS):
            return _behind(owner)
        owner, function = function, getattr(type(function), "__call__", None)  # noqa: B004  # an object that is called
    if not isinstance(function, FunctionType) or id(function) in seen or depth == 0:
        return None
    seen.add(id(function))
    return _given(function) or _kept(owner, function) or _looked_up(function, seen, depth)


def _given(function: FunctionType) -> str | None:
    """Return which default of an argument is a generator."""
    for name, parameter in inspect.signature(function).parameters.items():
        if name != "rng" and isinstance(parameter.default, _GENERATORS):
            return f"the generator that is the default of {name!r}"
    return None


def _kept(owner: Any, function: FunctionType) -> str | None:
    """Return which attribute that a method speaks of is a generator."""
    values = getattr(owner, "__dict__", None)
    if not isinstance(values, dict):
        return None
    names = {name for code in _codes(function.__code__) for name in code.co_names}
    return next(
        (f"the generator {n!r} it keeps" for n in sorted(names & values.keys()) if is_generator(values[n])), None
    )


def is_generator(value: Any) -> bool:
    """Tell whether a value is a source of random numbers that goes on from draw to draw."""
    return isinstance(value, _GENERATORS)


def _looked_up(function: FunctionType, seen: set[int], depth: int) -> str | None:
    told = {word for code in _codes(function.__code__) for word in _keywords(code)}
    for name, value, where in _values(function):
        if isinstance(value, _GENERATORS):
            return f"the generator {name!r} {where}"
        if isinstance(value, dict | list | tuple) and len(value) <= FEW:
            inside = value.values() if isinstance(value, dict) else value
            if any(isinstance(part, _GENERATORS) for part in inside):
                return f"a generator in {name!r} {where}"
        known = _of_a_package(name, value, told)
        if known is not None:
            return known
        if name.rpartition(".")[2] in _NO_DRAWS:
            continue
        if isinstance(getattr(value, "__self__", None), _GENERATORS) and not isinstance(value, FunctionType):
            return _behind(value.__self__)
        if isinstance(value, FunctionType) and _package(value) == _package(function):
            found = _of(value, seen, depth - 1)
            if found is not None:
                return found
    return None


def _of_a_package(name: str, value: Any, told: set[str]) -> str | None:
    """Return what a function of a package that many use draws from, where it is not told."""
    last, module = name.rpartition(".")[2], str(getattr(value, "__module__", None) or "")
    owner = type(getattr(value, "__self__", None)).__module__
    if last == "rvs" and owner.startswith("scipy.stats") and "random_state" not in told:
        return "the generator behind scipy.stats"
    if last in _OF_TORCH and name.startswith("torch.") and "generator" not in told:
        return "the generator behind torch"
    if module == "uuid" and last in ("uuid1", "uuid4"):
        return f"{name}, which is new at each call"
    return None


def _keywords(code: CodeType) -> Iterator[str]:
    """Yield the names of arguments that are given by keyword in a function's calls."""
    for step in dis.get_instructions(code):
        names = code.co_consts[step.arg] if step.opname == "KW_NAMES" and step.arg is not None else step.argval
        if isinstance(names, tuple):  # constants of other kinds in a tuple do no harm
            yield from (name for name in names if isinstance(name, str))


def _package(function: FunctionType) -> str:
    return str(function.__module__).partition(".")[0]


def _behind(generator: Any) -> str:
    if generator is np.random.mtrand._rand:  # the one behind its functions
        return "the generator behind numpy.random"
    return "the generator behind random" if type(generator) is random.Random else "a generator of its own"


def _values(function: FunctionType) -> Iterator[tuple[str, Any, str]]:
    """Yield what a function looks up: (dotted name, value, where it is from)."""
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=False))
    for code in _codes(function.__code__):
        name, value, where = "", _ABSENT, ""
        for step in dis.get_instructions(code):
            if step.opname in _BETWEEN:
                continue
            if value is np.random.default_rng and step.opname == "CALL" and not step.arg:
                yield name, np.random.default_rng(0), "without a seed,"
            if step.opname in _BY_NAME:
                name, where = str(step.argval), "of its module"
                value = function.__globals__.get(name, _ABSENT)
                if "DEREF" in step.opname:
                    value, where = _in_cell(cells.get(name)), "around it"
            elif step.opname in _INSIDE and value is not _ABSENT:
                name, value = f"{name}.{step.argval}", _attribute(value, str(step.argval))
            else:
                value = _ABSENT
            if value is not _ABSENT:
                yield name, value, where


def _attribute(value: Any, name: str) -> Any:
    """Return an attribute of a module, or one that an object keeps; nothing of the user's is run for it."""
    if isinstance(value, ModuleType):
        return getattr(value, name, _ABSENT)
    if type(value).__module__.startswith("scipy.stats") and name == "rvs":
        return getattr(value, name, _ABSENT)
    kept = getattr(value, "__dict__", None) if not isinstance(value, type) else None
    return kept.get(name, _ABSENT) if isinstance(kept, dict) else _ABSENT


def _in_cell(cell: Any) -> Any:
    try:
        return _ABSENT if cell is None else cell.cell_contents
    except ValueError:  # not filled yet
        return _ABSENT


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)
