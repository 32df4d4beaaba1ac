"""What a ledger's points look like: a labelled dataset, a table, a mask of what is done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import numpy as np

from headrace.core.optional import optional
from headrace.errors import DataError
from headrace.store.ledger import DONE, FAILED, Point
from headrace.sweeps.canonical import encoded
from headrace.sweeps.labels import Labels, column_of, dataset_of
from headrace.sweeps.parse import in_order
from headrace.sweeps.place import Columns, check_cells
from headrace.sweeps.points import Points

HELD: Final = 8 << 20  # bytes of points that are kept in memory between two looks,
ROWS: Final = 20_000  # and how many points
_AT_ONCE: Final = 256
_INSTEAD: Final = "harvester.table has a row for each point, and harvester.export('x.parquet') writes that."


class View:
    """The points of a ledger, read when they are asked for and when they have changed.

    Parameters
    ----------
    ledger
        Where they are.
    """

    def __init__(self, ledger: Any) -> None:
        self.ledger: Any = ledger
        self._points: dict[bytes, Point] = {}
        self._commits = -1
        self._last = 0

    def forget(self) -> None:
        """Read everything anew."""
        self._points, self._commits, self._last = {}, -1, 0

    def points(self, *, values: bool = True) -> dict[bytes, Point]:
        """Return the points by their keys, failures too; without ``values`` these may be None."""
        totals = self.ledger.totals
        if self._commits == totals.commits:
            return self._points
        if totals.bytes > HELD or totals.rows > ROWS:
            self.forget()
            return {point.key: point for point in self.ledger.rows(values=values)}
        made = dict(self._points)
        self._take(made, self.ledger.rows(after=self._last))
        if len(made) != totals.rows:  # some were removed, or others write
            made.clear()
            self._take(made, list(self.ledger.rows()))
            totals = self.ledger.totals
        last = max((point.row for point in made.values()), default=0)
        self._points, self._last = made, last
        self._commits = totals.commits if len(made) == totals.rows else -1
        return made

    @staticmethod
    def _take(made: dict[bytes, Point], points: Iterable[Point]) -> None:
        for point in points:
            made.pop(point.key, None)
            made[point.key] = point

    def done(self, *, values: bool = False) -> list[Point]:
        """Return the points that have results, in the order in which they came."""
        return [point for point in self.points(values=values).values() if point.state == DONE]


class Frame:
    """Points in their grid.

    Parameters
    ----------
    done
        Points that have results; their values may be left out.

    Attributes
    ----------
    args : tuple of str
        The arguments.
    points : Points
        The settings.
    layouts : list
        What they are called, each once.
    """

    def __init__(self, done: list[Point]) -> None:
        self.layouts: list[Mapping[str, Any]] = _once(done)
        self.args: tuple[str, ...] = args_of(self.layouts)
        rows = [_in_order(point, self.args) for point in done]
        self.points: Points = Points(cases=rows, fn_args=self.args) if self.args else Points()
        if not done and self.args == ():
            self.points = Points(cases=[])
        self.keys: list[bytes] = [point.key for point in done]

    @classmethod
    def of(cls, layouts: list[Mapping[str, Any]], points: Points) -> Frame:
        """Return a frame of points that are in no list."""
        made = cls([])
        made.layouts, made.args, made.points = layouts, points.names, points
        return made

    def labels(self) -> tuple[Labels, dict[str, Any]]:
        """Return the names of results and constants: those of the points that came first, others beside them."""
        names: dict[Any, None] = {}
        dims: dict[Any, Any] = {}
        coords: dict[str, Any] = {}
        for layout in self.layouts:
            names.update(dict.fromkeys(layout["vars"] if layout["vars"] is not None else [None]))
            dims.update({name: each for name, each in layout["dims"].items() if name not in dims})
            coords = {**layout["coords"], **coords}
        if None in names and len(names) > 1:
            raise DataError(
                "a harvest has results with names of their own and others, wanted one kind.\n  Keep them under two names."
            )
        first: Mapping[str, Any] = self.layouts[0] if self.layouts else {"attrs": {}, "constants": {}}
        constants = {
            name: value
            for name, value in first["constants"].items()
            if name not in self.args and all(_tells(layout, name, value) for layout in self.layouts[1:])
        }
        return Labels(tuple(names), dims, coords, dict(first["attrs"])), constants

    def dataset(self, values: Iterator[tuple[bytes, Any, Any]]) -> Any:
        """Return the labelled dataset.

        Parameters
        ----------
        values
            Key, names (None for results with their own) and values of each point, in any order.

        Raises
        ------
        DataError
            When its grid would have too many places.
        """
        labels, _ = self.labels()
        check_cells(self.points, _INSTEAD)  # before any value is read
        place = {key: i for i, key in enumerate(self.keys)}
        each = columns_of(labels, len(self.points))
        for names, keys, rows in _alike(values, place):
            at: Any = [place[key] for key in keys]
            if at == list(range(at[0], at[0] + len(at))):
                at = range(at[0], at[0] + len(at))
            for name, parts in zip([None] if names is None else names, zip(*rows, strict=True), strict=True):
                each[name].take(at, list(parts))
        return self.filled(each)

    def filled(self, each: Mapping[Any, Columns]) -> Any:
        """Return the labelled dataset of a column for each variable.

        Raises
        ------
        DataError
            When its grid would have too many places.
        """
        labels, constants = self.labels()
        check_cells(self.points, _INSTEAD)
        return self._arranged(_assembled(self.points, each, labels, constants))

    def _arranged(self, ds: Any) -> Any:
        """Return a dataset with its axes in the order in which they were given, where that is not theirs by size."""
        for name, axis in self.points.axes.items():
            wanted = self.order(name)
            if wanted is not None and name in ds.dims:
                places = {encoded(value): k for k, value in enumerate(axis)}
                at = [places[told] for told in wanted]
                if at != list(range(len(at))):
                    ds = ds.isel({name: at})
        return ds

    def order(self, name: str) -> list[bytes] | None:
        """Return the order of an axis as encoded values; None where they have one of their own."""
        given = [layout["order"][name] for layout in self.layouts if name in layout.get("order", {})]
        if not given:
            return None
        axis = self.points.axes[name]
        there = [encoded(value) for value in axis]
        first = [encoded(value) for value in given[0]]
        if set(first) == set(there):
            return first
        if sortable(axis):
            return None
        made = dict.fromkeys([encoded(value) for each in given for value in each])
        kept = set(there)
        return [told for told in made if told in kept] + sorted(told for told in there if told not in made)

    def mask(self, done: Iterable[bytes]) -> Any:
        """Return where there are results, as a data array."""
        xr = optional("xarray", "sweeps", "harvester.done")
        check_cells(self.points, _INSTEAD)
        grid = np.zeros(self.points.cells, dtype=bool)
        place = {key: i for i, key in enumerate(self.keys)}
        at = self.points.places()
        grid[at[[place[key] for key in done]]] = True
        ds = dataset_of(self.points, Columns([], len(self.points), lambda name: ()), Labels((), {}, {}, {}), {})
        made = xr.DataArray(grid.reshape(self.points.shape), dims=self.points.names, name="done")
        coords = {name: ds[name] for name in self.points.names if name in ds.coords}
        return self._arranged(made.assign_coords(coords).to_dataset())["done"].drop_attrs()


def _tells(layout: Mapping[str, Any], name: str, value: Any) -> bool:
    """Tell whether a constant is nowhere said to be another: then it is not one of all points."""
    other = layout["constants"].get(name, layout["attrs"].get(name, value))
    return other is value or encoded(other) == encoded(value)


def columns_of(labels: Labels, n: int) -> dict[Any, Columns]:
    """Return a column of ``n`` points for each variable."""
    return {
        name: Columns([name], n, lambda name: labels.var_dims.get(name, ... if name is None else ()))
        for name in labels.var_names
    }


def _alike(
    values: Iterable[tuple[bytes, Any, Any]], place: Mapping[bytes, int]
) -> Iterator[tuple[Any, list[bytes], list[Any]]]:
    """Yield points that have a place and the same names, some at a time: names, keys, values."""
    names: Any = None
    keys: list[bytes] = []
    rows: list[Any] = []
    for key, those, value in values:
        if keys and (those is not names or len(keys) >= _AT_ONCE):
            yield names, keys, rows
            keys, rows = [], []
        if key in place:
            names = those
            keys.append(key)
            rows.append(value)
    if keys:
        yield names, keys, rows


def _assembled(points: Points, each: Mapping[Any, Columns], labels: Labels, constants: Mapping[str, Any]) -> Any:
    made: Any = None
    for name, columns in each.items():
        one = dataset_of(points, columns, labels._replace(var_names=(name,)), constants)
        if made is None:
            made = one
        else:
            made[name] = one[name]
    if made is None:
        made = optional("xarray", "sweeps", "harvester.full_ds").Dataset()
    return made


def _once(done: Iterable[Point]) -> list[Mapping[str, Any]]:
    seen: dict[int, Mapping[str, Any]] = {}
    for point in done:
        if id(point.layout) not in seen:
            seen[id(point.layout)] = point.layout
    return list(seen.values())


def args_of(layouts: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the arguments that all points have.

    Raises
    ------
    DataError
        When some have others.
    """
    found: tuple[str, ...] | None = None
    for layout in layouts:
        args = tuple(layout["args"])
        if found is not None and set(args) != set(found):
            raise DataError(
                f"a harvest has points with the arguments {found} and others with {args}, wanted the same.\n  harvester.expand_dims(name, value) gives points the one that they lack."
            )
        found = args if found is None else found
    return found or ()


