"""What becomes of two results for one point: which of them stays, and where neither may."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from headrace.core.optional import optional
from headrace.errors import DataError, HeadraceError, StreamConfigError
from headrace.store.ledger import FAILED, Point
from headrace.sweeps.canonical import encoded
from headrace.sweeps.said import short


class Conflict(NamedTuple):
    """Two different results for one point.

    Attributes
    ----------
    settings : dict
        Where.
    name
        Of the variable.
    old, new
        The results; None but for the first of many, as these may be large.
    """

    settings: dict[str, Any]
    name: Any
    old: Any
    new: Any


def check_overwrite(overwrite: Any) -> bool | None:
    """Return ``overwrite``, or raise when it is no rule."""
    if overwrite is not None and not isinstance(overwrite, bool):
        raise StreamConfigError(
            f"a harvest got overwrite={overwrite!r}, wanted None (differing results are an error), True (new ones win) or "
            "False (old ones stay).\n  By default it is None."
        )
    return overwrite


def merger(
    overwrite: bool | None, conflicts: list[Conflict], lost: Callable[[Point, Point], object] | None = None
) -> Callable[[Point, Point], Point | None]:
    """Return what a ledger is to do about a point that is there already.

    Missing values (NaN, NaT, None) are always filled from the other side, and a failure gives way to a result.

    Parameters
    ----------
    overwrite
        Whether the new result wins; None for neither: then the old one stays, and the two are added to ``conflicts``.
    lost
        Called with the old and the new point where the old one stays though the new one differs.
    """

    def merge(old: Point, new: Point) -> Point | None:
        if old.state == FAILED or new.state == FAILED:
            return new if old.state == FAILED else None
        if old.layout["vars"] is None or new.layout["vars"] is None:
            return _merged_whole(old, new, overwrite, conflicts, lost)
        values = dict(zip(old.layout["vars"], old.value, strict=True))
        found, changed, differs = [], False, False
        for name, value in zip(new.layout["vars"], new.value, strict=True):
            if name not in values:
                values[name], changed = value, True
                continue
            was = values[name]
            made = _merged(was, value, overwrite)
            if made is _NEITHER:
                found.append(Conflict(dict(zip(new.layout["args"], new.coords, strict=True)), name, was, value))
            elif made is not was:
                values[name], changed = made, True
            if overwrite is False and lost is not None and not equal(values[name], combined(value, was)):
                differs = True
        if lost is not None and (found or differs):
            lost(old, new)
        if found:
            known = len(conflicts)
            conflicts.extend(found if not known else [each._replace(old=None, new=None) for each in found])
            return None
        if not changed:
            return None
        layout = {**new.layout, "vars": list(values), "dims": {**old.layout["dims"], **new.layout["dims"]}}
        return new._replace(value=tuple(values.values()), layout=layout)

    return merge


_NEITHER: Any = object()


def _merged(old: Any, new: Any, overwrite: bool | None) -> Any:
    if overwrite:
        made = combined(new, old)
        return old if _rounded(old, made) else made
    mine = combined(old, new)
    return mine if overwrite is False or equal(mine, combined(new, old)) else _NEITHER


def exactly(old: Point, new: Point) -> Point | None:
    """Return the new point, and in it what the old one says of the same more exactly: whole numbers that became floats."""
    if FAILED in (old.state, new.state) or old.layout["vars"] is None or new.layout["vars"] is None:
        return new
    was = dict(zip(old.layout["vars"], old.value, strict=True))
    pairs = zip(new.layout["vars"], new.value, strict=True)
    value = tuple(was[name] if name in was and equal(was[name], each) else each for name, each in pairs)
    same = len(value) == len(was) and all(
        each is was.get(name) for name, each in zip(new.layout["vars"], value, strict=True)
    )
    return None if same else new._replace(value=value)


def _merged_whole(
    old: Point, new: Point, overwrite: bool | None, conflicts: list[Conflict],
    lost: Callable[[Point, Point], object] | None,
) -> Point | None:  # fmt: skip
    """Merge results that have names of their own."""
    from headrace.sweeps.datasets import as_dataset

    xr = optional("xarray", "sweeps", "a harvest with var_names=None")
    one, two = as_dataset(old.value[0]), as_dataset(new.value[0])
    if overwrite is None:
        try:
            made = xr.merge([one, two], compat="no_conflicts", join="outer", combine_attrs="override")
        except xr.MergeError:
            conflicts.append(Conflict(dict(zip(new.layout["args"], new.coords, strict=True)), None, one, two))
            if lost is not None:
                lost(old, new)
            return None
    else:
        made = two.combine_first(one) if overwrite else one.combine_first(two)
        if lost is not None and not overwrite and not made.identical(two.combine_first(one)):
            lost(old, new)
    return None if made.identical(one) else new._replace(value=(made,))


def combined(first: Any, second: Any) -> Any:
    """Return ``first``, what is missing in it filled from ``second``.

    Examples
    --------
    >>> combined(float("nan"), 3), combined(1, 3), combined(np.array([1, np.nan]), np.array([5.0, 6.0]))
    (3, 1, array([1., 6.]))
    """
    if is_null(first):
        return first if is_null(second) else second
    if isinstance(first, np.ndarray) and isinstance(second, np.ndarray) and first.shape == second.shape:
        holes = nulls(first)
        if holes.any() and not nulls(second)[holes].all():
            return np.where(holes, second, first)
    return first


def is_null(value: Any) -> bool:
    """Tell whether a value is none: None, NaN, NaT, or an array with nothing else in it.

    Examples
    --------
    >>> is_null(None), is_null(float("nan")), is_null(np.full(2, np.nan)), is_null(""), is_null(False)
    (True, True, True, False, False)
    """
    if value is None:
        return True
    if isinstance(value, float | complex):
        return value != value
    if isinstance(value, np.ndarray):
        return value.size > 0 and bool(nulls(value).all())
    if isinstance(value, np.generic) and value.dtype.kind in "fcMm":
        return bool(value != value)
    return type(value).__name__ in ("NaTType", "NAType")


def nulls(values: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return where an array has no value."""
    kind = values.dtype.kind
    made = np.zeros(values.shape, dtype=bool)
    if kind in "fc":
        np.isnan(values, out=made)
    elif kind in "Mm":
        np.isnat(values, out=made)
    elif kind == "O":
        made.reshape(-1)[:] = [each is not values and is_null(each) for each in values.reshape(-1)]
    return made


