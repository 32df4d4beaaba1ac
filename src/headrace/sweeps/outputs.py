"""What one call returned, as a value for each variable: by name where it has names, and of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any, Final

import numpy as np

from headrace.errors import DataError

FIXED: Final = frozenset((int, float, complex, bool, str, bytes, type(None), np.float64, np.int64, np.bool_))
_PLAIN: Final = frozenset((tuple, list))


def parts(result: Any, names: Sequence[Any]) -> Sequence[Any]:
    """Return a result as a sequence of a value for each of several variables.

    Parameters
    ----------
    result
        A sequence of as many values; or what has them by these names, as a dict or a Dataset.

    Raises
    ------
    DataError
        When it is neither: the letters of a text and the keys of a dict are no results.

    Examples
    --------
    >>> parts((1, 2), ["x", "y"]), parts({"y": 2, "x": 1}, ["x", "y"])
    ((1, 2), (1, 2))
    """
    if isinstance(result, Mapping):
        if set(result) == set(names):
            return tuple(result[name] for name in names)
        came = f"a {type(result).__name__} with {sorted(map(str, result))}"
    elif isinstance(result, str | bytes | Set):
        came = f"one {type(result).__name__}"
    else:
        try:
            values = result if type(result) in _PLAIN else tuple(result)
        except TypeError:
            came = f"one {type(result).__name__}"
        else:
            if len(values) == len(names):
                return values
            came = f"{len(values)} result" + ("s" if len(values) != 1 else "")
    raise DataError(
        f"a sweep got {came} from a call, wanted {len(names)}: one for each of the variables {tuple(names)}.\n"
        "  Return a tuple of as many values as var_names has names, or a dict with these names."
    )


def has_names(kind: type) -> bool:
    """Tell whether values of a type have names for their axes, or places that are masked: see :func:`placed`."""
    return hasattr(kind, "dims") or issubclass(kind, np.ma.MaskedArray)


def placed(value: Any, name: Any, dims: Any, coords: dict[str, Any]) -> Any:
    """Return a value with its axes in the order of ``dims``; one without names for them as it is.

    Parameters
    ----------
    value
        Perhaps a DataArray, or a masked array.
    name
        Of the variable, for errors.
    dims
        Names of its axes; ``...`` for values that are kept as they are.
    coords
        Values along axes; those of axes that are not there yet are noted, for the results to come.

    Raises
    ------
    DataError
        When its axes, or the values along one, are others, or places of it are masked.

    Examples
    --------
    >>> import xarray as xr
    >>> placed(xr.DataArray([[1, 2, 3]], dims=("u", "v")), "y", ("v", "u"), {}).shape
    (3, 1)
    """
    if dims is ...:
        return value
    if isinstance(value, np.ma.MaskedArray):
        if np.ma.is_masked(value):
            raise DataError(
                f"the variable {name!r} got an array with masked places, wanted a value in each.\n"
                "  Return value.filled(numpy.nan)."
            )
        return value.data
    own = getattr(value, "dims", None)
    if own is None or not hasattr(value, "transpose") or not hasattr(value, "values"):
        return value
    own, wanted = tuple(own), tuple(dims)
    if len(own) != len(wanted) or not (set(own) == set(wanted) or all(str(dim).startswith("dim_") for dim in own)):
        raise DataError(
            f"the variable {name!r} got a {type(value).__name__} with the axes {own}, wanted {wanted}, as var_dims says.\n"
            f"  Say var_dims={{{name!r}: {list(map(str, own))}}}, or return its values."
        )
    for dim in own:
        if dim in getattr(value, "coords", ()):
            along = value[dim].values
            if not _alike(coords.setdefault(dim, along), along):
                raise DataError(
                    f"the variable {name!r} got other values along {dim!r} than var_coords or the results before it have, "
                    "wanted the same.\n"
                    "  Return a Dataset (var_names=None), which is aligned by its coordinates, or an array without them."
                )
    if own != wanted and set(own) == set(wanted):
        value = value.transpose(*wanted)
    found = value.values
    return found if found.ndim else found[()]


def _alike(one: Any, two: Any) -> bool:
    """Tell whether values along an axis are the same, but for the last digits of numbers that were computed twice."""
    one, two = np.asarray(one), np.asarray(two)
    if one.dtype.kind in "fc" or two.dtype.kind in "fc":
        return one.shape == two.shape and bool(np.allclose(one, two, rtol=1e-9, atol=0, equal_nan=True))
    return np.array_equal(one, two)


def own(value: Any) -> Any:
    """Return a value that no later call can change: arrays are copied, and those inside lists, tuples and dicts.

    A function may fill one buffer again and again, and its results wait a moment before they are placed.

    Examples
    --------
    >>> buffer = np.zeros(2)
    >>> kept = own((1, buffer))
    >>> buffer[:] = 7
    >>> kept
    (1, array([0., 0.]))
    """
    kind = type(value)
    if kind is tuple:
        for part in value:  # a loop, as it costs half of what a set of their types does
            if type(part) not in FIXED:
                return tuple(map(own, value))
        return value
    if kind in FIXED:
        return value
    if kind is list:
        return list(map(own, value))
    if kind is dict:
        return {key: own(each) for key, each in value.items()}
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, tuple) and hasattr(value, "_make"):
        return value._make(map(own, value))
    if hasattr(value, "dims") and hasattr(value, "copy"):
        return value.copy(deep=True)
    return value
