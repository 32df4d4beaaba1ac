"""Where results go: straight into columns, a column for each variable and a row for each point, allocated once.

A column has the dtype of what it holds; when another comes it widens, as NumPy would, except that numbers never become
texts and whole numbers never lose digits to a place that was not run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from headrace.errors import DataError
from headrace.sweeps.failures import Failure
from headrace.sweeps.outputs import has_names, parts, placed
from headrace.sweeps.points import Points

Array = np.ndarray[Any, np.dtype[Any]]
_EXACT: Final = 1 << 53  # whole numbers up to here are floats, all of them
_NUMBERS: Final = "biufc"
_SCALARS: Final = frozenset((int, float, bool, complex, str))
_SEQUENCES: Final = frozenset((tuple, list))
MOST_CELLS: Final = 10**8


class Column:
    """The values of one variable at ``n`` points.

    Parameters
    ----------
    name
        Of the variable, for errors.
    n
        How many points there are.
    dims
        Names of the value's own axes; ``...`` to keep values as they are, whatever they are.

    Attributes
    ----------
    coords : dict
        Values along those axes, as far as they are known: results that have others are refused.
    data : array, optional
        What came, a row for each point.

    Examples
    --------
    >>> column = Column("y", 4, ())
    >>> column.put(range(2), [1, 2])
    >>> column.put([3], [2**60])
    >>> column.data.dtype, column.filled(np.array([True, True, False, True])).dtype
    (dtype('int64'), dtype('float64'))
    """

    def __init__(self, name: Any, n: int, dims: Any) -> None:
        self.name: Any = name
        self.n: int = n
        self.dims: Any = dims
        self.coords: dict[str, Any] = {}
        self.data: Array | None = None

    def put(self, places: Sequence[int], values: list[Any]) -> None:
        """Take in the values of some points.

        Raises
        ------
        DataError
            When a value has other axes than ``dims`` says, or another shape than those before it.
        """
        if not values:
            return
        if self.dims is not ... and self.name is not None and any(has_names(kind) for kind in set(map(type, values))):
            values = [placed(value, self.name, self.dims, self.coords) for value in values]
        at: Any = slice(places.start, places.stop) if isinstance(places, range) and places.step == 1 else list(places)
        if self.dims is ...:
            self._assign(at, objects(values))
        elif self.dims:
            self._put_arrays(places, values)
        else:
            self._assign(at, self._scalars(values))

    def grow(self, n: int) -> None:
        """Make room for ``n`` points."""
        if self.data is not None:
            more = np.zeros((n - self.n, *self.data.shape[1:]), self.data.dtype)
            self.data = np.concatenate([self.data, more])
        self.n = n

    def _scalars(self, values: list[Any]) -> Array:
        made = scalars(values)
        if made is not None:
            return made
        value = next(value for value in values if isinstance(value, np.ndarray | list | tuple))
        try:
            shape = np.shape(value)
        except ValueError:  # ragged: parts of several lengths
            raise DataError(
                f"the variable {self.name!r} got a {type(value).__name__} of {len(value)} parts of several shapes, wanted a "
                "scalar.\n"
                f"  Name the parts, var_names=['{self.name}_0', ...], or keep values as they are: "
                f"var_dims={{{self.name!r}: ...}}."
            ) from None
        raise DataError(
            f"the variable {self.name!r} got a value of shape {shape}, and no names for its axes, wanted a scalar.\n"
            f"  Name them: var_dims={{{self.name!r}: {[f'axis_{k}' for k in range(len(shape))]}}}; "
            f"or keep values as they are: var_dims={{{self.name!r}: ...}}."
        )

    def _put_arrays(self, places: Sequence[int], values: list[Any]) -> None:
        for i, value in zip(places, values, strict=True):
            array = _array(value)
            if array.ndim != len(self.dims):
                raise DataError(
                    f"the variable {self.name!r} got a value of shape {array.shape}, wanted {len(self.dims)} axes: "
                    f"var_dims names {self.dims}.\n  Name each axis of what the function returns, or say var_dims={{{self.name!r}: ...}}."
                )
            if self.data is None:
                self.data = np.zeros((self.n, *array.shape), array.dtype)  # rows to come are looked at when it widens
            elif array.shape != self.data.shape[1:]:
                raise DataError(
                    f"the variable {self.name!r} got a value of shape {array.shape} and others of {self.data.shape[1:]}, "
                    f"wanted one shape.\n  Pad it, or keep values as they are: var_dims={{{self.name!r}: ...}}."
                )
            if array.dtype != self.data.dtype:
                self._widen(array.dtype)
            self.data[i] = array

    def _assign(self, at: Any, made: Array) -> None:
        if self.data is None:
            self.data = np.zeros(self.n, made.dtype)
        elif made.dtype != self.data.dtype:
            lossy = made.dtype.kind in "iu" and self.data.dtype.kind in "fc" and not _within(made)
            self._widen(np.dtype(object) if lossy else made.dtype)
            made = _as(made, self.data.dtype)
        self.data[at] = made

    def _widen(self, dtype: np.dtype[Any]) -> None:
        assert self.data is not None
        common = wider(self.data.dtype, dtype)
        if self.data.dtype.kind in "iu" and common.kind in "fc" and not _within(self.data):
            common = np.dtype(object)
        if common != self.data.dtype:
            self.data = _as(self.data, common)

    def filled(self, done: Array | None, sizes: dict[str, int] | None = None) -> Array:
        """Return the values, with NaN, NaT or None where ``done`` is false; None for all done.

        Parameters
        ----------
        done : (n,) bool array, optional
            Which points have a value.
        sizes
            Lengths of axes, for a variable of which no value came.
        """
        if self.data is None:
            shape = () if self.dims is ... else tuple((sizes or {}).get(dim, 0) for dim in self.dims)
            return np.full((self.n, *shape), None if self.dims is ... else np.nan)
        return self.data if done is None else with_holes(self.data, done)


def scalars(values: list[Any]) -> Array | None:
    """Return scalars as an array, of objects where no other dtype holds them all; None when there is a sequence."""
    kinds = set(map(type, values))
    if len(kinds) == 1 and kinds <= _SCALARS:
        made = np.asarray(values)
        if made.dtype.char in "qQ":  # of integers beyond 2**63: a twin of uint64 that zarr does not know
            made = made.astype(made.dtype.str)
        cut_off = made.dtype.kind == "U" and any(value.endswith("\0") for value in values)
        return objects(values) if cut_off or not _exact(made, kinds, values) else made
    if any(issubclass(kind, np.ndarray | list | tuple) for kind in kinds):
        arrays = [value for value in values if isinstance(value, np.ndarray | list | tuple)]
        if any(not isinstance(value, np.ndarray) or value.ndim for value in arrays):
            return None
        return scalars([value[()] if isinstance(value, np.ndarray) else value for value in values])
    if all(issubclass(kind, np.generic | int | float | complex) for kind in kinds):
        found = np.asarray(values)
        return found if _same_kind(found, kinds) and _exact(found, kinds, values) else objects(values)
    return objects(values)


def _exact(found: Array, kinds: set[type], values: list[Any]) -> bool:
    """Tell whether no whole number has lost digits: beyond 2**53 not all of them are floats."""
    if found.dtype.kind not in "fc" or not any(issubclass(kind, int | np.integer) for kind in kinds):
        return True
    return all(abs(int(value)) <= _EXACT for value in values if isinstance(value, int | np.integer))


def _same_kind(found: Array, kinds: set[type]) -> bool:
    """Tell whether an array holds numbers of these types as they were: no number has become a text or an object."""
    if found.dtype.kind in "OUSV":
        return found.dtype.kind != "O" and len(kinds) == 1
    if found.dtype.kind in "Mm":
        moment = np.datetime64 if found.dtype.kind == "M" else np.timedelta64
        return all(issubclass(kind, moment) for kind in kinds)
    return True


def _as(array: Array, dtype: np.dtype[Any]) -> Array:
    """Return an array in another dtype; moments among objects stay NumPy's, which datetimes and integers are not."""
    if dtype.kind == "O" and array.dtype.kind in "Mm" and array.ndim == 1:
        return objects(list(array))
    return array.astype(dtype)