def _rounded(exact: Any, other: Any) -> bool:
    """Tell whether a value is what became of whole numbers in a dataset with holes: floats."""
    if isinstance(exact, int | np.integer) and isinstance(other, float | np.floating):
        whole = int(exact)
        return abs(whole) <= 1 << 1000 and float(whole) == float(other)
    if isinstance(exact, np.ndarray) and isinstance(other, np.ndarray) and exact.dtype.kind in "iu":
        return (
            other.dtype.kind == "f" and exact.shape == other.shape and bool((exact.astype(other.dtype) == other).all())
        )
    return False


def equal(one: Any, two: Any) -> bool:
    """Tell whether two values are equal, numbers by value, NaN to itself; whole numbers to what a float makes of them.

    Examples
    --------
    >>> (
    ...     equal(1, np.float32(1)),
    ...     equal(True, 1),
    ...     equal(2**60 + 1, float(2**60)),
    ...     equal([1, float("nan")], (1.0, float("nan"))),
    ... )
    (True, False, True, True)
    """
    if one is two or _rounded(one, two) or _rounded(two, one):
        return True
    try:
        return encoded(one) == encoded(two)
    except HeadraceError:
        try:
            return bool(one == two)
        except Exception:
            return False


@lru_cache
def conflict_error() -> type[Exception]:
    """Return the class of what is raised when results differ: a ``DataError`` that is an ``xarray.MergeError`` too."""
    xr = optional("xarray", "sweeps", "a harvest")
    about = {"__module__": __name__, "__doc__": "New results differ from those that are there."}
    return type("HarvestConflict", (DataError, xr.MergeError), about)


def __getattr__(name: str) -> Any:
    if name == "HarvestConflict":  # a pickle of one asks for it
        return conflict_error()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def raise_conflicts(conflicts: list[Conflict], who: str, *, waiting: bool = False, source: str | None = None) -> None:
    """Raise, if there are conflicts, one error that tells of them.

    Parameters
    ----------
    waiting
        Whether the new results wait to be written, and go on waiting.
    source
        The file that they came from; None for those of a run.
    """
    if conflicts:
        raise told_conflicts(conflicts, who, waiting=waiting, source=source)


def told_conflicts(
    conflicts: list[Conflict], who: str, *, waiting: bool = False, source: str | None = None
) -> Exception:
    """Return the error that tells of conflicts."""
    settings, name, old, new = conflicts[0]
    where = ", ".join(f"{arg}={short(value, 60)}" for arg, value in settings.items())
    others = f" and {len(conflicts) - 1} more such places" if len(conflicts) > 1 else ""
    what = "other results" if name is None else f"{name}={short(new, 60)}"
    was = "others" if name is None else short(old, 60)
    if source is not None:
        return conflict_error()(
            f"{who} got {what} at {where} from {source}, which somebody has changed, where {was} is there{others}, wanted "
            "equal results.\n  Nothing was taken in. For the file's results to win, harvest anything with overwrite=True, "
            "or add_ds(load_ds(file), overwrite=True); for the others, move the file away: it is written again."
        )
    stay = "the new ones wait, in memory" if waiting else "the new ones are in last_ds"
    how = " in the next harvest" if waiting else ""
    return conflict_error()(
        f"{who} got {what} at {where}, where {was} is there{others}, wanted equal results: overwrite=None.\n"
        f"  The old ones stay, {stay}. Say overwrite=True{how} for the new ones to win, False for the old."
    )
