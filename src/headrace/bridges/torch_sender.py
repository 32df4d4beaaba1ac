"""The worker's side of a loader: items, each with the part it is of and, now and then, the state behind it."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from math import inf
from time import monotonic
from typing import Any

from headrace.bridges.laps import lap_key
from headrace.bridges.reached import Start, Worker
from headrace.bridges.sent import recipe_bytes
from headrace.bridges.share import Ranks, Share
from headrace.bridges.tensors import as_tensors
from headrace.bridges.torch_dataset import iterable, worker_info
from headrace.core.cursor import Cursor
from headrace.core.key import Key
from headrace.core.stream import Stream
from headrace.errors import StateMismatchError

_WHO = "bridges.torch.loader"
Parcel = tuple[Any, int, bytes | None]


class Sender:
    """A ``torch.utils.data.IterableDataset`` of parcels (item, part, state or None)."""

    stream: Stream[Any]
    of: Ranks
    tensors: bool
    every: float
    key: Key

    def __init__(
        self, stream: Stream[Any], of: Ranks, tensors: bool, every: float, key: Key, shared: Any, start: Start
    ) -> None:
        self.stream, self.of, self.tensors, self.every, self.key = stream, of, tensors, every, key
        self.shared = shared  # the epoch that a worker which stays for several is to begin
        self.start: Start | None = start  # for the first pass; later ones begin at the top
        self.under_way: Cursor[Any] | None = None  # seen by the loader where there are no workers

    def __iter__(self) -> Iterator[Parcel]:
        worker = worker_info()
        share = Share(self.of, 0, 1) if worker is None else Share(self.of, worker.id, worker.num_workers)
        start, self.start = self.start or Start(0, 0, ()), None
        key = lap_key(self.key, int(self.shared[0]))
        if self.stream.access == "index":
            slot, cursor = share.at(self.stream, key, start.place, _WHO)
            every = inf
        else:
            slot = (share.worker + start.turn) % share.workers
            cursor = self._resumed(share.part(self.stream, slot, _WHO), key, start.workers[slot : slot + 1])
            every = inf if worker is None or self.stream.resume == "none" else self.every
        self.under_way = cursor
        return self._parcels(slot, cursor, every)

    def _resumed(self, part: Stream[Any], key: Key, found: tuple[Worker, ...]) -> Cursor[Any]:
        (worker,) = found or (Worker(None, 0),)
        cursor = part.open(key) if worker.state is None else part.open(at=worker.state)
        passed = cursor.skip(worker.behind)
        if passed < worker.behind:
            cursor.close()
            raise StateMismatchError(
                f"{_WHO} got a state {worker.behind} items behind one of {part!r}, and only {passed} came: its sources have "
                "changed."
            )
        return cursor

    def _parcels(self, slot: int, cursor: Cursor[Any], every: float) -> Iterator[Parcel]:
        sent = monotonic()
        with cursor:
            for item in cursor:
                mark = None
                if every == 0 or (every < inf and monotonic() - sent >= every):
                    mark, sent = pickle.dumps(cursor.state(), 5), monotonic()
                yield as_tensors(item) if self.tensors else item, slot, mark

    def __reduce__(self) -> Any:
        settings = (self.of, self.tensors, self.every, self.key, self.shared, self.start)
        return _again, (recipe_bytes(self.stream), *settings)


def _again(recipe: bytes, *settings: Any) -> Any:
    return iterable(Sender)(pickle.loads(recipe), *settings)
