"""What users write for the results of a function: names of variables, their axes, values along these."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np

from headrace.errors import StreamConfigError
from headrace.sweeps.said import short


def parse_var_names(var_names: Any) -> tuple[Any, ...]:
    """Return the names of a function's results: ``(None,)`` where it returns them with its own.

    Examples
    --------
    >>> parse_var_names("x"), parse_var_names(None), parse_var_names(c for c in "ab")
    (('x',), (None,), ('a', 'b'))
    """
    if var_names is None or (isinstance(var_names, str) and var_names):
        return (var_names,)
    if isinstance(var_names, str) or not isinstance(var_names, Iterable):
        raise StreamConfigError(
            f"var_names got {var_names!r}, wanted a name for each result of a call.\n"
            "  Give one text, several in a list, or None where results come with their names."
        )
    names = tuple(var_names)
    if names == (None,):
        return names
    odd = [name for name in names if not isinstance(name, str) or not name]
    if odd:
        raise StreamConfigError(f"var_names got {short(odd[0])}, wanted texts.\n  Give one text, or several in a list.")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise StreamConfigError(
            f"var_names got {twice[0]!r} twice, wanted each once: the results are kept by their names.\n"
            "  Give each result of a call a name of its own."
        )
    return names


def parse_var_dims(var_dims: Any, var_names: Any) -> dict[Any, Any]:
    """Return the names of each variable's own axes.

    Parameters
    ----------
    var_dims
        A text for the only variable, one entry for each variable, or a mapping, whose keys may be tuples of variables.
        An entry ``...`` is for values that are kept as they are.
    var_names
        The variables.

    Raises
    ------
    StreamConfigError
        When it does not fit the variables.

    Examples
    --------
    >>> parse_var_dims(["t", []], ["x", "y"])
    {'x': ('t',), 'y': ()}
    >>> parse_var_dims({("x", "y"): "t"}, ["x", "y"])
    {'x': ('t',), 'y': ('t',)}
    """
    names = parse_var_names(var_names)
    if var_dims is None or (isinstance(var_dims, str | Sequence | Mapping) and not len(var_dims)):
        return dict.fromkeys(names, ())
    if names == (None,):
        raise StreamConfigError(
            f"var_dims got {var_dims!r}, and var_names is None, wanted names: what is returned with names has axes of its own."
            "\n  Leave var_dims out, or name the results."
        )
    if isinstance(var_dims, str):
        if len(names) != 1:
            raise StreamConfigError(
                f"var_dims got {var_dims!r}, wanted one entry for each of the {len(names)} variables {names}."
                f"\n  Say var_dims={{{names[0]!r}: {var_dims!r}}}."
            )
        return {names[0]: (var_dims,)}
    if not isinstance(var_dims, Mapping):
        entries = list(var_dims)
        if _by_position(entries, names):
            if len(entries) != len(names):
                raise StreamConfigError(
                    f"var_dims got {len(entries)} entries, {entries!r}, wanted one for each of the variables {names}.\n"
                    f"  Several axes of a variable are an entry of their own: {{{names[0]!r}: {entries!r}}}."
                )
            return {name: _dims(dims) for name, dims in zip(names, entries, strict=True)}
        var_dims = dict(entries)
    made: dict[Any, Any] = dict.fromkeys(names, ())
    for which, dims in var_dims.items():
        for name in which if isinstance(which, tuple) else (which,):
            if name not in made:
                raise StreamConfigError(
                    f"var_dims got the variable {name!r}, wanted one of {names}.\n  Variables are named in var_names."
                )
            made[name] = _dims(dims)
    return made


def check_axes(var_names: tuple[Any, ...], var_dims: Mapping[Any, Any], var_coords: Mapping[str, Any]) -> None:
    """Raise when an axis has the name of a variable, or a coordinate that of no axis.

    Raises
    ------
    StreamConfigError
        Naming it.

    Examples
    --------
    >>> check_axes(("y",), {"y": ("k",)}, {"k": [1, 2]})
    """
    axes = [dim for dims in var_dims.values() if dims is not ... for dim in dims]
    taken = [dim for dim in axes if dim in var_names]
    if taken:
        raise StreamConfigError(
            f"var_dims got the axis {taken[0]!r}, which is a variable, wanted another name.\n"
            "  An axis of a dataset has the name of its coordinate: there would be no variable left."
        )
    if var_names == (None,):  # whose axes come with the results
        return
    for name, values in var_coords.items():
        if name not in axes and isinstance(values, list | range | np.ndarray) and np.ndim(values) == 1:
            near = get_close_matches(str(name), list(map(str, axes)), 1, 0.5)
            meant = f" Did you mean {near[0]!r}?" if near else ""
            raise StreamConfigError(
                f"var_coords got {name!r}, wanted one of the axes that var_dims names, {axes}.{meant}\n"
                f"  Name the axis in var_dims; what varies with no result is told in attrs."
            )


def _by_position(entries: list[Any], names: tuple[Any, ...]) -> bool:
    if any(isinstance(entry, str) for entry in entries):
        return True
    first = next(iter(entries[0]), None) if entries and isinstance(entries[0], Iterable) else None
    known = first in names if isinstance(first, str) else isinstance(first, tuple)
    return not known


def _dims(dims: Any) -> Any:
    if dims is None:
        return ()
    if dims is ...:  # values kept as they are
        return dims
    return (dims,) if isinstance(dims, str) else tuple(dims)
