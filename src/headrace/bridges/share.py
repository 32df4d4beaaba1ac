"""Which part of a stream a worker of a rank reads."""

from __future__ import annotations

import os
import sys
from operator import index
from typing import Any, NamedTuple, TypeVar

from headrace.core.cursor import Cursor
from headrace.core.indexed import unseeded
from headrace.core.key import Key
from headrace.core.stream import Stream
from headrace.errors import StreamConfigError

T = TypeVar("T")


class Ranks(NamedTuple):
    """Which of the processes that train together this one is."""

    rank: int
    world_size: int


def ranks(rank: Any, world_size: Any, who: str) -> Ranks:
    """Return the rank of this process, as given, or as torch.distributed or torchrun has it.

    Raises
    ------
    StreamConfigError
        When only one of both is given, or there is no such rank.
    """
    if (rank is None) != (world_size is None):
        raise StreamConfigError(
            f"{who} got rank={rank!r}, world_size={world_size!r}, wanted both or neither.\n"
            "  Leave both out to have those of torch.distributed, or of torchrun's RANK and WORLD_SIZE."
        )
    found = (rank, world_size) if rank is not None else _distributed() or _environment() or (0, 1)
    try:
        i, n = map(index, found)
        if any(isinstance(value, bool) for value in found) or not 0 <= i < n:
            raise TypeError
    except TypeError:
        raise StreamConfigError(
            f"{who} got rank={found[0]!r}, world_size={found[1]!r}, wanted whole numbers with 0 <= rank < world_size."
        ) from None
    return Ranks(i, n)


def _distributed() -> tuple[int, int] | None:
    """Return rank and size of the process group; whoever made one has imported the module."""
    distributed = sys.modules.get("torch.distributed")
    if distributed is None or not distributed.is_available() or not distributed.is_initialized():
        return None
    return distributed.get_rank(), distributed.get_world_size()


def _environment() -> tuple[int, int] | None:
    """Return RANK and WORLD_SIZE where both are set, as torchrun sets them before there is a process group."""
    try:
        return int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    except (KeyError, ValueError):
        return None


def check_ranks(stream: Stream[Any], of: Ranks, who: str) -> None:
    """Raise unless the ranks can divide ``stream`` so that each item comes to one of them."""
    if of.world_size == 1:
        return
    drawing = unseeded(stream) if stream.access == "index" else None
    if drawing is not None:
        raise StreamConfigError(
            f"{who} got a stream without a seed for world_size={of.world_size}, and {drawing!r} draws random numbers: "
            "each rank would draw its own, and items would come twice.\n  Give it one with seed= or .seeded(7)."
        )
    part(stream, of.rank, of.world_size, who, f"world_size={of.world_size}")


def part(stream: Stream[T], i: int, n: int, who: str, because: str) -> Stream[T]:
    """Return part ``i`` of ``n``, the stream itself for ``n == 1``.

    Raises
    ------
    StreamConfigError
        When it cannot be divided; says why, and what asked for it.
    """
    if n == 1:
        return stream
    try:
        return stream.shard(i, n)
    except StreamConfigError as error:
        raise StreamConfigError(
            f"{who} got {because}, and {stream!r} cannot be divided in {n} parts: {error}\n"
            "  With fewer workers nothing comes twice: num_workers=0 and hr.prefetch(...) draw ahead as well."
        ) from error


class Share(NamedTuple):
    """What one of ``workers`` processes of one rank reads: with numbers, every ``workers``-th item of the rank's.

    Items j of a rank are elements ``rank + j * world_size`` of the whole. A pass that begins at item k of the rank gives
    worker w items k + w, k + w + workers, ..., so that a loader that asks worker after worker has them in order.
    """

    of: Ranks
    worker: int
    workers: int

    @property
    def n(self) -> int:
        """In how many parts the whole is divided."""
        return self.of.world_size * self.workers

    def place(self, slot: int) -> int:
        """Return which part of the whole a slot (0 to workers - 1) of this rank is."""
        return slot * self.of.world_size + self.of.rank

    def part(self, stream: Stream[T], slot: int, who: str) -> Stream[T]:
        """Return the part of a slot."""
        because = f"num_workers={self.workers}" + (
            f", world_size={self.of.world_size}" if self.of.world_size > 1 else ""
        )
        return part(stream, self.place(slot), self.n, who, because)

    def at(self, stream: Stream[T], key: Key, place: int, who: str) -> tuple[int, Cursor[T]]:
        """Return the slot and the cursor of this worker for a pass from ``place`` of the whole on."""
        first = behind(place, self.of)
        slot = (first + self.worker) % self.workers
        return slot, self.part(stream, slot, who).open(key, at=(first + self.worker) // self.workers)


def behind(place: int, of: Ranks) -> int:
    """Return how many items of a rank lie before ``place`` of the whole.

    Examples
    --------
    >>> [behind(4, Ranks(rank, 3)) for rank in range(3)]
    [2, 1, 1]
    """
    return max(0, -((of.rank - place) // of.world_size))
