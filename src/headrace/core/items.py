"""An item is a tree of arrays; everything that walks such a tree is here, once.

Dicts, tuples, named tuples and dataclasses are branches. Arrays and scalars are leaves, and so are lists of them, which
NumPy reads as arrays. Anything else is an opaque leaf: it travels, but it does not stack.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import fields, is_dataclass
from itertools import chain
from operator import attrgetter, itemgetter
from typing import Any, Literal

import numpy as np

from headrace.core.batch import Batch
from headrace.errors import DataError

Ragged = Literal["list"] | None
_BARE = frozenset(
    (np.ndarray, np.float64, np.float32, np.int64, int, float, str, bytes, bool, type(None))
)  # no container
_dtype_of = attrgetter("dtype")
_LEAVES = (np.ndarray, np.generic, int, float, str, list)  # a tuple, made once: asked for every field of every batch


def branches(item: Any) -> list[tuple[Any, Any]] | None:
    """Return an item's (name, part) pairs, or None for a leaf.

    Examples
    --------
    >>> branches({"X": 1, "Y": 2}), branches((5, 6)), branches(3.0)
    ([('X', 1), ('Y', 2)], [(0, 5), (1, 6)], None)
    """
    if isinstance(item, Mapping):
        return list(item.items())
    if isinstance(item, tuple):
        return list(enumerate(item))
    if is_dataclass(item) and not isinstance(item, type):
        return [(f.name, getattr(item, f.name)) for f in fields(item)]
    return None


def rebuilt(like: Any, parts: Mapping[Any, Any]) -> Any:
    """Return a branch of the kind of ``like`` with these parts; a mapping comes back as a dict."""
    if isinstance(like, Mapping):
        return dict(parts)
    if isinstance(like, tuple):
        return type(like)(*parts.values()) if hasattr(like, "_fields") else tuple(parts.values())
    return type(like)(**parts)


def map_leaves(function: Callable[[Any], Any], item: Any) -> Any:
    """Return the item with ``function`` applied to each leaf.

    Examples
    --------
    >>> map_leaves(lambda leaf: leaf * 2, {"X": 1, "Y": (2, 3)})
    {'X': 2, 'Y': (4, 6)}
    """
    parts = branches(item)
    if parts is None:
        return function(item)
    return rebuilt(item, {name: map_leaves(function, part) for name, part in parts})


def fresh(item: Any) -> Any:
    """Return the item in containers of its own, its arrays shared: what may be handed out and changed by its owner.

    Containers are dicts, lists and tuples, those of a class derived from them, and dataclasses.

    Examples
    --------
    >>> item = {"X": [1, 2], "Y": 3}
    >>> copy = fresh(item)
    >>> copy["X"].append(9), copy.pop("Y"), item
    (None, 3, {'X': [1, 2], 'Y': 3})
    """
    kind = type(item)
    if kind is dict:  # of arrays and numbers, mostly
        for part in item.values():
            if type(part) not in _BARE:
                break
        else:
            return item.copy()
    if kind in _BARE:
        return item
    if isinstance(item, dict):
        made = item.copy() if kind is dict else copy(item)
        for name, part in item.items():
            if type(part) not in _BARE:
                made[name] = fresh(part)
        return made
    if isinstance(item, list):
        parts = [part if type(part) in _BARE else fresh(part) for part in item]
        if kind is list:
            return parts
        filled = copy(item)
        filled[:] = parts
        return filled
    if isinstance(item, tuple):
        if all(type(part) in _BARE for part in item):
            return item
        return kind._make(map(fresh, item)) if hasattr(kind, "_make") else tuple(map(fresh, item))
    if hasattr(kind, "__dataclass_fields__"):
        made = copy(item)
        for field in fields(item):
            part = getattr(item, field.name)
            if type(part) not in _BARE:
                object.__setattr__(made, field.name, fresh(part))  # of a frozen one too
        return made
    return item


def all_flat(items: Sequence[Any]) -> bool:
    """Tell whether all items are dicts of arrays, numbers and strings alone, so that ``dict.copy`` makes them fresh.

    Examples
    --------
    >>> all_flat([{"X": 1}, {"X": 2}]), all_flat([{"X": 1}, {"X": [2]}])
    (True, False)
    """
    return all(kind is dict for kind in map(type, items)) and _BARE.issuperset(
        map(type, chain.from_iterable(map(dict.values, items)))
    )


def leaves(item: Any, path: str = "") -> list[tuple[str, Any]]:
    """Return every (path, leaf) of an item.

    Examples
    --------
    >>> leaves({"X": 1, "Y": (2, 3)})
    [('X', 1), ('Y.0', 2), ('Y.1', 3)]
    """
    parts = branches(item)
    if parts is None:
        return [(path, item)]
    return [leaf for name, part in parts for leaf in leaves(part, f"{path}.{name}" if path else str(name))]


def nbytes(item: Any) -> int:
    """Return about how many bytes an item holds; opaque leaves count 64."""
    if isinstance(item, np.ndarray):
        return item.nbytes
    if isinstance(item, str | bytes | bytearray):
        return len(item)
    if isinstance(item, list):
        return sum(map(nbytes, item))
    parts = branches(item)
    if parts is None:
        return int(getattr(item, "nbytes", 64)) if not isinstance(item, int | float | complex) else 8
    return sum(nbytes(part) for _, part in parts)


def same(a: Any, b: Any) -> bool:
    """Tell whether two items are equal to the bit: types of leaves, dtypes, shapes, values; NaN equals NaN.

    Examples
    --------
    >>> same({"X": np.arange(3)}, {"X": np.arange(3)}), same(1, 1.0)
    (True, False)
    """
    if a is b:
        return True
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and _same_arrays(a, b)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    parts, others = branches(a), branches(b)
    if parts is not None and others is not None:
        return (
            isinstance(a, Mapping) == isinstance(b, Mapping)
            and [name for name, _ in parts] == [name for name, _ in others]
            and all(same(x, y) for (_, x), (_, y) in zip(parts, others, strict=True))
        )
    if type(a) is not type(b):
        return False
    if isinstance(a, np.generic):
        return _same_arrays(np.asarray(a), np.asarray(b))
    return bool(a == b) or (a != a and b != b)


def _same_arrays(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> bool:
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    if a.dtype.hasobject:
        return all(map(same, a.ravel().tolist(), b.ravel().tolist()))
    return a.tobytes() == b.tobytes()


def stack(items: Sequence[Any], *, axis: int | None = None, ragged: Ragged = None, who: str = "stack") -> Any:
    """Return the columns of ``items``: their own shape, each leaf an array with the item on axis 0.

    Parameters
    ----------
    items
        One or more items of one structure.
    axis
        ``None`` stacks along a new first axis; an integer joins along an axis that the arrays have already.
    ragged
        ``"list"`` keeps a list where leaves do not make an array (other shapes, opaque objects).
    who
        The name that messages begin with.

    Returns
    -------
    columns
        dict -> :class:`Batch` (a plain dict when joined along an ``axis``), tuple -> tuple, dataclass -> the
        same dataclass, array or scalar -> array. Strings make a NumPy string array.

    Raises
    ------
    DataError
        Naming the field and the two items that disagree: in fields, in shape, or a leaf that is no array.

    Examples
    --------
    >>> columns = stack([{"X": [1, 2], "Y": "a"}, {"X": [3, 4], "Y": "b"}])
    >>> columns["X"].shape, columns["Y"].tolist()
    ((2, 2), ['a', 'b'])
    >>> stack([{"X": [1, 2]}, {"X": [3]}])
    Traceback (most recent call last):
    headrace.errors.DataError: stack cannot stack field 'X': item 0 has shape (2,), item 1 has shape (1,).
      Pad or crop before batching, or pass ragged="list" to keep a list.
    """
    if not items:
        return Batch()
    return _stacked(items, "", axis, ragged, who)


def _stacked(items: Sequence[Any], path: str, axis: int | None, ragged: Ragged, who: str) -> Any:
    first = items[0]
    if type(first) is dict:  # what most items are
        return _stacked_mappings(items, first, path, axis, ragged, who)
    if not isinstance(first, _LEAVES):
        if isinstance(first, Mapping):
            return _stacked_mappings(items, first, path, axis, ragged, who)
        parts = branches(first)
        if parts is not None:
            return _stacked_branches(items, [name for name, _ in parts], path, axis, ragged, who)
    if axis is None and type(first) is np.ndarray:
        joined = _joined(items)
        if joined is not None:
            return joined
    try:
        column = np.array(items) if axis is None else np.concatenate(items, axis=axis)
        good = column.dtype.kind in "iub" or (not column.dtype.hasobject and _kept(column, items))
    except (ValueError, TypeError, IndexError, OverflowError):
        good = False
    if good:
        return column
    if ragged == "list":
        return list(items)
    raise DataError(f"{who} cannot stack {_field(path)}: {_why(items, axis)}")


def _names(item: Any) -> list[Any] | None:
    if isinstance(item, Mapping):
        return list(item)
    parts = branches(item)
    return None if parts is None else [name for name, _ in parts]


def _stacked_mappings(
    items: Sequence[Any], first: Mapping[Any, Any], path: str, axis: int | None, ragged: Ragged, who: str
) -> Any:
    columns: dict[Any, Any] = Batch.__new__(Batch) if axis is None else {}
    try:
        if sum(map(len, items)) != len(first) * len(items):  # a name too many here cannot make up for one missing
            raise KeyError  # there: the latter is found below
        for name in first:
            values = list(map(itemgetter(name), items))
            if axis is None and type(values[0]) is np.ndarray:  # what most fields are, without another call
                column = _joined(values)
                if column is not None:
                    columns[name] = column
                    continue
            columns[name] = _stacked(values, f"{path}.{name}" if path else str(name), axis, ragged, who)
    except (KeyError, TypeError, IndexError):
        raise DataError(_fields_differ(items, list(first), path, who)) from None
    return columns


def _joined(arrays: Sequence[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any] | None:
    """Return arrays of numbers along a new first axis, or None unless all have one dtype and one shape.

    Faster than ``np.array`` or ``np.stack``, and ``casting="no"`` refuses what those would convert without a word.
    """
    first = arrays[0]
    if not first.ndim or first.dtype.kind not in "fiubc":
        return None
    try:
        joined = np.concatenate(arrays, dtype=first.dtype, casting="no")
        if list(map(len, arrays)).count(len(first)) == len(arrays):
            return joined.reshape(len(arrays), *first.shape)
    except (TypeError, ValueError):
        pass
    return None


def _stacked_branches(
    items: Sequence[Any], names: list[Any], path: str, axis: int | None, ragged: Ragged, who: str
) -> Any:
    first, below = items[0], path + "." if path else ""
    if any(type(item) is not type(first) for item in items) or any(len(branches(i) or ()) != len(names) for i in items):
        raise DataError(_fields_differ(items, names, path, who))
    rows = [branches(item) for item in items]
    parts = {
        name: _stacked([row[k][1] for row in rows if row], f"{below}{name}", axis, ragged, who)
        for k, name in enumerate(names)
    }
    return rebuilt(first, parts)


def _kept(column: np.ndarray[Any, Any], items: Sequence[Any]) -> bool:
    """Tell whether NumPy kept every value: it rounds big integers among floats, writes numbers among strings as
    strings and drops their trailing NULs.
    """
    dtype = column.dtype
    kind = dtype.kind
    if type(items[0]) is np.ndarray:
        try:
            if list(map(_dtype_of, items)).count(dtype) == len(items):  # 4 us for 128, by identity
                return True
        except AttributeError:  # a list among arrays
            pass
    if kind in "fc" and dtype.itemsize >= 8:
        return not (np.abs(column) >= 2.0**53).any() or not any(map(_rounded, items))
    if kind in "SU":
        return all(_is_text(item, kind) for item in items)
    return True


def _rounded(item: Any) -> bool:
    """Tell whether an item holds an integer that a float may not."""
    if isinstance(item, list | tuple):
        return any(map(_rounded, item))
    if isinstance(item, np.ndarray) and item.dtype.kind in "iu":
        return bool(((item > 2**53) | (item < -(2**53))).any()) if item.dtype.itemsize == 8 else False
    return isinstance(item, int | np.integer) and abs(int(item)) > 2**53


def _is_text(item: Any, kind: str) -> bool:
    """Tell whether an item is text of this kind of dtype and loses nothing as such."""
    if isinstance(item, list | tuple):
        return all(_is_text(part, kind) for part in item)
    if isinstance(item, np.ndarray):
        return item.dtype.kind == kind or not item.size
    if kind == "S":
        return isinstance(item, bytes) and not item.endswith(b"\0")
    return isinstance(item, str) and not item.endswith("\0")


def _field(path: str) -> str:
    return f"field '{path}'" if path else "the items"


def _why(items: Sequence[Any], axis: int | None) -> str:
    """Say what keeps these leaves from being one array."""
    shapes = [_shape(item) for item in items]
    for i, (item, shape) in enumerate(zip(items, shapes, strict=True)):
        if shape is None:
            return (
                f"item {i} is {_kind(item)}, wanted an array, a number or a string.\n"
                '  Map it to an array before batching, or pass ragged="list" to keep a list.'
            )
        if shape != shapes[0] and axis is None:
            return (
                f"item 0 has shape {shapes[0]}, item {i} has shape {shape}.\n"
                '  Pad or crop before batching, or pass ragged="list" to keep a list.'
            )
    if axis is not None:
        return (
            f"axis {axis} does not join shapes {sorted({str(s) for s in shapes})}.\n"
            "  All arrays need that axis, and equal lengths along every other one."
        )
    return (
        "its values do not fit one dtype without loss (numbers among strings, integers beyond 2**53 among floats, or "
        "trailing NUL bytes).\n"
        '  Convert it before batching, or pass ragged="list" to keep a list.'
    )


def _shape(item: Any) -> tuple[int, ...] | None:
    try:
        array = np.asarray(item)
    except (ValueError, TypeError):
        return None
    return None if array.dtype.hasobject else array.shape


def _kind(item: Any) -> str:
    return f"an array of dtype {item.dtype}" if isinstance(item, np.ndarray) else f"a {type(item).__name__}"


def _fields_differ(items: Sequence[Any], names: list[Any], path: str, who: str) -> str:
    where = f" inside field '{path}'" if path else ""
    for i, item in enumerate(items):
        mine = _names(item)
        if mine is None:
            return (
                f"{who} cannot stack items{where}: item 0 is a {type(items[0]).__name__}, item {i} is {_kind(item)}.\n"
                "  Items of one batch need one structure."
            )
        if set(mine) != set(names):
            return (
                f"{who} cannot stack items{where}: item 0 has fields {sorted(map(str, names))}, "
                f"item {i} has fields {sorted(map(str, mine))}.\n"
                "  Give every item the same fields, or map the odd ones away."
            )
    return f"{who} cannot stack items{where}: they are of different types.\n  Items of one batch need one structure."


def unstack(columns: Any) -> list[Any]:
    """Return the items of ``columns``, the inverse of :func:`stack`: array parts are views.

    Examples
    --------
    >>> [row["Y"].item() for row in unstack(Batch(X=np.eye(2), Y=np.array([5, 6])))]
    [5, 6]
    """
    parts = branches(columns)
    if parts is None:
        return list(columns)
    if not parts:
        return []
    names = [name for name, _ in parts]
    below = [unstack(part) for _, part in parts]
    lengths = {len(rows) for rows in below}
    if len(lengths) > 1:
        found = {str(name): len(rows) for name, rows in zip(names, below, strict=True)}
        raise DataError(f"columns of one length were wanted, got lengths {found}.")
    if isinstance(columns, Mapping):
        return [dict(zip(names, row, strict=True)) for row in zip(*below, strict=True)]
    return [rebuilt(columns, dict(zip(names, row, strict=True))) for row in zip(*below, strict=True)]


def each_of(columns: Any) -> Iterator[Any]:
    """Yield the items of ``columns``, as :func:`unstack` lists them, each made when it is asked for.

    In a loop that lets go of them that is two to three times faster: nothing piles up for the garbage collector.

    Examples
    --------
    >>> next(each_of({"X": np.eye(2), "Y": np.array([5, 6])}))["Y"].item()
    5
    """
    parts = branches(columns)
    if parts is None:
        return iter(columns)
    if not isinstance(columns, Mapping) or not parts or any(branches(part) is not None for _, part in parts):
        return iter(unstack(columns))
    names = [name for name, _ in parts]
    rows = zip(*(part for _, part in parts), strict=True)
    if len(names) == 1:
        (a,) = names
        return ({a: x} for (x,) in rows)
    if len(names) == 2:  # a display costs a third of dict(zip(...)), and most rows are an X and a Y
        a, b = names
        return ({a: x, b: y} for x, y in rows)
    if len(names) == 3:
        a, b, c = names
        return ({a: x, b: y, c: z} for x, y, z in rows)
    return (dict(zip(names, row, strict=True)) for row in rows)
