"""A recording seen by columns: which of them go through all of its blocks, and how many rows of each there are."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import numpy as np

from headrace.core.block import ROWS as EACH
from headrace.core.block import Pace
from headrace.live.recording.rows import Front, Schema

Index = np.ndarray[Any, np.dtype[np.int64]]


class Columnwise:
    """What of a :class:`~headrace.live.recording.recording.Recording` tells its columns, from what describes its blocks."""

    schemas: dict[int, Schema]
    schema: Index
    rows: Index

    def __len__(self) -> int:
        raise NotImplementedError

    def front(self, i: int) -> Front:
        raise NotImplementedError

    def column(self, i: int, name: str) -> Any:
        raise NotImplementedError

    def partial(self) -> tuple[str, ...]:
        """Return the columns that some blocks have and :meth:`names` has not."""
        whole = {None, *self.names()}
        found = dict.fromkeys(told.name for schema in self._used() for told in schema.columns)
        return tuple(name for name in found if name is not None and name not in whole)

    def _used(self) -> list[Schema]:
        return [self.schemas[k] for k in np.unique(self.schema).tolist()]

    def names(self) -> tuple[str, ...]:
        """Return the columns that all blocks have, at one pace, with rows of one shape."""
        used = self._used()
        if not used:
            return ()
        found = []
        for told in used[0].columns:
            name = told.name
            if name is None:
                continue
            places = [schema.index(name) for schema in used]
            if None in places:
                continue
            each = [schema.columns[k] for schema, k in zip(used, places, strict=True) if k is not None]
            paces = {schema.paces.get(name, EACH) for schema in used}
            kinds = {(one.dtype is None, one.shape) for one in each}
            if len(paces) == len(kinds) == 1:
                found.append(name)
        return tuple(found)

    def kind(self, name: str) -> tuple[np.dtype[Any], tuple[int, ...]]:
        """Return the dtype that holds a column of all blocks, and the shape of a row."""
        each = [schema.columns[k] for schema in self._used() if (k := schema.index(name)) is not None]
        if each[0].dtype is None:
            first = self.column(0, name)
            return first.dtype, first.shape[1:]
        return np.result_type(*(one.dtype for one in each if one.dtype is not None)), each[0].shape

    def ends(self, name: str) -> Index:
        """Return, for each block, how many rows of a column there are up to its end."""
        pace: Pace = self.schemas[int(self.schema[0])].paces.get(name, EACH) if len(self) else EACH
        if pace == EACH:
            return np.cumsum(self.rows)
        rows = []
        for i in range(len(self)):
            k = self.schemas[int(self.schema[i])].index(name)
            assert k is not None
            rows.append(self.front(i).columns[k][0])
        return np.array(list(accumulate(rows)), dtype=np.int64)
