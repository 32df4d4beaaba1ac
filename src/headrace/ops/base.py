"""What ops over one source share: the source's cursor, the items a failed function has not used up, chances by number."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any, ClassVar, Final, TypeVar

from headrace.core.cursor import Cursor
from headrace.core.key import Key, Lane, Seed
from headrace.core.stream import part_of
from headrace.errors import StreamConfigError

T = TypeVar("T")
END: Final[Any] = object()  # what next(items, END) gives behind the last item
_AHEAD = 1024


class OpCursor(Cursor[T]):
    """A cursor over one source.

    ``held`` are items drawn from the source that no item of ours has come from yet: the one a function failed on, the
    beginning of a batch. They are part of the state, so nothing is lost around an error.
    """

    inner: ClassVar[tuple[str, ...]] = ("source",)

    def __init__(self, stream: Any, key: Key, *, inside: Key | None = None) -> None:
        super().__init__(stream, key)
        self.source: Cursor[Any] = stream.source.open(key if inside is None else inside)
        self.held: list[Any] = []

    def lane(self, name: str) -> Lane:
        """Return our random numbers called ``name``: those of this part alone, when the stream was divided."""
        return lane_of(self.stream, self.key, name)

    def pending(self) -> Iterator[Any]:
        """Return the source's items, those held back first; they are no longer held."""
        if not self.held:
            return self.source.items
        held, self.held = self.held, []
        return chain(held, self.source.items)

    def pass_failed(self) -> None:
        """Let go of what is held."""
        self.held = []
        self.restart()

    def save(self) -> Any:
        saved = super().save()
        if self.held:
            saved["held"] = list(self.held)
        return saved

    def load(self, saved: Any) -> None:
        super().load(saved)
        self.held = list(saved.get("held", ()))


def lane_of(stream: Any, key: Key, name: str) -> Lane:
    """Return the random numbers called ``name`` of a run of ``stream``; those of its part alone, if it was divided."""
    part = part_of(stream)
    return (key.child(name, part) if part else key.child(name)).lane()


def inside(stream: Any, key: Key) -> Key:
    """Return the key of the source of a function's node: its own, unless the function draws from that itself.

    So a function that draws nothing changes no random number of what it is put on.
    """
    return key.child("in") if stream.draws else key


def uniforms_from(lane: Lane, start: int) -> Iterator[float]:
    """Yield numbers ``start``, ``start + 1``, ... of a lane's endless sequence on [0, 1)."""
    n = 16  # few at first: a stream that is soon left pays for few
    while True:
        yield from lane.uniforms(start, n).tolist()
        start += n
        n = min(4 * n, _AHEAD)


def one_seed(who: str, seed: Seed | None, random_state: Seed | None) -> Seed | None:
    """Return whichever of two names of one argument was used.

    Raises
    ------
    StreamConfigError
        When both were.
    """
    if seed is not None and random_state is not None:
        raise StreamConfigError(f"{who}() got seed= and random_state=, wanted one of them: they mean the same.")
    return random_state if seed is None else seed