def _in_order(point: Point, args: tuple[str, ...]) -> tuple[Any, ...]:
    own = tuple(point.layout["args"])
    if own == args:
        return tuple(point.coords)
    at = dict(zip(own, point.coords, strict=True))
    return tuple(at[name] for name in args)


def sortable(values: list[Any]) -> bool:
    """Tell whether values have an order of their own."""
    try:
        sorted(value for value in values if value == value)
    except (TypeError, ValueError):
        return False
    return True


def order_given(points: Points) -> dict[str, list[Any]]:
    """Return the axes whose order is not that of their values: what a ledger cannot know from the points alone."""
    return {name: axis for name, axis in points.axes.items() if not _in_own_order(axis)}


def _in_own_order(axis: list[Any]) -> bool:
    return sortable(axis) and all(a is b for a, b in zip(in_order(axis), axis, strict=True))


def table_of(done: list[Point]) -> Any:
    """Return points as a table: a row for each, in the order in which they came, exact types."""
    frame = args_of(_once(done))
    names = list(dict.fromkeys(name for layout in _once(done) for name in (layout["vars"] or ["result"])))
    made: dict[str, Any] = {}
    rows = [_in_order(point, frame) for point in done]
    for k, arg in enumerate(frame):
        made[arg] = column_of([row[k] for row in rows])
    values = [dict(zip(point.layout["vars"] or ["result"], point.value, strict=True)) for point in done]
    for name in names:
        made[name] = column_of([_seen(value.get(name)) for value in values])
    return as_frame(made, len(done))


