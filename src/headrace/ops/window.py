"""Neighbouring items as one."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from itertools import islice
from math import inf
from typing import Any

from headrace.core.coerce import as_stream
from headrace.core.cursor import Cursor
from headrace.core.indexed import Bound, Indexed, Places
from headrace.core.items import Ragged, stack
from headrace.core.key import Key
from headrace.core.op import Op
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.core.stream import Field, Spec, Stream
from headrace.errors import DataError, StreamConfigError
from headrace.ops.base import OpCursor
from headrace.ops.select import count_of


def window(n: int, step: int = 1, *, ragged: Ragged = None) -> Op[Any, Any]:
    """Slide a window of ``n`` items along the stream; each window is given as columns, as a batch would be.

    Parameters
    ----------
    n
        Items in a window. A stream of fewer has no window; windows are always full.
    step
        How many items the window moves each time. With ``step=n`` windows touch, with more they leave items out.
    ragged
        ``"list"`` keeps a list of the values of a field that do not make an array.

    Raises
    ------
    StreamConfigError
        When ``n`` or ``step`` is not a whole number of at least 1, or ``ragged`` is neither of the above.
    DataError
        While running, when items do not stack; names the field and both items.

    Examples
    --------
    >>> import headrace as hr
    >>> [w.tolist() for w in hr.Streamer(range(6)) | hr.window(3, step=2)]
    [[0, 1, 2], [2, 3, 4]]
    """
    return Op(Window, n, step, ragged=ragged)


@register("window", example=lambda: Window(as_stream([{"X": (i, i), "Y": i} for i in range(60)]), 5, 2))
@recipe
class Window(Indexed[Any]):
    """The recipe of :func:`window`."""

    source: Stream[Any]
    n: int
    step: int = 1
    ragged: Ragged = None

    def __post_init__(self) -> None:
        self.fix(n=count_of("window(n)", self.n), step=count_of("window(step=)", self.step))
        if self.ragged not in (None, "list"):
            raise StreamConfigError(f'window(ragged=) got {self.ragged!r}, wanted None or "list".')

    @property
    def size(self) -> float | None:
        size = self.source.size
        if size is None or size == inf:
            return size
        return max(0, (size - self.n) // self.step + 1)

    @property
    def spec(self) -> Spec | None:
        inside = self.source.spec
        if inside is None:
            return None
        return {name: Field((self.n, *f.shape), f.dtype, ("item", *f.dims)) for name, f in inside.items()}

    @property
    def stride(self) -> int:
        return self.step

    def bind(self, key: Key) -> Bound[Any]:
        return _Windows(self, key)

    def start_cursor(self, key: Key) -> Cursor[Any]:
        return _Sliding(self, key)


class _Windows(Bound[Any]):
    """Window j of lap e is rows ``j step`` to ``j step + n`` of the source's lap e."""

    stream: Window

    def __init__(self, stream: Window, key: Key) -> None:
        super().__init__(stream, key)
        source: Any = stream.source
        self.source: Bound[Any] = source.bound(key)
        self.size, self.rows = stream.extent(), source.extent()
        self.row_bytes = self.source.row_bytes * stream.n

    def walk(self, at: Places) -> Iterator[Any]:
        n, ragged = self.stream.n, self.stream.ragged
        for i in at if isinstance(at, range) else at.tolist():
            first = self._first(i)
            if ragged is None:
                try:
                    made = self.source.columns(range(first, first + n))
                except DataError:
                    pass  # said again in terms of this window
                else:
                    yield made
                    continue
            yield stack(list(self.source.walk(range(first, first + n))), ragged=ragged, who=f"window({n})")

    def _first(self, i: int) -> int:
        lap, j = (0, i) if self.size == inf else divmod(i, int(self.size))
        return j * self.stream.step + (lap * int(self.rows) if lap else 0)


class _Sliding(OpCursor[Any]):
    """``held`` is the beginning of the next window, ``gap`` how many items lie before it."""

    stream: Window
    saves = ("count", "gap")
    gap = 0

    def run(self) -> Generator[Any, None, None]:
        n, ragged, who = self.stream.n, self.stream.ragged, f"window({self.stream.n})"
        held = self.held
        while True:
            for _ in islice(self.source.items, self.gap):
                self.gap -= 1
            held.extend(islice(self.source.items, n - len(held)))
            if len(held) < n:
                return
            columns = stack(held, ragged=ragged, who=who)
            self._move()
            self.count += 1
            yield columns

    def _move(self) -> None:
        step = self.stream.step
        self.gap = max(0, step - len(self.held))
        del self.held[:step]

    def pass_failed(self) -> None:
        """Give up the window that does not stack; the next one still has its items."""
        self._move()
        self.restart()
