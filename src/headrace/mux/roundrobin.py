"""One item from each member in turn."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from functools import partial
from typing import Any, Literal, TypeVar

from headrace.core.cursor import Cursor
from headrace.core.key import Key, Seed
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.errors import StreamConfigError
from headrace.mux.base import BaseMux, Members, MuxCursor, close_all

T = TypeVar("T")
RoundRobinMode = Literal["exhaustive", "cycle", "permuted_cycle"]
MODES: tuple[RoundRobinMode, ...] = ("exhaustive", "cycle", "permuted_cycle")


@register("round_robin_mux", example=lambda: RoundRobinMux(["abc", range(5), "", "wxyz"], "permuted_cycle"))
@recipe
class RoundRobinMux(BaseMux[T]):
    """One item from each member in turn; a member that has ended is left out from then on.

    Parameters
    ----------
    streams
        Members: a list, or a dict that names them.
    mode
        ``"exhaustive"``: until all members have ended. ``"cycle"``: then all of them again, with numbers of their own;
        ends when a whole lap is empty. ``"permuted_cycle"``: each lap after the first in a new random order.
    random_state, seed
        Two names for a seed of its own.

    Raises
    ------
    StreamConfigError
        For no members or an unknown mode.

    Examples
    --------
    >>> import headrace as hr
    >>> "".join(hr.RoundRobinMux(["ab", "cde", "fghi"]))
    'acfbdgehi'
    """

    mode: RoundRobinMode

    def __init__(
        self,
        streams: Members[T],
        mode: RoundRobinMode = "exhaustive",
        random_state: Seed | None = None,
        *,
        seed: Seed | None = None,
    ) -> None:
        self.members(streams, random_state if seed is None else seed)
        self.need_members()
        if mode not in MODES:
            raise StreamConfigError(f"round_robin_mux(mode=) got {mode!r}, wanted one of {', '.join(MODES)}.")
        self.fix(mode=mode)

    @property
    def size(self) -> float | None:
        """The sum of its members'; in a cycling mode endless as soon as one is known to give anything."""
        return sum_of_sizes(self.streams, cycle=self.mode != "exhaustive")

    def start(self, key: Key) -> Cursor[T]:
        return _RoundRobin(self, key)


def sum_of_sizes(streams: Any, *, cycle: bool) -> float | None:
    """Return how many items all streams give, once or round and round; None when that is not known."""
    sizes = [stream.size for stream in streams]
    if cycle and any(sizes):
        return float("inf")
    return None if None in sizes else sum(sizes)


class _RoundRobin(MuxCursor[T]):
    """``order`` holds the members still in this lap, ``turn`` whose turn it is among them."""

    stream: RoundRobinMux[T]
    saves = ("count", "lap", "lap_start", "turn", "order")
    lap = lap_start = turn = 0

    def __init__(self, stream: RoundRobinMux[T], key: Key) -> None:
        super().__init__(stream, key)
        self.lane = key.child("order", stream.part).lane()
        self.order = list(range(len(stream.streams)))
        self.cursors: dict[int, Cursor[T]] = {}

    def run(self) -> Generator[T, None, None]:
        while True:
            steps = self._steps()
            while steps:
                ended, opened = -1, len(self.cursors)
                for k, step in enumerate(steps[self.turn :] if self.turn else steps, self.turn):
                    try:
                        item = step()
                    except StopIteration:
                        ended = k
                        break
                    self.turn = k + 1
                    self.count += 1
                    yield item
                if ended < 0:
                    self.turn = 0
                    if len(self.cursors) > opened:  # a round in which members were opened: step straight to them now
                        steps = self._steps()
                    continue
                self._leave(self.order.pop(ended))
                del steps[ended]
                self.turn = ended if ended < len(steps) else 0
            if self.stream.mode == "exhaustive" or self.count == self.lap_start:
                return
            self._next_lap()

    def _steps(self) -> list[Callable[[], Any]]:
        """Return what gives the next item of each member in the lap; one that is not open yet is opened then."""
        cursors = self.cursors
        return [cursors[i].items.__next__ if i in cursors else partial(self._first, i) for i in self.order]

    def _first(self, i: int) -> T:
        return next((self.cursors.get(i) or self._open(i)).items)

    def _next_lap(self) -> None:
        self.lap += 1
        self.lap_start, self.turn = self.count, 0
        self.order = list(range(len(self.stream.streams)))
        if self.stream.mode == "permuted_cycle":
            self.order = self.lane.at(self.lap).permutation(len(self.order)).tolist()

    def _open(self, i: int) -> Cursor[T]:
        self.cursors[i] = cursor = self.stream.streams[i].open(self.key.child(self.stream.names[i], self.lap))
        return cursor

    def _leave(self, i: int) -> None:
        cursor = self.cursors.pop(i)
        self.given[i] = self.given.get(i, 0) + cursor.count
        cursor.close()

    def open_cursors(self) -> Iterator[tuple[int, Cursor[T]]]:
        return iter(list(self.cursors.items()))

    def save(self) -> Any:
        saved = super().save()
        saved["order"] = list(self.order)
        saved["open"] = [[i, cursor.save()] for i, cursor in self.cursors.items()]
        return saved

    def load(self, saved: Any) -> None:
        self.release()
        super().load(saved)
        self.order, self.cursors = list(self.order), {}
        for i, inside in saved["open"]:
            self._open(i).come_to(inside)
        self.forget_counts()

    def release(self) -> None:
        close_all(self.cursors.values())
