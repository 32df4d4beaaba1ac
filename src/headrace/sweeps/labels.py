"""Results with their names: a dataset with an axis for each argument, or a table with a row for each call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np

from headrace.core.notes import warn
from headrace.core.optional import optional
from headrace.errors import StreamConfigError
from headrace.sweeps.parse import parse_mapping
from headrace.sweeps.place import Array, Columns, check_cells, dense, objects, scalars
from headrace.sweeps.points import Points
from headrace.sweeps.variables import parse_var_dims, parse_var_names

WHO = "a labelled sweep"


class Labels(NamedTuple):
    """What results are called.

    Attributes
    ----------
    var_names : tuple
        The variables; ``(None,)`` where a function returns them with their names.
    var_dims : dict
        The axes of each variable besides those of the arguments.
    var_coords : dict
        Values along those axes.
    attrs : dict
        What else the dataset says of itself.
    """

    var_names: tuple[Any, ...]
    var_dims: dict[Any, Any]
    var_coords: dict[str, Any]
    attrs: dict[str, Any]

    @classmethod
    def of(cls, var_names: Any, var_dims: Any = None, var_coords: Any = None, attrs: Any = None) -> Labels:
        """Return labels from what users write."""
        names = parse_var_names(var_names)
        return cls(names, parse_var_dims(var_dims, names), parse_mapping(var_coords), parse_mapping(attrs))

    @property
    def own_names(self) -> bool:
        """Whether results come with their names."""
        return self.var_names == (None,)

    def columns(self, points: Points, constants: Mapping[str, Any], *, table: bool = False) -> Columns:
        """Return where results at points go.

        Raises
        ------
        StreamConfigError
            When an argument and an axis have one name, or a table is asked for that cannot be.
        DataError
            When a grid of the points would not fit.
        """
        n = len(points)
        for what, names in (("var_names", self.var_names), ("var_coords", tuple(self.var_coords))):
            taken = [name for name in names if name in points.names or (table and name in constants)]
            if taken:
                raise StreamConfigError(
                    f"{what} got {taken[0]!r}, which is an argument of the sweep, wanted another name."
                    "\n  Both would be an axis, or a column."
                )
        if table:
            self.check_table()
            return Columns(self.var_names, n, lambda name: ...)
        check_cells(points, "Run it into a table, a row for each call: to_df=True; a harvester has it as .table.")
        if self.own_names:
            return Columns(self.var_names, n, lambda name: ...)
        for name, dims in self.var_dims.items():
            both = [] if dims is ... else [dim for dim in dims if dim in points.names]
            if both:
                raise StreamConfigError(
                    f"var_dims of {name!r} got {both[0]!r}, which is an argument of the sweep, wanted another name."
                    "\n  Both would be an axis of the dataset."
                )
        given = {**constants, **self.var_coords}
        axes = {dim for dims in self.var_dims.values() if dims is not ... for dim in dims}
        sizes = {name: len(value) for name, value in given.items() if name in axes and hasattr(value, "__len__")}
        made = Columns(self.var_names, n, lambda name: self.var_dims.get(name, ()), sizes)
        for column in made.columns:
            column.coords.update(self.var_coords)
        return made

    def check_table(self) -> None:
        """Raise when results cannot be rows of a table."""
        if self.own_names:
            raise StreamConfigError(
                "to_df=True got var_names=None, wanted names for the columns of results.\n  Name them, or use a harvester's table."
            )
        if any(dims is not ... and len(dims) for dims in self.var_dims.values()) or self.var_coords:
            raise StreamConfigError(
                f"to_df=True got var_dims={self.var_dims} and var_coords of {sorted(self.var_coords)}, wanted neither: "
                "a table has a row for each call, and a value is kept as it is."
                "\n  Say var_dims={name: ...} for values in cells, or to_df=False for a dataset."
            )


def dataset_of(points: Points, columns: Columns, labels: Labels, constants: Mapping[str, Any]) -> Any:
    """Return results as an ``xarray.Dataset``: axes of arguments first, then each variable's own.

    Parameters
    ----------
    points, columns
        Where results belong, and the results.
    labels
        Their names.
    constants
        What else was handed over: coordinates where an axis has the name, else attributes. Functions are left out.
    """
    xr = optional("xarray", "sweeps", WHO)
    if labels.own_names:
        from headrace.sweeps.datasets import joined  # many lines that few need

        made = joined(points, columns)
        coords: dict[str, Any] = {}
    else:
        coords = {name: (name, coordinate(axis)) for name, axis in points.axes.items()}
        coords.update(labels.var_coords)
        variables = {}
        for column in [] if points.no_cases else columns.columns:
            own = () if column.dims is ... else column.dims
            grid = dense(columns.filled(column), columns.done, points)
            # Objects as they are: xarray would hand them to pandas, which makes None among texts NaN.
            grid = moments(grid)
            variables[column.name] = xr.Variable((*points.names, *own), grid, fastpath=grid.dtype.kind == "O")
        made = xr.Dataset(variables, coords=coords)
    made.attrs.update(labels.attrs)
    for name, value in constants.items():
        if callable(value):
            continue
        if name in made.dims and name not in points.names and name not in coords:
            made = made.assign_coords({name: value})
        else:
            try:
                made.attrs[name] = value
            except Exception as error:  # a name that attributes cannot have
                warn(f"the constant {name!r} could not be made an attribute: {error}.")
    return made


def moments(values: Array) -> Array:
    """Return moments without a time zone as NumPy has them, which every file of datasets holds; anything else as it is."""
    if values.dtype.kind != "O" or not values.size:
        return values
    flat = values.reshape(-1)
    if not isinstance(next((each for each in flat if each is not None), None), datetime):
        return values
    if not all(each is None or (isinstance(each, datetime) and each.tzinfo is None) for each in flat):
        return values
    # of pandas, which has nanoseconds, whatever the others are
    fine = any(getattr(each, "nanosecond", 0) for each in flat)
    made = [np.datetime64("NaT") if each is None or each != each else _moment(each, fine=fine) for each in flat]
    return np.asarray(made, dtype="datetime64[ns]" if fine else "datetime64[us]").reshape(values.shape)


def _moment(value: Any, *, fine: bool) -> Any:
    found = value.to_datetime64() if hasattr(value, "to_datetime64") else np.datetime64(value)
    return found.astype("datetime64[ns]" if fine else "datetime64[us]")


def frame_of(points: Points, columns: Columns, labels: Labels, constants: Mapping[str, Any]) -> Any:
    """Return results as a ``pandas.DataFrame``: a row for each call, with arguments, constants, attributes, results."""
    pd = optional("pandas", "sweeps", WHO)
    n = len(points)
    made: dict[str, Any] = {name: column_of(points.column(name)) for name in points.names if name not in constants}
    for name, value in (*constants.items(), *labels.attrs.items()):
        made[name] = repeated(value, n)
    for column in columns.columns:
        values = columns.filled(column)
        made[column.name] = _narrow(values, columns.done)
    for name, values in made.items():
        if values.dtype.kind == "O" and any(value is None for value in values):  # which pandas makes NaN among texts
            made[name] = pd.Series(values, dtype=object)
    return pd.DataFrame(made, index=pd.RangeIndex(n))


def _narrow(values: Array, done: Array) -> Array:
    """Return objects in the dtype that holds them, with holes where nothing is done."""
    found = column_of(values[done].tolist()) if values.dtype.kind == "O" else values[done]
    if bool(done.all()):
        return found
    from headrace.sweeps.place import hole_of

    dtype, fill = hole_of(found.dtype)
    made = np.full(len(done), fill, dtype)
    made[done] = found
    return made


def column_of(values: Sequence[Any]) -> Array:
    """Return values as a column: of scalars in their dtype, else of these very objects."""
    kinds = set(map(type, values))
    if len(kinds) > 1 and kinds & {bool, np.bool_}:  # no boolean becomes a number
        return objects(values)
    found = scalars(list(values))
    return objects(values) if found is None else found


def repeated(value: Any, n: int) -> Array:
    """Return a column that has one value everywhere."""
    if isinstance(value, int | float | str | bool | complex | np.generic):
        return np.full(n, value)
    made = np.empty(n, dtype=object)
    for i in range(n):
        made[i] = value
    return made


def coordinate(values: Sequence[Any]) -> Array:
    """Return the values of an argument as labels: scalars in their dtype, anything else as something that hashes.

    Lists and arrays become tuples, so that ``ds.sel(x=(1, 2))`` finds them; what has no hash otherwise, its text.

    Examples
    --------
    >>> coordinate([1, 2]), coordinate([[1, 2], [3]]), coordinate([1, "a"])
    (array([1, 2]), array([(1, 2), (3,)], dtype=object), array([1, 'a'], dtype=object))
    """
    kinds = set(map(type, values))
    mixed = len(kinds) > 1 and bool(kinds & {bool, np.bool_})  # True among numbers would become one
    found = None if mixed else scalars(list(values))
    if found is not None and found.dtype.kind != "O":
        return found
    return objects([_label(value) for value in values])


def _label(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return tuple(_label(part) for part in value)
    if isinstance(value, set):
        return frozenset(value)
    try:
        hash(value)
    except TypeError:
        return repr(value)
    return value