def _seen(value: Any) -> Any:
    """Return a value to be looked at: arrays are held here too, and stay what they are."""
    if isinstance(value, np.ndarray):
        value = value.view()
        value.flags.writeable = False
    return value


def as_frame(columns: Mapping[str, Any], n: int) -> Any:
    """Return columns as a table; objects stay objects, which pandas by itself would make texts with NaN of."""
    pd = optional("pandas", "sweeps", "a harvest")
    index = pd.RangeIndex(n)
    made = {name: pd.Series(each, index, object) if each.dtype == object else each for name, each in columns.items()}
    return pd.DataFrame(made, index=index)


def failures_of(points: Iterable[Point]) -> Any:
    """Return the failures among points as a table: arguments, error, message, traceback."""
    failed = [point for point in points if point.state == FAILED]
    names = ["error", "message", "traceback"]
    return _told(failed, [dict(zip(names, point.value, strict=True)) for point in failed], names)


def timings_of(points: Iterable[Point]) -> Any:
    """Return where points come from as a table: seconds, moment, host, process, function, code, constants, seed."""
    listed, names, told = list(points), ["host", "pid", "fn", "code", "constants", "seed"], []
    for point in listed:
        session = point.session or {}
        moment = np.datetime64(int(point.at * 1e6), "us")
        told.append({"seconds": point.seconds, "at": moment, **{name: session.get(name) for name in names}})
    return _told(listed, told, ["seconds", "at", *names])


def _told(points: list[Point], told: list[dict[str, Any]], names: list[str]) -> Any:
    args = args_of(_once(points))
    rows = [_in_order(point, args) for point in points]
    made = {arg: column_of([row[k] for row in rows]) for k, arg in enumerate(args)}
    made.update({name: column_of([each[name] for each in told]) for name in names})
    return as_frame(made, len(points))
