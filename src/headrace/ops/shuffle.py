"""Mix the order of items, within a window."""

from __future__ import annotations

from collections.abc import Generator
from itertools import islice
from typing import TypeVar

from headrace.core.coerce import as_stream
from headrace.core.cursor import Cursor
from headrace.core.key import Key, Seed, seed_integer
from headrace.core.op import Op
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.core.stream import Stream
from headrace.ops.base import OpCursor, one_seed, uniforms_from
from headrace.ops.select import count_of

T = TypeVar("T")


def shuffle(buffer: int, *, seed: Seed | None = None, random_state: Seed | None = None) -> Op[T, T]:
    """Give the items in random order, as far as a buffer of ``buffer`` items allows. Every item comes once.

    The buffer is filled; then each step gives one of its items, each with the same chance, and puts the next item of
    the source in its place; at the end the rest comes in random order. So an item comes at most ``buffer - 1`` places
    early, and may come any number late. A source of at most ``buffer`` items is permuted uniformly.

    Parameters
    ----------
    buffer
        How many items wait. They are part of the state, which is JSON values and arrays as long as the items are:
        items with other objects in them make a state that pickles and is no JSON.
    seed, random_state
        A root of its own for this stream and all below it: an integer, ``SeedSequence`` or NumPy generator.

    Raises
    ------
    StreamConfigError
        When ``buffer`` is not a whole number of at least 1, or the seed is none.

    Examples
    --------
    >>> import headrace as hr
    >>> mixed = list(hr.Streamer(range(8)) | hr.shuffle(4, seed=7))
    >>> sorted(mixed), mixed == list(range(8))
    ([0, 1, 2, 3, 4, 5, 6, 7], False)
    """
    return Op(Shuffle, buffer, seed=one_seed("shuffle", seed, random_state))


@register("shuffle", example=lambda: Shuffle(as_stream(range(50)), 16))
@recipe
class Shuffle(Stream[T]):
    """The recipe of :func:`shuffle`."""

    source: Stream[T]
    buffer: int

    def __init__(self, source: Stream[T], buffer: int, seed: Seed | None = None) -> None:
        self.fix(source=source, buffer=count_of("shuffle(buffer)", buffer))
        if seed is not None:
            self.fix(seed=seed_integer(seed))

    @property
    def size(self) -> float | None:
        return self.source.size

    def start(self, key: Key) -> Cursor[T]:
        return _Shuffling(self, key)


class _Shuffling(OpCursor[T]):
    """``held`` is the buffer without the place that the next item of the source will take."""

    stream: Shuffle[T]

    def __init__(self, stream: Shuffle[T], key: Key) -> None:
        super().__init__(stream, key, inside=key.child("in"))

    def run(self) -> Generator[T, None, None]:
        held, buffer = self.held, self.stream.buffer
        chances = uniforms_from(self.lane("shuffle"), self.count)
        held.extend(islice(self.source.items, buffer - 1 - len(held)))
        for item in self.source.items:
            place = int(next(chances) * buffer)
            self.count += 1
            if place < buffer - 1:
                chosen, held[place] = held[place], item
                yield chosen
            else:
                yield item
        while held:
            place = int(next(chances) * len(held))
            chosen, held[place] = held[place], held[-1]
            del held[-1]
            self.count += 1
            yield chosen
