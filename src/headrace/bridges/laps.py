"""The laps of a training: the first is the stream as it is, each later one has random numbers of its own."""

from __future__ import annotations

from math import inf
from typing import Any, TypeVar

from headrace.core.coerce import as_stream
from headrace.core.indexed import Bound, Indexed, unseeded
from headrace.core.key import Key
from headrace.core.places import Rearranged
from headrace.core.recipe import recipe
from headrace.core.stream import Stream, no_numbers
from headrace.errors import StreamConfigError

T = TypeVar("T")


def lap_key(key: Key, lap: int) -> Key:
    """Return the key of a lap of a pass with ``key``: lap e is ``stream.open(key.child("lap", e))``, lap 0 the stream's own.

    Examples
    --------
    >>> lap_key(Key(7), 0) == Key(7), lap_key(Key(7), 2) == Key(7).child("lap", 2)
    (True, True)
    """
    return key.child("lap", lap) if lap else key


@recipe
class Lap(Rearranged[T]):
    """A stream whose items have numbers, with the random numbers of one of its laps.

    Examples
    --------
    >>> import headrace as hr
    >>> stream = (hr.source(range(100)) | hr.permute()).seeded(7)
    >>> [Lap(stream, e)[0] for e in range(3)] == [next(stream.open(lap_key(hr.Key(7), e))) for e in range(3)]
    True
    """

    source: Stream[T]
    lap: int

    def __post_init__(self) -> None:
        self.fix(seed=self.source.seed)

    @property
    def size(self) -> float | None:
        return self.source.size

    def bind(self, key: Key) -> Bound[T]:
        source: Any = self.source
        bound: Bound[T] = source.bound(lap_key(key, self.lap))
        return bound


def numbered(stream: Any, who: str) -> Indexed[Any]:
    """Return ``stream`` as one whose items can be asked for by number, of known size, and are the same for everyone.

    Raises
    ------
    AddressError
        When its items have no numbers; names the stream because of which.
    StreamConfigError
        When it has no end, or draws random numbers below no seed.
    """
    found = as_stream(stream)
    if not isinstance(found, Indexed) or found.access != "index":
        raise no_numbers(found)
    if found.extent() == inf:
        raise StreamConfigError(
            f"{who} got {found!r}, which has no end, wanted a stream of known size.\n  Cut it with hr.take(n)."
        )
    drawing = unseeded(found)
    if drawing is not None:
        raise StreamConfigError(
            f"{who} got a stream without a seed, and {drawing!r} draws random numbers: item 3 would be another one for "
            "everyone who asks.\n  Give it one with seed= or .seeded(7)."
        )
    return found


def lap_number(who: str, epoch: Any) -> int:
    """Return ``epoch`` as an int, or raise: it must be a whole number of at least 0."""
    if isinstance(epoch, bool) or not hasattr(epoch, "__index__") or epoch.__index__() < 0:
        raise StreamConfigError(f"{who} got {epoch!r}, wanted a whole number of at least 0.")
    return int(epoch)
