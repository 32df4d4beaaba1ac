"""The points of a sweep: a sequence of settings that is never multiplied out.

A sweep is a product of *blocks*: the cases, and each combo. A block has rows, and a row a value for each argument of the
block; the last block moves fastest. So point i costs a few divisions, and 10^9 points what their axes cost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from hashlib import blake2b
from itertools import chain, product
from math import prod
from operator import index as as_index
from operator import itemgetter
from typing import Any, NamedTuple, overload

import numpy as np

from headrace.core.items import same
from headrace.errors import StreamConfigError
from headrace.sweeps.canonical import canonical, encoded, fragments, point_key
from headrace.sweeps.parse import PLAIN, in_order, parse_cases, parse_combos, parse_mapping

__all__ = ["Block", "Points", "canonical", "point_key"]

Settings = dict[str, Any]
Codes = np.ndarray[Any, np.dtype[np.intp]]
_HASHED = PLAIN | {np.float64, np.int64, np.str_}


class Block(NamedTuple):
    """Arguments that move together: a list of values for each, all of ``size`` rows; ``axis`` says they are one as given."""

    names: tuple[str, ...]
    columns: tuple[Sequence[Any], ...]
    size: int
    axis: bool = False


class Points(Sequence[Settings]):
    """The settings of a sweep in the order of evaluation: each case in turn, then the product of combos, last fastest.

    Parameters
    ----------
    combos
        Values of arguments that are combined with each other: a mapping from names, or pairs. A tuple of names has rows
        of values (see ``zipped``).
    cases
        Settings that are run as they are, each with every combination: dicts, or tuples for ``fn_args``.
    constants
        Arguments that are the same everywhere. They are kept beside the settings, not in them.
    fn_args
        Names for cases that are no dicts.

    Attributes
    ----------
    blocks : tuple of Block
        What is multiplied: the cases, if there are any, and each combo.
    names : tuple of str
        The arguments that vary, those of cases first.
    constants : dict
        Those that do not.

    Raises
    ------
    StreamConfigError
        When an argument is in cases and in combos, or either cannot be read.

    Examples
    --------
    >>> points = Points({"a": [1, 2], "b": "xy"})
    >>> len(points), points[1], points.axes
    (4, {'a': 1, 'b': 'y'}, {'a': [1, 2], 'b': ['x', 'y']})
    >>> sparse = Points(cases=[{"a": 3, "b": 0}, {"a": 1, "b": 5}])
    >>> sparse.axes, sparse.place(0)
    ({'a': [1, 3], 'b': [0, 5]}, (1, 0))
    """

    def __init__(self, combos: Any = None, cases: Any = None, constants: Any = None, *, fn_args: Any = None) -> None:
        blocks = []
        known = parse_cases(cases, fn_args)
        if known is not None:
            blocks.append(Block(*known))
        for name, values in parse_combos(combos):
            blocks.append(_block(name, values))
        self.blocks: tuple[Block, ...] = tuple(blocks)
        self.names: tuple[str, ...] = tuple(chain.from_iterable(block.names for block in blocks))
        self.constants: Settings = parse_mapping(constants)
        self._size: int = prod(block.size for block in blocks)
        if len(set(self.names)) < len(self.names):
            inside = [block.names for block in blocks]
            both = sorted({name for name in self.names if self.names.count(name) > 1})
            raise StreamConfigError(
                f"a sweep got the argument {', '.join(map(repr, both))} twice: cases have {list(inside[0])}, combos "
                f"{list(chain.from_iterable(inside[1:]))}, wanted each in one place.\n  Leave it out of one of them."
            )

    @classmethod
    def on_axes(
        cls, names: tuple[str, ...], columns: tuple[list[Any], ...], axes: list[tuple[list[Any], Codes | None]]
    ) -> Points:
        """Return cases whose places on their axes are known, which takes no look at each.

        Parameters
        ----------
        names
            The arguments, at least one.
        columns
            The values of each, all of one length.
        axes
            For each argument its axis, and where on it each value is; None where that is in order.

        Examples
        --------
        >>> points = Points.on_axes(("a",), ([3, 1, 3],), [([1, 3], np.array([1, 0, 1]))])
        >>> points.axes, points.place(0), points == Points(cases=[{"a": 3}, {"a": 1}, {"a": 3}])
        ({'a': [1, 3]}, (1,), True)
        """
        made = cls()
        made.blocks, made.names, made._size = (Block(names, columns, len(columns[0])),), names, len(columns[0])
        made.__dict__["_axes"] = axes
        return made

    # --- as a sequence --------------------------------------------------------------------------

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, index: int) -> Settings: ...
    @overload
    def __getitem__(self, index: slice) -> list[Settings]: ...
    def __getitem__(self, index: int | slice) -> Settings | list[Settings]:
        """Return the settings of a point, or of several."""
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(self._size))]
        i = as_index(index)
        if i < 0:
            i += self._size
        if not 0 <= i < self._size:
            raise IndexError(f"Points[i] got {index}, wanted a number from 0 to {self._size - 1}.")
        found: list[tuple[str, Any]] = []
        for block, stride in zip(self.blocks, self.strides, strict=True):
            row = i // stride % block.size
            found += [(name, column[row]) for name, column in zip(block.names, block.columns, strict=True)]
        return dict(found)

    def __iter__(self) -> Iterator[Settings]:
        return map(dict, self.walk({}))

    @cached_property
    def strides(self) -> tuple[int, ...]:
        """How many points each block's row lasts."""
        sizes = [block.size for block in self.blocks]
        return tuple(prod(sizes[k + 1 :]) for k in range(len(sizes)))

    def walk(self, fixed: Mapping[str, Any], at: Sequence[int] | None = None) -> Iterator[Settings]:
        """Yield each point's settings over ``fixed``, whose names keep their values, in *one* dict that changes.

        Parameters
        ----------
        fixed
            Further arguments, which win over those that vary.
        at
            Which points, in which order; all by default.
        """
        settings = dict(fixed)
        if at is not None:
            return self._walk_at(settings, fixed, at)
        blocks = [_without(block, fixed) for block in self.blocks]
        return _walk(blocks, settings) if self._size else iter(())

    def _walk_at(self, settings: Settings, fixed: Mapping[str, Any], at: Sequence[int]) -> Iterator[Settings]:
        moving = [
            (stride, block.size, name, column)
            for block, stride in zip(self.blocks, self.strides, strict=True)
            for name, column in zip(block.names, block.columns, strict=True)
            if name not in fixed
        ]
        for i in at:
            for stride, size, name, column in moving:
                settings[name] = column[i // stride % size]
            yield settings

    def column(self, name: str) -> list[Any]:
        """Return the values of one argument, a value for each point."""
        for block, stride in zip(self.blocks, self.strides, strict=True):
            if name in block.names:
                values = block.columns[block.names.index(name)]
                laps = self._size // (block.size * stride) if block.size * stride else 0
                if stride > 1:
                    values = [value for value in values for _ in range(stride)]
                return list(values) * laps
        raise KeyError(name)

    # --- as places in a grid --------------------------------------------------------------------

    @cached_property
    def axes(self) -> dict[str, list[Any]]:
        """The values of each argument: a combo's as given, those of cases once each, sorted where they can be."""
        return {name: axis for name, (axis, _) in zip(self.names, self._axes, strict=True)}

    @cached_property
    def _axes(self) -> list[tuple[list[Any], Codes | None]]:
        """For each argument its axis, and where on it each row of its block is; None where that is in order."""
        found: list[tuple[list[Any], Codes | None]] = []
        for block in self.blocks:
            found += [(list(column), None) if block.axis else _axis(column) for column in block.columns]
        return found

    @property
    def shape(self) -> tuple[int, ...]:
        """How many values each argument has: the shape of the grid that holds all points."""
        return tuple(len(axis) for axis in self.axes.values())

    @property
    def cells(self) -> int:
        """How many places that grid has, points or not."""
        return prod(self.shape)

    @property
    def no_cases(self) -> bool:
        """Whether cases were given and there are none, so that nobody knows their arguments."""
        return any(not block.names for block in self.blocks)

    @cached_property
    def is_grid(self) -> bool:
        """Whether the points are that whole grid, in order."""
        return self.cells == self._size and all(codes is None for _, codes in self._axes)

    def place(self, i: int) -> tuple[int, ...]:
        """Return where point ``i`` is on each axis."""
        found: list[int] = []
        at = iter(self._axes)
        for block, stride in zip(self.blocks, self.strides, strict=True):
            row = i // stride % block.size
            for _ in block.names:
                codes = next(at)[1]
                found.append(row if codes is None else int(codes[row]))
        return tuple(found)

    def places(self) -> Codes:
        """Return where each point is in the flattened grid, as indices."""
        flat = np.zeros(self._size, dtype=np.intp)
        if not self._size:
            return flat
        step = self.cells
        at = iter(self._axes)
        for block, stride in zip(self.blocks, self.strides, strict=True):
            rows = np.zeros(block.size, dtype=np.intp)
            for _ in block.names:
                axis, codes = next(at)
                step //= len(axis)
                rows += step * (np.arange(block.size) if codes is None else codes)
            flat.reshape(-1, block.size, stride)[...] += rows[:, None]
        return flat

    # --- as addresses ---------------------------------------------------------------------------

    def keys(self) -> Iterator[bytes]:
        """Yield the key of each point, :func:`point_key` of its settings, at a tenth of the cost."""
        return (blake2b(told, digest_size=16).digest() for told in self._canonicals())

    def _canonicals(self) -> Iterator[bytes]:
        order = sorted(range(len(self.names)), key=self.names.__getitem__)
        words = [
            fragments(name, column)
            for block in self.blocks
            for name, column in zip(block.names, block.columns, strict=True)
        ]
        if not self._size:
            return iter(())
        if not words:
            return iter([b""] * self._size)
        if len(words) == 1:
            return iter(words[0])
        if len(self.blocks) == 1:
            return map(b"".join, zip(*(words[k] for k in order), strict=True))
        if len(self.blocks) < len(self.names):
            rows: list[Any] = []
            at = 0
            for block in self.blocks:
                rows.append(list(zip(*words[at : at + len(block.names)], strict=True)))
                at += len(block.names)
            flat: Iterator[tuple[bytes, ...]] = (tuple(chain.from_iterable(parts)) for parts in product(*rows))
        else:
            flat = product(*words)
        pick: Callable[[tuple[bytes, ...]], Any] = itemgetter(*order)
        return map(b"".join, map(pick, flat)) if order != list(range(len(order))) else map(b"".join, flat)

    # --- as a value -----------------------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, Points)
            and [(b.names, b.size) for b in self.blocks] == [(b.names, b.size) for b in other.blocks]
            and same([b.columns for b in self.blocks], [b.columns for b in other.blocks])
            and same(self.constants, other.constants)
        )

    def __hash__(self) -> int:
        return hash((self.names, self._size))

    def __getstate__(self) -> dict[str, Any]:
        kept = ("blocks", "names", "constants", "_size")
        return {name: self.__dict__[name] for name in kept}  # the rest is worked out again

    def __plain__(self) -> Any:
        """Return what of it makes two descriptions equal, for fingerprints."""
        digest = blake2b(digest_size=16)
        for block in self.blocks:
            for name, column in zip(block.names, block.columns, strict=True):
                digest.update(encoded((name, column)))
        digest.update(canonical(self.constants))
        return {"points": self._size, "of": [list(b.names) for b in self.blocks], "digest": digest.hexdigest()}

    def __repr__(self) -> str:
        told = " x ".join(f"{', '.join(block.names) or 'nothing'}: {block.size}" for block in self.blocks)
        return f"Points({told or 'one'})"


