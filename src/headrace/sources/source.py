"""A stream of whatever has a length and items by number: arrays, tables, lists, datasets of other libraries."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from math import prod
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np

from headrace.core.batch import Batch
from headrace.core.coerce import as_stream
from headrace.core.columns import as_batches, each_leaf, narrowed
from headrace.core.indexed import AHEAD, Bound, Indexed, Places, numbers, runs
from headrace.core.items import all_flat, branches, each_of, fresh, leaves, map_leaves, stack
from headrace.core.key import Key
from headrace.core.notes import told
from headrace.core.places import lap_pieces
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.core.stream import Field, Spec, Stream
from headrace.errors import DataError, StreamConfigError
from headrace.sources.adopt import as_columns
from headrace.sources.files import folder
from headrace.sources.stored import Stored

T = TypeVar("T")
BYTES = 1 << 20  # read ahead at most


def source(data: Any) -> Indexed[Any]:
    """A stream of the items of ``data``, each with its number: ``source(x)[i]``, ``source(x)[a:b]``.

    Parameters
    ----------
    data
        An array
            its rows; memory-mapped ones, and those of h5py, zarr, dask or xarray, are read as rows are wanted.
        A dict or tuple of arrays
            dicts or tuples of rows: the arrays are columns of one length, and may be nested.
        A table
            pandas and polars DataFrames and Series, Arrow tables, xarray Datasets (variables share their first axis):
            dicts, a field for each column.
        A folder, a pattern or a file
            the rows of npz, npy, csv or parquet files, as :func:`headrace.folder` reads them.
        Anything else with ``len`` and ``[i]``
            lists, ranges, map-style datasets of PyTorch and Hugging Face: its items as they are.

    Returns
    -------
    Indexed
        Arrays are not copied, and rows are read-only views where they can be. Data should not change while it is read.

    Raises
    ------
    StreamConfigError
        When there is no length or no ``[i]``, or columns have different lengths; names them.

    Examples
    --------
    >>> import numpy as np, headrace as hr
    >>> stream = hr.source({"X": np.arange(6).reshape(3, 2), "y": np.array([0, 1, 0])})
    >>> stream[1]["X"].tolist(), int(stream[1]["y"]), len(stream)
    ([2, 3], 1, 3)
    >>> stream[1:]["X"].tolist()
    [[2, 3], [4, 5]]
    >>> hr.source(["a", "b", "c"])[-1]
    'c'
    """
    if isinstance(data, Stream) or hasattr(data, "__recipe__"):
        found = as_stream(data)
        if isinstance(found, Indexed):
            return found
        raise StreamConfigError(f"source(data) got {found!r}, a stream whose items have no numbers; use it as it is.")
    if isinstance(data, str | Path):
        files: Any = folder(data)
        return files  # type: ignore[no-any-return]  # a Folder is Indexed
    columns = as_columns(data)
    if columns is not None:
        return Table(columns)
    if not hasattr(data, "__getitem__") or not _has_length(data) or isinstance(data, Mapping):
        raise StreamConfigError(
            f"source(data) got a {type(data).__name__}, wanted something with len() and [i], or a dict of columns.\n"
            "  For what can only be iterated use hr.Streamer."
        )
    return Items(data)


@register("source", example=lambda: Table({"X": np.arange(180.0).reshape(60, 3), "y": np.arange(60)}))
@recipe
class Table(Indexed[Any]):
    """The recipe of :func:`source` over columns: a tree of arrays of one length."""

    data: Any
    _n: ClassVar[int]
    _spec: ClassVar[Spec | None]

    def __post_init__(self) -> None:
        self.fix(data=_frozen(self.data))
        lengths = {path: column.shape[0] if column.shape else None for path, column in leaves(self.data)}
        if len(set(lengths.values())) != 1 or None in lengths.values():
            raise StreamConfigError(f"source(data) got columns of lengths {lengths}, wanted one length for all.")
        self._learn()

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.fix(data=_frozen(self.data))  # pickles do not keep arrays read-only
        self._learn()

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Remember dtypes of foreign byte order: NumPy turns them to native where it pickles by an older protocol."""
        kinds = [column.dtype for _, column in leaves(self.data)]
        if all(kind.isnative for kind in kinds):
            return super().__reduce_ex__(protocol)
        return _again, (type(self), self.__getstate__(), kinds)

    def with_(self, **values: Any) -> Any:
        made = super().with_(**values)
        made._learn()
        return made

    def _learn(self) -> None:
        """Keep what is asked of every member of a mix, again and again."""
        columns = leaves(self.data)
        found = {path: _field(path, column) for path, column in columns}
        known = {path: field for path, field in found.items() if field is not None}
        self.fix(_n=int(columns[0][1].shape[0]), _spec=known if len(known) == len(found) else None)

    @property
    def size(self) -> int:
        return self._n

    @property
    def spec(self) -> Spec | None:
        return self._spec

    @property
    def gathers(self) -> bool:
        return self._spec is not None

    def bind(self, key: Key) -> Bound[Any]:
        return _Columns(self, key)


