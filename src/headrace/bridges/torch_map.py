"""A map-style dataset of PyTorch over a stream whose items have numbers."""

from __future__ import annotations

import pickle
from functools import cache
from typing import Any

from headrace.bridges.laps import Lap, lap_number
from headrace.bridges.sent import recipe_bytes
from headrace.bridges.tensors import as_tensors
from headrace.bridges.torch_dataset import shared_numbers
from headrace.core.indexed import Indexed
from headrace.core.items import each_of
from headrace.core.optional import optional
from headrace.errors import DataError


class MapDataset:
    """What :func:`headrace.bridges.torch.map_dataset` returns, which is a ``torch.utils.data.Dataset`` as well."""

    stream: Indexed[Any]
    tensors: bool

    def __init__(self, stream: Indexed[Any], tensors: bool, shared: Any) -> None:
        self.stream, self.tensors = stream, tensors
        self._shared = shared  # the epoch, seen by all workers
        self._lap: Indexed[Any] = stream
        self._of = 0

    @classmethod
    def made(cls, stream: Indexed[Any], tensors: bool) -> MapDataset:
        """Return a new dataset, of epoch 0."""
        kind: Any = cls
        made: MapDataset = _map_style(kind)(stream, tensors, shared_numbers(1))
        return made

    def __len__(self) -> int:
        return int(self.stream.extent())

    def __getitem__(self, index: Any) -> Any:
        """Return the item with a number; columns for a slice, or for a list, array or tensor of numbers."""
        if hasattr(index, "tolist"):  # a tensor or an array
            index = index.tolist()
        return self._made(self._items()[index])

    def __getitems__(self, indices: list[int]) -> list[Any]:
        """Return several items, gathered together where they stack: what DataLoader asks for."""
        items = self._items()
        try:
            rows = list(each_of(items[list(indices)]))
        except DataError:  # ragged, or no arrays
            rows = [items[i] for i in indices]
        return list(map(self._made, rows))

    def _made(self, item: Any) -> Any:
        return as_tensors(item) if self.tensors else item

    def _items(self) -> Indexed[Any]:
        epoch = self.epoch
        if epoch != self._of:
            self._lap, self._of = Lap(self.stream, epoch) if epoch else self.stream, epoch
        return self._lap

    @property
    def epoch(self) -> int:
        """The number of the epoch that items are of."""
        return int(self._shared[0])

    def set_epoch(self, epoch: int) -> None:
        """Give items the random numbers of another epoch from now on, in all workers."""
        self._shared[0] = lap_number("set_epoch(epoch)", epoch)

    def __reduce__(self) -> Any:
        return _again, (type(self).__mro__[1], recipe_bytes(self.stream), self.tensors, self._shared)


def _again(kind: Any, recipe: bytes, tensors: bool, shared: Any) -> Any:
    if not shared.is_shared():
        shared = shared.share_memory_()
    return _map_style(kind)(pickle.loads(recipe), tensors, shared)


@cache
def _map_style(kind: Any) -> Any:
    base = optional("torch.utils.data", "torch", "bridges.torch.map_dataset").Dataset
    return type(kind.__name__, (kind, base), {"__module__": kind.__module__, "__doc__": kind.__doc__})
