"""A source: throws of a die, each a function of its number, so that any throw can be had at once."""

from __future__ import annotations

from collections.abc import Generator

from headrace.core import Cursor, Key, Stream, recipe, register
from headrace.errors import StreamConfigError


@register("example_dice", example=lambda: Dice(sides=6, n=40))
@recipe
class Dice(Stream[int]):
    """``n`` throws of a die with ``sides`` sides, integers from 1 on.

    Raises
    ------
    StreamConfigError
        When there are fewer than two sides.
    """

    sides: int = 6
    n: int = 100

    def __post_init__(self) -> None:
        if self.sides < 2:
            raise StreamConfigError(f"Dice(sides=) got {self.sides!r}, wanted at least 2.")

    @property
    def size(self) -> float | None:
        """The number of throws."""
        return self.n

    def start(self, key: Key) -> Cursor[int]:
        """Return a cursor before the first throw."""
        return _Throwing(self, key)


class _Throwing(Cursor[int]):
    """``count``, which every cursor saves, is all there is to know."""

    stream: Dice

    def run(self) -> Generator[int, None, None]:
        lane = self.key.child("dice").lane()
        while self.count < self.stream.n:
            thrown = int(lane.at(self.count).integers(1, self.stream.sides + 1))
            self.count += 1  # exact at every yield: whoever saves now goes on behind this throw
            yield thrown