def _within(whole: Array) -> bool:
    return not whole.size or bool((whole <= _EXACT).all() and (whole >= -_EXACT).all())


def objects(values: Sequence[Any]) -> Array:
    """Return a one-dimensional array of these very objects.

    Examples
    --------
    >>> objects([[1, 2], "a"])
    array([list([1, 2]), 'a'], dtype=object)
    """
    made = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):  # an assignment at once would look into sequences
        made[i] = value
    return made


def _array(value: Any) -> Array:
    try:
        array = np.asarray(value)
    except ValueError:  # ragged
        array = objects(value)
    if array.dtype.kind == "U" and not isinstance(value, np.ndarray) and _mixed(value):
        array = np.asarray(value, dtype=object)
    return array


def _mixed(value: Any) -> bool:
    """Tell whether a nested sequence of texts holds something else too."""
    if isinstance(value, list | tuple):
        return any(_mixed(part) for part in value)
    return not isinstance(value, str) and not (isinstance(value, np.ndarray) and value.dtype.kind == "U")


def wider(one: np.dtype[Any], two: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype that holds both: of objects where NumPy's would change a value's kind.

    Examples
    --------
    >>> (
    ...     wider(np.dtype("i8"), np.dtype("f4")),
    ...     wider(np.dtype("i8"), np.dtype("U3")),
    ...     wider(np.dtype("U1"), np.dtype("U3")),
    ... )
    (dtype('float64'), dtype('O'), dtype('<U3'))
    """
    if one == two:
        return one
    alike = (one.kind in _NUMBERS and two.kind in _NUMBERS) or (one.kind == two.kind and one.kind in "USMm")
    if not alike or ({one.kind, two.kind} == {"i", "u"} and np.result_type(one, two).kind == "f"):
        return np.dtype(object)
    try:
        return np.result_type(one, two)
    except TypeError:
        return np.dtype(object)


def with_holes(data: Array, done: Array) -> Array:
    """Return ``data`` with NaN, NaT or None in the rows that are not done, in a dtype that has one.

    Examples
    --------
    >>> with_holes(np.array([1, 2]), np.array([True, False]))
    array([ 1., nan])
    >>> with_holes(np.array(["a", "b"]), np.array([True, False]))
    array(['a', None], dtype=object)
    """
    if bool(done.all()):
        return data
    dtype, fill = hole_of(data.dtype)
    made = data.astype(dtype)
    made[~done] = fill
    return made


def hole_of(dtype: np.dtype[Any]) -> tuple[np.dtype[Any], Any]:
    """Return the dtype that a column with holes has, and what stands in a hole."""
    kind = dtype.kind
    if kind in "fc":
        return dtype, np.nan
    if kind in "iu":
        return np.dtype(np.float64), np.nan
    if kind in "Mm":
        return dtype, np.array("NaT", dtype)
    return np.dtype(object), None


class Columns:
    """The results of a sweep: a column for each variable.

    Parameters
    ----------
    names
        The variables. With one, a result is its value; with several, a sequence of theirs.
    n
        How many points there are.
    dims
        The axes of each variable.
    sizes
        Lengths of axes that are known before, as those of coordinates.

    Attributes
    ----------
    columns : list of Column
        In the order of ``names``.
    done : (n,) bool array
        Which points have results.
    """

    def __init__(
        self, names: Sequence[Any], n: int, dims: Callable[[Any], Any], sizes: dict[str, int] | None = None
    ) -> None:
        self.names: tuple[Any, ...] = tuple(names)
        self.sizes: dict[str, int] = dict(sizes or {})
        self._checked = False
        self.columns: list[Column] = [Column(name, n, dims(name)) for name in names]
        self.done: Array = np.zeros(n, dtype=bool)

    def take(self, places: Sequence[int], values: list[Any]) -> None:
        """Take in the results of some points; failed calls leave holes."""
        if Failure in set(map(type, values)):
            kept = [(i, value) for i, value in zip(places, values, strict=True) if type(value) is not Failure]
            places, values = [i for i, _ in kept], [value for _, value in kept]
            if not kept:
                return
        if len(self.columns) == 1:
            self.columns[0].put(places, values)
        else:
            for column, each in zip(self.columns, self._split(values), strict=True):
                column.put(places, list(each))
        self.done[slice(places.start, places.stop) if isinstance(places, range) else places] = True
        if not self._checked:
            self._check_sizes()

    def grow(self, n: int) -> None:
        """Make room for ``n`` points, if there is less."""
        more = n - len(self.done)
        if more > 0:
            for column in self.columns:
                column.grow(n)
            self.done = np.concatenate([self.done, np.zeros(more, dtype=bool)])

    def first(self, n: int) -> Columns:
        """Return the results of the first ``n`` points, which may share memory with these."""
        made = Columns(self.names, n, {column.name: column.dims for column in self.columns}.__getitem__, self.sizes)
        for mine, its in zip(self.columns, made.columns, strict=True):
            its.data = None if mine.data is None else mine.data[:n]
        made.done = self.done[:n]
        return made

    def _check_sizes(self) -> None:
        """Raise when axes do not fit: with the first results, not after the last."""
        self._checked = True
        for column in self.columns:
            if column.data is None or column.dims is ...:
                continue
            for dim, size in zip(column.dims, column.data.shape[1:], strict=True):
                known = self.sizes.setdefault(dim, size)
                if known != size:
                    raise DataError(
                        f"the variable {column.name!r} got {size} values along {dim!r}, wanted {known}, as its coordinate or "
                        "another variable has.\n  Give the axis another name in var_dims, or another coordinate in var_coords."
                    )

    def _split(self, values: list[Any]) -> list[tuple[Any, ...]]:
        k = len(self.columns)
        if not _SEQUENCES.issuperset(map(type, values)) or set(map(len, values)) != {k}:
            values = [parts(value, self.names) for value in values]
        return list(zip(*values, strict=True))

    def filled(self, column: Column) -> Array:
        """Return a column with holes where there is no result."""
        return column.filled(None if self.done.all() else self.done, self.sizes)


def dense(rows: Array, done: Array, points: Points) -> Array:
    """Return a row for each point as a grid: axes of the arguments, then the row's own.

    Places that are no point, or have no result, hold NaN, NaT or None.
    """
    shape = points.shape
    if points.is_grid:
        return with_holes(rows, done).reshape((*shape, *rows.shape[1:]))
    at = points.places()
    there = np.zeros(points.cells, dtype=bool)
    there[at[done]] = True
    if there.all():
        dtype, fill = rows.dtype, None
    else:
        dtype, fill = hole_of(rows.dtype)
    grid = np.empty((points.cells, *rows.shape[1:]), dtype)
    if fill is not None or dtype.kind == "O":
        grid[...] = fill
    grid[at[done]] = rows[done]
    return grid.reshape((*shape, *rows.shape[1:]))


def check_cells(points: Points, instead: str) -> None:
    """Raise when a grid of all points would not fit: before the first call, not after the last.

    Raises
    ------
    DataError
        Naming what holds points without a grid.
    """
    if points.cells > MOST_CELLS:
        shape = " x ".join(f"{len(axis)} {name}" for name, axis in points.axes.items())
        raise DataError(
            f"a sweep got {len(points)} points on a grid of {points.cells:.3g} places ({shape}), wanted at most "
            f"{MOST_CELLS:.0e} places.\n  {instead}"
        )
