"""What ops over one source share: the source's cursor, and the items a failed function has not used up."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any, TypeVar

from headrace.core.cursor import Cursor
from headrace.core.key import Key

T = TypeVar("T")


class OpCursor(Cursor[T]):
    """A cursor over one source.

    ``held`` are items drawn from the source that no item of ours has come from yet: the one a function failed on, the
    beginning of a batch. They are part of the state, so nothing is lost around an error.
    """

    inner = ("source",)

    def __init__(self, stream: Any, key: Key, *, inside: Key | None = None) -> None:
        super().__init__(stream, key)
        self.source: Cursor[Any] = stream.source.open(key if inside is None else inside)
        self.held: list[Any] = []

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
