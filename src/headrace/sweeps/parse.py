"""What users write for arguments, combos, cases and mappings, in one form each."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Any

from headrace.core.functions import takes_rng
from headrace.core.key import Key
from headrace.errors import StreamConfigError
from headrace.sweeps.canonical import encoded
from headrace.sweeps.said import short

Names = tuple[str, ...]
Combos = tuple[tuple[str | Names, Any], ...]
PLAIN = frozenset((int, float, str))  # hash and compare as labels do
GIVEN = "rng"  # a parameter that is filled, never swept


def parse_fn_args(fn: Callable[..., Any], fn_args: Any = None) -> Names:
    """Return the names of a function's arguments: those given, or those of its signature, ``rng`` left out.

    A built-in function that does not tell its own has none; cases that are dicts need none.

    Examples
    --------
    >>> parse_fn_args(lambda a, b, *, rng: a), parse_fn_args(len, "x"), parse_fn_args(min)
    (('a', 'b'), ('x',), ())
    """
    if fn_args is not None:
        return (fn_args,) if isinstance(fn_args, str) else tuple(fn_args)
    try:
        parameters = inspect.signature(fn).parameters.values()
    except (TypeError, ValueError):
        return ()
    open_ended = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return tuple(each.name for each in parameters if each.kind not in open_ended and each.name != GIVEN)


def parse_combos(combos: Any) -> Combos:
    """Return combos as (name, values) pairs; of several names at once (see ``zipped``) the name is a tuple.

    Parameters
    ----------
    combos
        A mapping or pairs; one (name, values) pair alone. Iterables become lists, texts their letters; what cannot be
        iterated over is kept, for a harvester to replace.

    Raises
    ------
    StreamConfigError
        When a name comes twice, or a value does within one argument.

    Examples
    --------
    >>> parse_combos({"a": range(3), "b": "xy"})
    (('a', [0, 1, 2]), ('b', ['x', 'y']))
    >>> parse_combos(("a", [1, 2]))
    (('a', [1, 2]),)
    """
    if combos is None:
        return ()
    if hasattr(combos, "columns") or hasattr(combos, "data_vars"):  # whose names alone would be taken for pairs
        raise StreamConfigError(
            f"combos got a {type(combos).__name__}, wanted a mapping from names of arguments to values.\n"
            "  Rows of a table are cases: cases=frame; the axes of a dataset: {name: ds[name].values for name in ds.dims}."
        )
    if isinstance(combos, str) or not isinstance(combos, Iterable):
        raise StreamConfigError(
            f"combos got {combos!r}, wanted a mapping from names of arguments to values.\n  Write {{'a': [1, 2, 3]}}."
        )
    pairs = list(combos.items()) if isinstance(combos, Mapping) else list(combos)
    if not pairs:
        return ()
    if isinstance(pairs[0], str) and not isinstance(combos, Mapping) and not all(isinstance(p, str) for p in pairs):
        pairs = [tuple(pairs)]
    made: list[tuple[str | Names, Any]] = []
    for pair in pairs:
        try:
            name, values = [pair] if isinstance(pair, str) else pair  # not the letters of a text
        except (TypeError, ValueError):
            raise StreamConfigError(
                f"combos got {short(pair)}, wanted a pair of a name and its values.\n"
                "  Write a mapping, {'a': [1, 2]}, or pairs, [('a', [1, 2])]."
            ) from None
        made.append((_name(name), _values(name, values)))
    _check_names([part for name, _ in made for part in ((name,) if isinstance(name, str) else name)])
    return tuple(made)


def _name(name: Any) -> str | Names:
    if isinstance(name, tuple) and name and all(isinstance(part, str) for part in name):
        return name[0] if len(name) == 1 else name
    if not isinstance(name, str):
        raise StreamConfigError(
            f"combos got {name!r}, wanted the name of an argument, or a tuple of names.\n  Names are texts."
        )
    return name


def _check_names(names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise StreamConfigError(
            f"combos got {', '.join(map(repr, twice))} twice, wanted each argument once.\n  Values stand in one list."
        )
    check_no_rng(names)


def check_no_rng(names: Iterable[str]) -> None:
    """Raise when ``rng``, which is filled by headrace, is among the arguments of a sweep."""
    if GIVEN in names:
        raise StreamConfigError(
            "a sweep got the argument 'rng', which is filled with a generator of each point's own, wanted other names.\n"
            "  Give the sweep another seed= for other numbers, or the argument another name."
        )


def _values(name: Any, values: Any) -> Any:
    if hasattr(values, "propose"):  # Adaptive: its values depend on results
        return values
    if callable(values) and not isinstance(values, Iterable):
        values = values(rng=Key(0).child("combo", str(name)).rng()) if takes_rng(values) else values()
        values = values if isinstance(values, Iterable) else [values]
    if values is ...:
        return values
    if hasattr(values, "dims") and hasattr(values, "values"):  # a DataArray would give DataArrays
        values = values.values
    if isinstance(name, tuple) and len(name) > 1:
        return _rows(name, values)
    if isinstance(values, Set):
        listed: list[Any] = in_order(list(values))
    elif isinstance(values, Iterable):
        listed = _listed(name, values)
    else:
        return values
    if not isinstance(values, range):
        _check_once(name, listed)
    return listed


def _listed(name: Any, values: Any) -> list[Any]:
    if getattr(values, "ndim", 1) == 0:  # an array that says it can be iterated over
        raise StreamConfigError(
            f"combos got {short(values)} for the argument {name!r}, wanted several values.\n  One value is a list, too: [3]."
        )
    return list(values)


def _rows(names: Names, values: Any) -> list[tuple[Any, ...]]:
    if not isinstance(values, Iterable) or getattr(values, "ndim", 1) == 0:
        raise StreamConfigError(
            f"combos got {short(values)} for the arguments {names}, wanted rows of {len(names)} values.\n"
            "  Columns become rows by zipped(a, b)."
        )
    rows = []
    for each in values:
        row = (each,) if isinstance(each, str) or not isinstance(each, Iterable) else tuple(each)
        if len(row) != len(names):
            raise StreamConfigError(
                f"combos got a row of {len(row)} for the arguments {names}, wanted {len(names)}: {short(each)}.\n"
                "  Columns become rows by zipped(a, b)."
            )
        rows.append(row)
    return rows


def _check_once(name: Any, values: list[Any]) -> None:
    kinds = set(map(type, values))
    several_nan = float in kinds and sum(value != value for value in values) > 1  # each of them another object
    if kinds <= PLAIN and len(set(values)) == len(values) and not several_nan:
        return
    seen: set[bytes] = set()
    for value in values:
        key = encoded(value)
        if key in seen:
            raise StreamConfigError(
                f"combos got the value {short(value)} twice for the argument {name!r}, wanted each once.\n  Equal values are one point."
            )
        seen.add(key)


def in_order(values: list[Any]) -> list[Any]:
    """Return values sorted where they can be, NaN last, else as they are.

    Examples
    --------
    >>> in_order([2, 1, float("nan")]), in_order([2, "a", 1])
    ([1, 2, nan], [2, 'a', 1])
    """
    if any(issubclass(kind, Set | Mapping) for kind in set(map(type, values))):  # ordered by inclusion: no order of all
        return values
    try:
        kept = [value for value in values if value == value]
        made = sorted(kept)
    except (TypeError, ValueError):
        return values
    if len(kept) < len(values):
        made += [value for value in values if value != value]
    return made


def parse_cases(cases: Any, fn_args: Any = None) -> tuple[Names, tuple[list[Any], ...], int] | None:
    """Return cases as columns: the names of their arguments, a list of values for each, and how many there are.

    Parameters
    ----------
    cases
        None, a dict for one case, a sequence of dicts, a table, or a sequence of tuples or values for ``fn_args``. Short
        tuples fill fewer arguments.
    fn_args
        Names for cases that are no dicts.

    Raises
    ------
    StreamConfigError
        When cases have different arguments, or no names are given where they are needed.

    Examples
    --------
    >>> parse_cases([{"a": 1, "b": 2}, {"b": 4, "a": 3}])
    (('a', 'b'), ([1, 3], [2, 4]), 2)
    >>> parse_cases([(1, 2), (3, 4)], ["a", "b", "c"])
    (('a', 'b'), ([1, 3], [2, 4]), 2)
    """
    if cases is None:
        return None
    if isinstance(cases, Mapping):
        cases = [cases]
    elif hasattr(cases, "columns") and hasattr(cases, "to_dict"):  # a table, by row
        names = tuple(map(str, cases.columns))
        check_no_rng(names)
        return names, tuple(cases[name].tolist() for name in cases.columns), len(cases)
    listed = cases if isinstance(cases, list | tuple) else list(cases)
    if not listed:
        return (), (), 0
    made = _of_dicts(listed) if isinstance(listed[0], Mapping) else _of_rows(listed, fn_args)
    check_no_rng(made[0])
    return made


def _of_dicts(cases: Sequence[Any]) -> tuple[Names, tuple[list[Any], ...], int]:
    names: Names = tuple(cases[0])
    try:
        columns = tuple([case[name] for case in cases] for name in names)
        alike = set(map(len, cases)) == {len(names)}
    except (KeyError, TypeError, IndexError):
        alike, columns = False, ()
    if not alike:
        _say_which_differs(cases, names)
    return names, columns, len(cases)


def _say_which_differs(cases: Sequence[Any], names: Names) -> None:
    for i, case in enumerate(cases):
        if not isinstance(case, Mapping):
            raise StreamConfigError(
                f"cases got {short(case)} as case {i} and dicts before it, wanted dicts.\n  Write {{name: value}} for it, too."
            )
        if set(case) != set(names):
            raise StreamConfigError(
                f"cases got case {i} with the arguments {sorted(case)}, case 0 with {sorted(names)}, wanted the same in all."
                "\n  Run what needs other arguments as a sweep of its own, or give every case all of them."
            )


def _of_rows(cases: Sequence[Any], fn_args: Any) -> tuple[Names, tuple[list[Any], ...], int]:
    if fn_args is None or not len(fn_args):
        raise StreamConfigError(
            f"cases got {short(cases[0])}, wanted dicts, or fn_args=: the names of the arguments.\n"
            "  Write cases=[{'a': 1, 'b': 2}, ...]."
        )
    names: Names = (fn_args,) if isinstance(fn_args, str) else tuple(fn_args)
    first = cases[0]
    rows = [(case,) for case in cases] if isinstance(first, str) or not isinstance(first, Iterable) else cases
    try:
        width = len(rows[0])
        differ = next((i for i, row in enumerate(rows) if isinstance(row, str) or len(row) != width), None)
    except TypeError:
        rows = [tuple(row) if isinstance(row, Iterable) else (row,) for row in rows]
        width = len(rows[0])
        differ = next((i for i, row in enumerate(rows) if len(row) != width), None)
    if differ is not None:
        raise StreamConfigError(
            f"cases got {short(rows[differ])} as case {differ}, wanted {width} values as in case 0.\n  Cases of other arguments are a sweep of their own."
        )
    if width > len(names):
        raise StreamConfigError(
            f"cases got {width} values a case and {len(names)} names of arguments, {names}, wanted a name for each.\n  Say fn_args=, or write dicts."
        )
    return names[:width], tuple(map(list, zip(*rows, strict=True))), len(rows)


def parse_mapping(given: Any) -> dict[str, Any]:
    """Return constants, resources, coordinates or attributes as a dict.

    Examples
    --------
    >>> parse_mapping(None), parse_mapping([("a", 1)])
    ({}, {'a': 1})
    """
    if isinstance(given, Mapping):
        return dict(given)
    if given is None or (hasattr(given, "__len__") and not len(given)):
        return {}
    try:
        return dict(given)
    except (TypeError, ValueError):
        raise StreamConfigError(
            f"a sweep got {short(given)} for constants, resources, coordinates or attributes, wanted a mapping from names "
            "to values.\n  Write {'b': 3}."
        ) from None
