"""Read a dataset back: as columns, as items, as the source of another stream."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, overload

import numpy as np

from headrace.errors import DataError, SinkError
from headrace.store import plainjson
from headrace.store.layout import Columns, Layout, item_of, joined
from headrace.store.npz import NpzFolder
from headrace.store.parquet import ParquetFolder
from headrace.store.sinks import DONE, PROGRESS, SHARD, DatasetSink
from headrace.store.zarrs import ZarrStore

KINDS: dict[str, type[DatasetSink]] = {sink.kind: sink for sink in (NpzFolder, ZarrStore, ParquetFolder)}


@dataclass(frozen=True)
class Dataset(Sequence[Any]):
    """The rows of a dataset on disk, a sequence of items; made by :func:`read`.

    ``[i]`` is an item, a fresh dict (or tuple, or array) of values; ``[a:b]`` is the columns of those rows. Parts are
    read when they are first needed and the last two are remembered; those of an npz folder are views of the file.

    Attributes
    ----------
    path : Path
        The folder.
    kind : str
        ``"npz"``, ``"zarr"`` or ``"parquet"``.
    n, part : int
        Rows in all, and in each part but the last.
    layout : Layout
        The fields.
    about : dict
        What else is told of it: seed, fingerprint and description of the stream it was made from.
    """

    path: Path
    kind: str
    n: int
    part: int
    layout: Layout
    about: dict[str, Any]
    _cache: dict[int, Columns] = field(init=False, compare=False, repr=False, default_factory=dict)

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(self.layout.fields)

    def __len__(self) -> int:
        return self.n

    @overload
    def __getitem__(self, at: int) -> Any: ...
    @overload
    def __getitem__(self, at: slice) -> Any: ...
    def __getitem__(self, at: Any) -> Any:
        """Return an item, or for a slice of step 1 the columns."""
        if isinstance(at, slice):
            lo, hi, step = at.indices(self.n)
            if step != 1:
                raise DataError(f"a dataset got [{at.start}:{at.stop}:{at.step}], wanted a slice of step 1.")
            return item_of(self.layout.tree, self.columns(lo, hi), batch=True)
        index = range(self.n)[at]  # negative ones, and IndexError
        number, row = divmod(index, self.part)
        return item_of(self.layout.tree, {name: column[row] for name, column in self._part(number).items()})

    def columns(self, lo: int = 0, hi: int | None = None) -> Columns:
        """Return rows ``lo`` to ``hi`` as {field: array}, the row on axis 0."""
        hi = self.n if hi is None else min(hi, self.n)
        if lo >= hi:
            return {
                name: np.zeros((0, *c.shape), f"{c.dtype[1]}1" if c.text else c.dtype)
                for name, c in self.layout.fields.items()
            }
        blocks = []
        for number in range(lo // self.part, -(-hi // self.part)):
            first = number * self.part
            found = self._part(number)
            blocks.append({name: column[max(0, lo - first) : hi - first] for name, column in found.items()})
        return joined(self.layout, blocks)

    def _part(self, number: int) -> Columns:
        found = self._cache.get(number)
        if found is None:
            rows = min(self.part, self.n - number * self.part)
            found = KINDS[self.kind].read_part(self.path, number, self.layout, list(self.layout.fields))
            if any(len(column) < rows for column in found.values()):
                raise SinkError(f"{self.path} is damaged: part {number} has fewer than {rows} rows.")
            found = {name: column[:rows] for name, column in found.items()}
            while len(self._cache) > 1:
                self._cache.pop(next(iter(self._cache)), None)
            self._cache[number] = found
        return found

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_cache"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _cache={})


def read(path: str | Path, *, partial: bool = False) -> Dataset:
    """Return the dataset in a folder: a sequence of items that gives columns for slices.

    Parameters
    ----------
    path
        What a sink or ``headrace run --to`` made.
    partial
        Take what is kept of an unfinished one, too.

    Raises
    ------
    SinkError
        When the folder holds no dataset, or an unfinished one.

    Examples
    --------
    >>> import tempfile, headrace as hr
    >>> path = f"{tempfile.mkdtemp()}/pairs"
    >>> _ = hr.store.save([(i, [i, i]) for i in range(5)], path)
    >>> data = hr.store.read(path)
    >>> data.fields, len(data), data[3]
    (('item_0', 'item_1'), 5, (np.int64(3), array([3, 3])))
    >>> [pair[0].tolist() for pair in hr.Streamer(data) | hr.batch(2)]
    [[0, 1], [2, 3], [4]]
    """
    folder = Path(path)
    if (folder / DONE).is_file():
        told = json.loads((folder / DONE).read_text(encoding="utf-8"))
    elif partial and (folder / PROGRESS).is_file():
        progress = plainjson.loads((folder / PROGRESS).read_bytes())
        layout = progress["layout"] or {"fields": {}, "item": {"dict": []}}
        told = {**progress, **layout, **progress["about"]}
    elif (folder / PROGRESS).is_file():
        raise SinkError(
            f"{folder} is not complete: the run that writes it has not ended.\n"
            "  Resume it with headrace run ... --resume, or read what there is with partial=True."
        )
    elif folder.is_dir() and any(SHARD.fullmatch(path.name) for path in folder.iterdir()):
        raise SinkError(
            f"{folder} is not complete: it is written in shards, and not all of them have ended.\n"
            "  Wait for them; resume those that were stopped with headrace run ... --shard i/n --resume."
        )
    else:
        raise SinkError(f"{folder} is not a dataset of headrace: it has no {DONE}.")
    about = {name: told[name] for name in ("version", "seed", "key", "fingerprint", "tree", "ended") if name in told}
    return Dataset(folder, told["kind"], told["rows"], told["part"] or 1, Layout.from_plain(told), about)