def _again(kind: type[Table], state: dict[str, Any], dtypes: list[np.dtype[Any]]) -> Table:
    wanted = iter(dtypes)

    def turned(column: Any) -> Any:
        dtype = next(wanted)
        return column.astype(dtype) if isinstance(column, np.ndarray) and column.dtype != dtype else column

    table = object.__new__(kind)
    table.__setstate__({**state, "data": map_leaves(turned, state["data"])})
    return table


class _Columns(Bound[Any]):
    inner = ()

    def __init__(self, stream: Table, key: Key) -> None:
        super().__init__(stream, key)
        self.data, self.size = stream.data, stream.size
        parts = [column for _, column in leaves(stream.data)]
        self.row_bytes = sum(prod(part.shape[1:]) * part.dtype.itemsize for part in parts) or 1
        self.run = max(1, min(AHEAD, BYTES // self.row_bytes))
        self.ahead = 0 if any(part.dtype.hasobject for part in parts) else self.run  # objects stack as they come
        data: Any = stream.data
        plain = isinstance(data, dict) and not any(isinstance(column, dict | tuple) for column in data.values())
        self.flat = list(data.items()) if plain else None
        self.exact = all(type(part) is np.ndarray and _as_stacked(part) for part in parts)

    def walk(self, at: Places) -> Iterator[Any]:
        return chain.from_iterable(each_of(self._rows(run)) for run in runs(at, self.run))

    def columns(self, at: Places) -> Any:
        found = self._rows(at)
        if self.exact:
            return found
        try:
            return each_leaf(_column, found)
        except DataError:
            return stack(list(self.walk(at)))  # which names the field

    def _rows(self, at: Places) -> Any:
        n, flat = self.size, self.flat
        if isinstance(at, range):
            lap = at.start // n * n
            if at.step > 0 and (at.stop <= lap + n or not len(at) or at[-1] < lap + n):
                cut = slice(at.start - lap, max(min(at.stop - lap, n), 0), at.step)
                if flat is not None:
                    return Batch.of({name: column[cut] for name, column in flat})
                return as_batches(each_leaf(lambda column: column[cut], self.data))
            at = numbers(at)
        if at.size and (int(at.max()) >= n):
            at = at % n
        if flat is not None:
            return Batch.of({name: column.take(at, axis=0) for name, column in flat})
        return as_batches(each_leaf(lambda column: column.take(at, axis=0), self.data))


@register("sequence", example=lambda: Items([{"X": (i, i), "y": i} for i in range(60)]))
@recipe
class Items(Indexed[T]):
    """The recipe of :func:`source` over what has a length and items by number."""

    data: Any

    @property
    def size(self) -> int:
        return len(self.data)

    @property
    def holds(self) -> bool:
        return type(self.data) in (list, tuple)

    def bind(self, key: Key) -> Bound[T]:
        return _Sequence(self, key)


class _Sequence(Bound[T]):
    inner = ()

    def __init__(self, stream: Items[T], key: Key) -> None:
        super().__init__(stream, key)
        self.data, self.size = stream.data, stream.size
        self._flat: bool | None = None  # of a short list, looked at once
        self.several = getattr(self.data, "__getitems__", None)
        self.lies = stream.holds

    def walk(self, at: Places) -> Iterator[T]:
        if self.lies and isinstance(at, range) and at.step == 1:
            return chain.from_iterable(map(self._copier(run), run) for run in map(self.held, self._stretches(at)))
        return self._one_by_one(at)

    def _copier(self, items: Any) -> Callable[[Any], Any]:
        """Return what gives each of some items to its owner: a quarter of the cost where all are dicts of arrays."""
        if self._flat is None and self.size <= AHEAD:
            self._flat = all_flat(self.data)
        flat = all_flat(items) if self._flat is None else self._flat
        return dict.copy if flat else fresh

    def _stretches(self, at: range) -> Iterator[range]:
        for piece in lap_pieces(at, self.size):
            yield from runs(piece)  # type: ignore[misc]  # of a range, which gives ranges

    def held(self, at: range) -> Any:
        first = at.start % self.size
        found = self.data[first : first + len(at)]
        if len(found) < len(at):
            raise DataError(
                f"source(data) got a {type(self.data).__name__} of {self.size} items that has {len(self.data)} now.\n"
                "  Make a new stream of it once it has changed."
            )
        return found

    def _one_by_one(self, at: Places) -> Iterator[T]:
        data, n = self.data, self.size
        for i in at if isinstance(at, range) else at.tolist():
            try:
                item = data[i % n]
            except StopIteration as error:
                raise told(error) from error
            yield fresh(item)

    def columns(self, at: Places) -> Any:
        if self.lies:  # stacking copies: the items need no copy of their own
            if isinstance(at, range) and at.step == 1:
                first, n = at.start % self.size, len(at)
                items = self.data[first : first + n]
                if len(items) == n and first + n <= self.size:  # all in one lap
                    return stack(items)
            return stack([self.data[i] for i in (numbers(at) % self.size).tolist()])
        if self.several is None:
            return stack(list(self.walk(at)))
        places = [int(i) % self.size for i in at]
        return stack(list(self.several(places)))


def _has_length(data: Any) -> bool:
    try:
        len(data)
    except TypeError:  # an array without axes has the method, too
        return False
    return True


def _frozen(data: Any) -> Any:
    """Return columns as read-only views of the same memory, Batches as dicts."""

    def frozen(column: Any) -> Any:
        if isinstance(column, Stored):
            return column
        view = np.asarray(column).view()
        view.flags.writeable = False
        return view

    parts = branches(data)
    if parts is not None and not parts:
        raise StreamConfigError("source(data) got no columns, wanted at least one.")
    return map_leaves(frozen, data)


def _as_stacked(column: Any) -> bool:
    """Tell whether rows of a column are what stacking its items would give."""
    kind = column.dtype.kind
    return kind != "O" and (column.ndim > 1 or (kind not in "SU" and bool(column.dtype.isnative)))


def _column(rows: Any) -> Any:
    return stack(list(rows)) if rows.dtype.hasobject else narrowed(rows)


def _field(path: str, column: Any) -> Field | None:
    if column.dtype.hasobject or column.dtype.names is not None:  # a Field has no words for records
        return None
    dims = tuple(f"{path or 'row'}_{axis}" for axis in range(1, len(column.shape)))
    dtype = column.dtype
    if len(column.shape) == 1:
        dtype = np.dtype(dtype.kind) if dtype.kind in "SU" else dtype.newbyteorder("=")
    return Field(tuple(column.shape[1:]), dtype.str, dims)
