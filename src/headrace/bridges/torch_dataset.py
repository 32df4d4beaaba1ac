"""An iterable-style dataset of PyTorch over any stream."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Self

from headrace.bridges.laps import lap_key, lap_number
from headrace.bridges.orphans import end_with_parent
from headrace.bridges.sent import recipe_bytes
from headrace.bridges.share import Ranks, Share, part
from headrace.bridges.tensors import as_tensors
from headrace.core.cursor import Cursor
from headrace.core.key import Key
from headrace.core.optional import optional
from headrace.core.stream import Stream
from headrace.errors import ResumeError, StateMismatchError

_WHO = "bridges.torch.dataset"


class StreamDataset:
    """What :func:`headrace.bridges.torch.dataset` returns, which is a ``torch.utils.data.IterableDataset`` as well."""

    stream: Stream[Any]
    of: Ranks
    tensors: bool
    key: Key

    def __init__(
        self, stream: Stream[Any], of: Ranks, tensors: bool, key: Key, shared: Any, resume: dict[str, Any] | None
    ) -> None:
        self.stream, self.of, self.tensors, self.key = stream, of, tensors, key
        self._shared = shared  # the epoch, and whether a worker has read; seen by all workers, forked or spawned
        self._resume = resume
        self._pass: Pass | None = None
        self._share = Share(of, 0, 1)
        self._passes = 0

    @classmethod
    def made(cls, stream: Stream[Any], of: Ranks, tensors: bool) -> StreamDataset:
        """Return a new dataset, at the beginning of epoch 0."""
        kind: Any = cls
        made: StreamDataset = iterable(kind)(stream, of, tensors, Key.fresh(), shared_numbers(2), None)
        return made

    def __iter__(self) -> Iterator[Any]:
        self._passes += 1
        worker = worker_info()
        self._share = Share(self.of, 0, 1) if worker is None else Share(self.of, worker.id, worker.num_workers)
        if worker is not None:
            self._shared[1] = 1
        resume, self._resume = self._resume, None
        slot, cursor = self._begin(worker) if resume is None else self._go_on(resume)
        self._pass = Pass(cursor, slot, as_tensors if self.tensors else None)
        return self._pass

    def _begin(self, worker: Any) -> tuple[int, Cursor[Any]]:
        """Return slot and cursor of a pass from the top."""
        if self.stream.seed is not None:
            root = Key(self.stream.seed)
        elif worker is None:
            root = Key.fresh()
        else:  # the same for all workers of a pass, another for each pass; no path, which seeds further in would keep
            bits = self.key.child("pass", worker.seed - worker.id, self._passes).bits
            root = Key(int.from_bytes(bits, "little"))
        return self._share.at(self.stream, lap_key(root, self.epoch), 0, _WHO)

    def _go_on(self, state: dict[str, Any]) -> tuple[int, Cursor[Any]]:
        """Return slot and cursor of a pass from a state on."""
        share, (slot, workers) = self._share, state["worker"]
        if workers == share.workers:
            return slot, share.part(self.stream, slot, _WHO).open(at=state["stream"])
        if workers > 1 or self.stream.access != "index":
            raise StateMismatchError(
                f"{_WHO} got the state of worker {slot} of {workers} for one of {share.workers}, wanted that of as many.\n"
                "  With bridges.torch.loader a stream whose items have numbers goes on with any number of workers."
            )
        with part(self.stream, self.of.rank, self.of.world_size, _WHO, "a state").open(at=state["stream"]) as cursor:
            place = self.of.rank + cursor.position * self.of.world_size
            return share.at(self.stream, cursor.key, place, _WHO)

    def __len__(self) -> int:
        """Return how many items a pass of this rank gives, where items have numbers."""
        if self.stream.access != "index":
            raise TypeError(f"the dataset of {self.stream!r} has no len(): its items have no numbers")
        return len(part(self.stream, self.of.rank, self.of.world_size, _WHO, "len"))

    # --- epochs and states ----------------------------------------------------------------------

    @property
    def epoch(self) -> int:
        """The number of the epoch that passes are of."""
        return int(self._shared[0])

    def set_epoch(self, epoch: int) -> None:
        """Give passes that begin from now on the random numbers of another epoch, in all workers."""
        self._shared[0] = lap_number("set_epoch(epoch)", epoch)

    def state_dict(self) -> dict[str, Any]:
        """Return where the pass under way stands, or the state that the next one goes on from.

        Raises
        ------
        ResumeError
            When the stream cannot resume, or the passes are under way in workers.
        """
        if self._pass is None:
            if worker_info() is None and self._shared[1]:
                raise ResumeError(
                    "the state of this dataset is in the workers of its DataLoader, which are ahead of the consumer.\n"
                    "  Use bridges.torch.loader, or torchdata's StatefulDataLoader, and the state of that."
                )
            return self._resume or {"epoch": self.epoch, "worker": None, "stream": None}
        worker = [self._pass.slot, self._share.workers]
        return {"epoch": self.epoch, "worker": worker, "stream": self._pass.cursor.state()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Let the next pass go on from a state of an equal dataset.

        Raises
        ------
        StateMismatchError
            When that pass begins, and the state is of another stream, seed, rank or number of workers.
        """
        self._shared[0] = state_dict["epoch"]
        self._resume = dict(state_dict) if state_dict["stream"] is not None else None
        self._pass = None

    def __reduce__(self) -> Any:
        kind = type(self).__mro__[1]
        return _again, (kind, recipe_bytes(self.stream), self.of, self.tensors, self.key, self._shared, self._resume)


def _again(kind: Any, recipe: bytes, of: Ranks, tensors: bool, key: Key, shared: Any, resume: Any) -> Any:
    if not shared.is_shared():  # pickled to a file, say, not to a worker
        shared = shared.share_memory_()
    return iterable(kind)(pickle.loads(recipe), of, tensors, key, shared, resume)


class Pass:
    """The items of a cursor as a consumer wants them; closes the cursor at the end, or when nobody holds it any more.

    After an error it stands before the item that failed, as the cursor does.
    """

    cursor: Cursor[Any]
    slot: int
    convert: Callable[[Any], Any] | None
    ended: bool

    def __init__(self, cursor: Cursor[Any], slot: int, convert: Callable[[Any], Any] | None) -> None:
        self.cursor, self.slot, self.convert = cursor, slot, convert
        self.ended = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        if self.ended:
            raise StopIteration
        try:
            item = next(self.cursor)
        except StopIteration:
            self.ended = True
            self.cursor.close()
            raise
        if self.convert is None:
            return item
        try:
            return self.convert(item)
        except BaseException:
            self.cursor.give_back([item])
            raise

    def __del__(self) -> None:
        self.cursor.close()


# --- what both kinds of dataset need of PyTorch -------------------------------------------------


@cache
def iterable(kind: Any) -> Any:
    """Return a class that is a ``torch.utils.data.IterableDataset`` as well."""
    base = optional("torch.utils.data", "torch", _WHO).IterableDataset
    return type(kind.__name__, (kind, base), {"__module__": kind.__module__, "__doc__": kind.__doc__})


def worker_info() -> Any:
    """Return what PyTorch says of the worker process this is, None in any other; a worker then ends with its parent."""
    found = optional("torch.utils.data", "torch", _WHO).get_worker_info()
    if found is not None:
        end_with_parent()
    return found


def shared_numbers(n: int) -> Any:
    """Return ``n`` whole numbers, 0 at first, in memory that all workers share."""
    torch = optional("torch", "torch", _WHO)
    return torch.zeros(n, dtype=torch.int64).share_memory_()
