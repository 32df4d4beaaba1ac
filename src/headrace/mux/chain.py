"""Members one after another."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any, Literal, Self, TypeVar

from headrace.core.coerce import as_stream
from headrace.core.cursor import Cursor
from headrace.core.key import Key, Seed
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.core.stream import Resume, Source, Stream, check_shard, worst
from headrace.errors import StreamConfigError
from headrace.mux.base import SPENT, BaseMux, Members, MuxCursor, close_all
from headrace.mux.roundrobin import sum_of_sizes

T = TypeVar("T")
ChainMode = Literal["exhaustive", "cycle"]
MODES: tuple[ChainMode, ...] = ("exhaustive", "cycle")


@register("chain_mux", example=lambda: ChainMux(["abc", range(30), "", "wxyz"], "cycle"))
@recipe
class ChainMux(BaseMux[T]):
    """Members one after another; only one is open at a time.

    Parameters
    ----------
    streams
        Members: a list, or a dict that names them. Or a generator function or a stream of streams, which is run anew in
        each lap, one member at a time.
    mode
        ``"exhaustive"``: once through. ``"cycle"``: round and round, each lap with numbers of its own; ends when a
        whole lap is empty.
    random_state, seed
        Two names for a seed of its own.

    Raises
    ------
    StreamConfigError
        For an unknown mode, or members that make no items. No members at all make an empty stream.

    Examples
    --------
    >>> import headrace as hr
    >>> "".join(hr.ChainMux(["ab", "cde"]))
    'abcde'
    >>> def letters():
    ...     yield from ("ab", "cde")
    >>> "".join(hr.ChainMux(letters, "cycle").iterate(8))
    'abcdeabc'
    """

    source: Stream[Any] | None
    mode: ChainMode

    def __init__(
        self,
        streams: Members[T] | Source[Source[T]],
        mode: ChainMode = "exhaustive",
        random_state: Seed | None = None,
        *,
        seed: Seed | None = None,
    ) -> None:
        source = as_stream(streams) if isinstance(streams, Stream) or callable(streams) else None
        self.members(() if source is not None else streams, random_state if seed is None else seed)
        if mode not in MODES:
            raise StreamConfigError(f"chain_mux(mode=) got {mode!r}, wanted one of {', '.join(MODES)}.")
        self.fix(source=source, mode=mode)

    def params(self) -> dict[str, Any]:
        params = super().params()
        source = params.pop("source")
        return params if source is None else {**params, "streams": source}

    @property
    def children(self) -> tuple[Stream[Any], ...]:
        """The members, or the stream that makes them."""
        return self.streams if self.source is None else (self.source,)

    def child_labels(self) -> list[str]:
        return super().child_labels() if self.source is None else [""]

    @property
    def size(self) -> float | None:
        """The sum of its members'; when cycling, endless as soon as one is known to give anything."""
        return None if self.source is not None else sum_of_sizes(self.streams, cycle=self.mode == "cycle")

    @property
    def resume(self) -> Resume:
        """That of its members; of members made while it runs, by replay at best."""
        return worst(child.resume for child in self.children)

    def shard(self, i: int, n: int) -> Self:
        check_shard(i, n)
        if self.source is not None:
            raise StreamConfigError(
                "chain_mux over a stream of streams cannot be divided.\n  Give it a list of members."
            )
        return super().shard(i, n)

    def start(self, key: Key) -> Cursor[T]:
        return _Chain(self, key)


class _Chain(MuxCursor[T]):
    """``at`` is the number of the open member in this lap. Members made by a stream are made again to resume."""

    stream: ChainMux[T]
    saves = ("count", "lap", "lap_start", "at")
    lap = lap_start = 0
    at = -1

    def __init__(self, stream: ChainMux[T], key: Key) -> None:
        super().__init__(stream, key)
        self.current: Cursor[T] | None = None
        self.source: Cursor[Any] | None = None
        self._source_before: Any = None  # the state of ``source`` just before it made the open member
        self._made: Any = SPENT  # what ``source`` made, while it is no member yet

    def run(self) -> Generator[T, None, None]:
        while True:
            while (current := self.current or self._next_member()) is not None:
                for self.count, item in enumerate(current.items, self.count + 1):
                    yield item
                self._leave()
            if self.stream.mode == "exhaustive" or self.count == self.lap_start:
                return
            self.lap += 1
            self.lap_start, self.at = self.count, -1
            if self.source is not None:
                self.source.close()
                self.source = None

    def _next_member(self) -> Cursor[T] | None:
        member: Stream[T]
        at = self.at + 1
        if self.stream.source is not None:
            if self.source is None:
                self.source = self.stream.source.open(self.key.child("members", self.lap))
            if self._made is SPENT:
                self._source_before = self.source.save() if self.stream.source.resume != "none" else None
                self._made = next(self.source.items, SPENT)
                if self._made is SPENT:
                    return None
            member = as_stream(self._made)  # kept until it is known to be one, so that a retry says the same
            self._made = SPENT
        elif at < len(self.stream.streams):
            member = self.stream.streams[at]
        else:
            return None
        self.at = at
        self.current = member.open(self.key.child(self._name(at), self.lap))
        return self.current

    def pass_failed(self) -> None:
        """Give up what the stream of members made: it is no member."""
        if self._made is not SPENT:
            self._made = SPENT
            self.at += 1
        self.restart()

    def _name(self, at: int) -> int | str:
        return at if self.stream.source is not None else self.stream.names[at]

    def _leave(self) -> None:
        if self.current is not None:
            self.given[self.at] = self.given.get(self.at, 0) + self.current.count
            self.current.close()
            self.current = None

    @property
    def counts(self) -> dict[Any, int]:
        found = dict(self.given)
        for i, cursor in self.open_cursors():
            found[i] = found.get(i, 0) + cursor.count
        return {self._name(i): n for i, n in sorted(found.items()) if n}

    def label_of(self, cursor: Any) -> str | None:
        if cursor is self.source:
            return ".members"
        return f"[{self._name(self.at)!r}]" if cursor is self.current else None

    def open_cursors(self) -> Iterator[tuple[int, Cursor[T]]]:
        if self.current is not None:
            yield self.at, self.current

    def save(self) -> Any:
        saved = super().save()
        if self.stream.source is not None:
            open_member = self.current is not None or self._made is not SPENT
            saved["members"] = (
                self._source_before if open_member else self.source.save() if self.source is not None else None
            )
        saved["open"] = None if self.current is None else self.current.save()
        return saved

    def load(self, saved: Any) -> None:
        self.release()
        super().load(saved)
        self.current = self.source = None
        self._made = SPENT
        if saved.get("members") is not None and self.stream.source is not None:
            self.source = self.stream.source.open(self.key.child("members", self.lap))
            self.source.load(saved["members"])
        if saved["open"] is not None:
            self.at -= 1
            current = self._next_member()
            assert current is not None, "the stream of members ended early"
            current.come_to(saved["open"])
        self.forget_counts()

    def release(self) -> None:
        close_all(cursor for cursor in (self.current, self.source) if cursor is not None)
