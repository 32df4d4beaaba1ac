"""What is written in a dict of parameters: values, parameters and scopes, by name; and names that are in none."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from difflib import get_close_matches
from typing import Any

from headrace.errors import HeadraceError, StreamConfigError
from headrace.trees.forms import is_parameter
from headrace.trees.parameter import UNNAMED, Parameter

_NAMED = 12  # names in a message


class ParameterNameError(HeadraceError, KeyError):
    """A parameter asked for by a name that none has."""

    def __str__(self) -> str:
        return Exception.__str__(self)  # that of a KeyError would be on one line, in quotes


def is_scope(value: Any) -> bool:
    """Tell whether what is written under a name are parameters with names of their own.

    Examples
    --------
    >>> is_scope({"height": 1.0}), is_scope({"value": 1.0}), is_scope(1.0)
    (True, False, False)
    """
    return type(value) is dict and not is_parameter(value)


def parameter_of(name: str, value: Any) -> Parameter:
    """Return the parameter that is written under a name.

    Raises
    ------
    StreamConfigError
        When it is none: a dict with other parts, or what :class:`headrace.trees.Parameter` refuses.
    """
    if isinstance(value, Parameter):
        if value.name == UNNAMED:  # the caller's own name for it stays: another scope may have another
            value.name = name
        return value
    if type(value) is not dict:
        return Parameter(name, value)
    strange = sorted(map(str, value.keys() - {"name", "value", "schedule", "strategy"}))
    if strange:
        raise StreamConfigError(
            f"parameter {name!r} got {', '.join(map(repr, strange))}, wanted value, schedule and strategy alone.\n"
            "  A value that is a dict goes into {'value': ...}."
        )
    return Parameter(name, **{key: part for key, part in value.items() if key != "name"})


def scope_of(scope: str, inside: dict[str, Any]) -> dict[str, Parameter]:
    """Return the parameters that are written in a scope.

    Raises
    ------
    StreamConfigError
        For scopes inside it, and as :func:`parameter_of` does.
    """
    deep = next((name for name, value in inside.items() if is_scope(value)), None)
    if deep is not None:
        raise StreamConfigError(
            f"ParameterStore got the scope {deep!r} inside the scope {scope!r}, wanted parameters there.\n"
            "  A value that is a dict goes into {'value': ...}."
        )
    try:
        return {name: parameter_of(name, value) for name, value in inside.items()}
    except StreamConfigError as error:
        error.add_note(f"  in the scope {scope!r} of the parameters")
        raise


def own_name(name: str) -> str:
    """Return a full name without its scope."""
    return name.rpartition(".")[2]


def _alike(name: str, names: Sequence[str]) -> list[str]:
    """Return full names that may have been meant: of that name in a scope, or called much alike with its scope or without."""
    own = own_name(name)
    exact = [full for full in names if own_name(full) == own]
    near = get_close_matches(name, names, 1) or get_close_matches(own, list(map(own_name, names)), 1)
    return exact or [full for full in names if near and near[0] in (full, own_name(full))]


def unknown(got: str, name: Any, names: Sequence[str], scopes: Collection[str], advice: str = "") -> str:
    """Return the message for a name that no parameter has.

    Examples
    --------
    >>> print(unknown("params['hight'] got a name that no parameter has", "hight", ["ramp.height"], {"ramp"}))
    params['hight'] got a name that no parameter has, wanted 'ramp.height'.
      Did you mean 'ramp.height'?
    """
    if not names:
        return f"{got}, and there is none.\n  {advice or 'ParameterStore({name: value}) makes a store that has some.'}"
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    some = f"{'one of ' if len(names) > 1 else ''}{', '.join(map(repr, names[:_NAMED]))}{more}"
    alike = _alike(str(name), names)
    hints = [advice] if advice else []
    if name in scopes:
        hints.insert(0, f"It is a scope: get_scope({name!r}) gives its parameters.")
    elif alike:
        hints.insert(0, f"Did you mean {alike[0]!r}?")
    return f"{got}, wanted {some}." + (f"\n  {' '.join(hints)}" if hints else "")
