"""What users write for arguments and results, in the forms that xyzpy's functions pass on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from headrace.sweeps.parse import parse_cases as native_cases
from headrace.sweeps.parse import parse_combos, parse_fn_args
from headrace.sweeps.parse import parse_mapping as dictify
from headrace.sweeps.parse import parse_mapping as parse_attrs
from headrace.sweeps.parse import parse_mapping as parse_constants
from headrace.sweeps.parse import parse_mapping as parse_resources
from headrace.sweeps.parse import parse_mapping as parse_var_coords
from headrace.sweeps.variables import parse_var_dims, parse_var_names

__all__ = [
    "check_for_duplicates",
    "dictify",
    "parse_attrs",
    "parse_case_results",
    "parse_cases",
    "parse_combo_results",
    "parse_combos",
    "parse_constants",
    "parse_fn_args",
    "parse_resources",
    "parse_var_coords",
    "parse_var_dims",
    "parse_var_names",
]


def check_for_duplicates(name: str, values: Iterable[Any]) -> None:
    """Raise when a value comes twice for one argument."""
    parse_combos({name: values})


def parse_cases(cases: Any, fn_args: Any = None) -> tuple[dict[str, Any], ...] | None:
    """Return cases as dicts.

    Examples
    --------
    >>> parse_cases([(1, 2), (3, 4)], ["a", "b"])
    ({'a': 1, 'b': 2}, {'a': 3, 'b': 4})
    >>> parse_cases("xy", "a"), parse_cases({"a": 1}), parse_cases(None)
    (({'a': 'x'}, {'a': 'y'}), ({'a': 1},), None)
    """
    found = native_cases(cases, fn_args)
    if found is None:
        return None
    names, columns, _ = found
    return tuple(dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True))


def parse_combo_results(results: Any, var_names: Any) -> Any:
    """Return results with an axis for variables in front, where there is one variable without one.

    Examples
    --------
    >>> parse_combo_results((1, 2), ["x"]), parse_combo_results(((1, 2), (3, 4)), ["x", "y"])
    (((1, 2),), ((1, 2), (3, 4)))
    """
    return (results,) if _is_one(var_names) else results


def parse_case_results(results: Any, var_names: Any) -> Any:
    """Return the results of cases with a tuple for each, where one variable has none.

    Examples
    --------
    >>> parse_case_results((1, 2), "x"), parse_case_results(((1, 2), (3, 4)), ["x", "y"])
    (((1,), (2,)), ((1, 2), (3, 4)))
    """
    return tuple((result,) for result in results) if _is_one(var_names) else results


def _is_one(var_names: Any) -> bool:
    return isinstance(var_names, str) or (
        var_names is not None and not isinstance(var_names, Mapping) and len(tuple(var_names)) == 1
    )