def _block(name: str | tuple[str, ...], values: Any) -> Block:
    if values is ... or not isinstance(values, list):
        what = "..., all known values, which only a harvester knows" if values is ... else f"{values!r}"
        if hasattr(values, "propose"):
            what += ", whose values come from results: Runner.run_combos and Harvester.harvest_combos refine it"
        raise StreamConfigError(
            f"combos got {what}, for the argument {name!r}, wanted its values.\n  Give a list, an array or a design."
        )
    if isinstance(name, str):
        return Block((name,), (values,), len(values), axis=True)
    columns = tuple(map(list, zip(*values, strict=True))) if values else tuple([] for _ in name)
    return Block(name, columns, len(values))


def _axis(column: Sequence[Any]) -> tuple[list[Any], Codes | None]:
    """Return the values of a column once each, in order, and where each row is among them; None for one by one."""
    kinds = set(map(type, column))
    # NaN is not itself, so it cannot be looked up
    if kinds <= _HASHED and not (kinds - {int, str} and any(value != value for value in column)):
        axis = in_order(list(dict.fromkeys(column)))
        once = dict(zip(axis, range(len(axis)), strict=True))
        codes = np.fromiter(map(once.__getitem__, column), np.intp, len(column))
    else:
        words = [encoded(value) for value in column]
        first = dict(zip(reversed(words), reversed(column), strict=True))
        axis = in_order([first[word] for word in dict.fromkeys(words)])
        at = {encoded(value): k for k, value in enumerate(axis)}
        codes = np.fromiter(map(at.__getitem__, words), np.intp, len(words))
    in_row = len(axis) == len(column) and bool((codes == np.arange(len(column))).all())
    return axis, None if in_row else codes


def _without(block: Block, fixed: Mapping[str, Any]) -> Block:
    if not any(name in fixed for name in block.names):
        return block
    kept = [k for k, name in enumerate(block.names) if name not in fixed]
    return Block(tuple(block.names[k] for k in kept), tuple(block.columns[k] for k in kept), block.size)


def _walk(blocks: list[Block], settings: Settings) -> Iterator[Settings]:
    """Yield ``settings`` as each point: rows of the last block innermost, as cheap as a loop can be."""
    if not blocks:
        yield settings
        return
    *outer, last = blocks
    rows = [_rows(block) for block in outer]
    names = [block.names for block in outer]
    for found in product(*rows):
        for those, row in zip(names, found, strict=True):
            settings.update(zip(those, row, strict=True))
        if len(last.names) == 1:
            name = last.names[0]
            for settings[name] in last.columns[0]:  # a loop that fills the dict, in one step
                yield settings
        else:
            for row in _rows(last):
                settings.update(zip(last.names, row, strict=True))
                yield settings


def _rows(block: Block) -> list[tuple[Any, ...]]:
    return list(zip(*block.columns, strict=True)) if block.names else [()] * block.size
