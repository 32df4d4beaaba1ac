"""A loader for PyTorch that knows which items have been delivered, and goes on behind them.

``DataLoader`` asks its workers for items ahead of the consumer, so where a worker stands says little. Here the consumer's
side counts. Where items have numbers, that count is the state. Where they have none, a worker's state travels with an
item every ``snapshot_every`` seconds, and the state is the last that arrived of each worker, with the number of its items
delivered since.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

from headrace.bridges.laps import lap_key, lap_number
from headrace.bridges.reached import ByCursor, ByNumber, Reached
from headrace.bridges.share import Ranks, Share, part
from headrace.bridges.torch_dataset import iterable, shared_numbers
from headrace.bridges.torch_sender import Sender
from headrace.core.key import Key
from headrace.core.optional import optional
from headrace.core.stream import Stream
from headrace.errors import ClosedError, StateMismatchError, StreamConfigError

_WHO = "bridges.torch.loader"
_OURS = {
    "batch_size": "Batch in the stream: stream | hr.batch(32).",
    "batch_sampler": "Order items in the stream: stream | hr.permute().",
    "collate_fn": "Arrange items in the stream: stream | hr.map(function).",
    "dataset": "Give the stream.",
    "drop_last": "Batch in the stream: stream | hr.batch(32).",
    "in_order": "Items come in order, which the state relies on.",
    "sampler": "Order items in the stream: stream | hr.permute().",
    "shuffle": "Shuffle in the stream: stream | hr.permute(), or hr.shuffle(n).",
}


class Loader:
    """What :func:`headrace.bridges.torch.loader` returns: a handle on the epochs of a stream.

    Each ``for`` loop over it is an epoch; the first after ``load_state_dict`` goes on where that state stands. An epoch
    that was left early is over. After an error in a worker the next item asked for is the one that failed.
    """

    stream: Stream[Any]
    of: Ranks

    def __init__(
        self,
        stream: Stream[Any],
        of: Ranks,
        num_workers: int,
        tensors: bool,
        snapshot_every: float,
        options: dict[str, Any],
    ) -> None:
        for name in options:
            if name in _OURS:
                raise StreamConfigError(f"{_WHO} got {name}=, which is not an option of it.\n  {_OURS[name]}")
        if isinstance(num_workers, bool) or not isinstance(num_workers, int) or num_workers < 0:
            raise StreamConfigError(f"{_WHO} got num_workers={num_workers!r}, wanted a number of processes, 0 or more.")
        if not snapshot_every >= 0:
            raise StreamConfigError(f"{_WHO} got snapshot_every={snapshot_every!r}, wanted seconds, 0 or more.")
        self.stream, self.of = stream, of
        self._num_workers = num_workers
        self._share = Share(of, 0, max(1, num_workers))
        self._share.part(stream, 0, _WHO)  # or say now that it cannot be divided
        self._key = Key.fresh() if stream.seed is None else Key(stream.seed)
        self._epoch, self._begun, self._passes = 0, False, 0
        self._reached = self._top()
        self._shared = shared_numbers(1)  # which epoch workers that stay for several are to begin
        self._sender: Any = None
        self._options = {**options, "num_workers": num_workers, "batch_size": None, "collate_fn": _as_is}
        self._tensors, self._every = tensors, snapshot_every
        self._made: Any = None  # the DataLoader, while its workers stay

    def _top(self) -> Reached:
        if self.stream.access == "index":
            return ByNumber(0, 0)
        return ByCursor.top(self._share.workers)

    @property
    def epoch(self) -> int:
        """The number of the epoch under way, or of the next one."""
        return self._epoch

    def set_epoch(self, epoch: int) -> None:
        """Let the next loop be this epoch, from its beginning."""
        self._epoch, self._begun, self._reached = lap_number("set_epoch(epoch)", epoch), False, self._top()
        if self._num_workers == 0:
            self._sender = None

    def __len__(self) -> int:
        """Return how many items an epoch of this rank has, where items have numbers."""
        if self.stream.access != "index":
            raise TypeError(f"the loader of {self.stream!r} has no len(): its items have no numbers")
        return len(part(self.stream, self.of.rank, self.of.world_size, _WHO, "len"))

    def __iter__(self) -> Iterator[Any]:
        if self._begun:  # and left early: that epoch is over
            self.set_epoch(self._epoch + 1)
        self._begun = True
        self._passes += 1
        return _Delivery(self, self._passes)

    # --- states ---------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Return where the last item delivered stands: plain data, JSON values alone where items have numbers.

        Its ``"stream"`` is then a state of the stream itself: ``stream.open(at=state["stream"])`` goes on without a
        loader, and a loader with any number of workers and ranks does, when all ranks are at the same step.

        Raises
        ------
        ResumeError
            When the stream cannot resume.
        """
        stamp = self.stream.stamp()  # or it says that it cannot
        reached = self._reached
        state: dict[str, Any] = {"epoch": self._epoch, "key": self._key.plain()}
        if isinstance(reached, ByNumber):
            with self.stream.open(lap_key(self._key, self._epoch), at=reached.place(self.of)) as cursor:
                return {**state, "stream": cursor.state()}
        workers = self._inline() or reached.plain()
        at = {"rank": list(self.of), "turn": reached.turn, "workers": workers}
        return {"headrace": 1, **stamp, **state, "at": at}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Let the next loop go on from a state of an equal loader.

        Raises
        ------
        StateMismatchError
            When it is of another stream or seed; where items have no numbers, also when it is of another rank or number
            of workers, or, as soon as a loop begins, when the sources have changed.
        """
        numbered = isinstance(self._reached, ByNumber)
        if numbered != ("stream" in state_dict):
            raise StateMismatchError(
                f"{_WHO} got a state of another stream: items of that one have {'no ' if numbered else ''}numbers.\n"
                "  Make the loader as it was when the state was saved."
            )
        key, epoch = Key.from_plain(state_dict["key"]), int(state_dict["epoch"])
        if self.stream.seed is not None:
            key = Key(self.stream.seed)
        if numbered:
            with self.stream.open(lap_key(key, epoch), at=state_dict["stream"]) as cursor:
                reached: Reached = ByNumber(cursor.position, 0)
        else:
            self.stream.check_state(state_dict, key)
            at = state_dict["at"]
            workers, of = at["workers"], tuple(at["rank"])
            if len(workers) != self._share.workers or of != self.of:
                raise StateMismatchError(
                    f"{_WHO} got a state of rank {of[0]} of {of[1]} with {len(workers)} workers, and is rank "
                    f"{self.of.rank} of {self.of.world_size} with {self._share.workers}.\n"
                    "  Where items have no numbers, go on with as many as it was saved with."
                )
            reached = ByCursor(workers, at["turn"])
        self._passes += 1
        self._key, self._epoch, self._begun, self._reached = key, epoch, False, reached
        self._made = self._sender = None

    # --- passes ---------------------------------------------------------------------------------

    def _start(self) -> Iterator[Any]:
        """Return parcels from the place reached on, of workers that stay where they can."""
        self._shared[0] = self._epoch
        if self._made is None or not self._reached.is_top():
            self._sender = iterable(Sender)(
                self.stream, self.of, self._tensors, self._every, self._key, self._shared, self._reached.start(self.of)
            )
            self._made = optional("torch.utils.data", "torch", _WHO).DataLoader(self._sender, **self._options)
        made = self._made
        if not self._options.get("persistent_workers"):
            self._made = None
        return iter(made)

    def _end(self) -> None:
        self.set_epoch(self._epoch + 1)

    def _drop(self) -> None:
        """Let go of workers after an error, so that the next item asked for starts others where the loader stands."""
        self._made = None
        if isinstance(self._reached, ByCursor) and self.stream.resume != "none":
            self._reached = ByCursor(self._inline() or self._reached.plain(), self._reached.turn)

    def _inline(self) -> list[dict[str, Any]] | None:
        """Return where the pass in this process stands, None when there is none or workers make the items."""
        cursor = self._sender.under_way if self._sender is not None and self._num_workers == 0 else None
        return None if cursor is None else [{"state": cursor.state(), "behind": 0}]


class _Delivery:
    """One epoch: unpacks parcels and keeps the loader's place."""

    def __init__(self, loader: Loader, number: int) -> None:
        self._loader, self._number = loader, number
        self._parcels: Iterator[Any] | None = None
        self._ended = False
        self._failed: BaseException | None = None

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        loader = self._loader
        if self._ended:
            raise StopIteration
        if self._number != loader._passes:
            raise ClosedError("this loop over the loader has ended: another one began, or a state was loaded.")
        if self._failed is not None:
            raise self._failed
        if self._parcels is None:
            self._parcels = loader._start()
        try:
            item, slot, mark = next(self._parcels)
        except StopIteration:
            self._ended, self._parcels = True, None
            loader._end()
            raise
        except BaseException as error:
            _stop(self._parcels)
            self._parcels = None
            loader._drop()
            if loader.stream.resume == "none":  # what has been delivered cannot be passed again
                self._failed = error
            raise
        loader._reached.delivered(slot, mark)
        return item


def _stop(parcels: Any) -> None:
    """End the workers now. The traceback of an error holds them, and where the garbage collector ends them, each takes
    PyTorch 5 s.
    """
    shut_down = getattr(parcels, "_shutdown_workers", None)
    if shut_down is not None:
        shut_down()


def _as_is(item: Any) -> Any:
    return item
