"""A progress bar."""

from __future__ import annotations

from collections.abc import Generator
from functools import cache
from math import inf
from typing import Any, TypeVar

from headrace.core.coerce import as_stream
from headrace.core.cursor import Cursor
from headrace.core.key import Key
from headrace.core.op import Op
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.core.stream import Spec, Stream
from headrace.ops.base import OpCursor
from headrace.ops.select import count_of

T = TypeVar("T")


def progress(total: int | None = None, desc: str | None = None) -> Op[T, T]:
    """Show a bar on stderr: how many items have passed, how fast, and how long it will take.

    Parameters
    ----------
    total
        How many items are expected; by default the size of the stream, where it is known.
    desc
        What to write before the bar.

    Raises
    ------
    StreamConfigError
        When ``total`` is neither None nor a whole number of at least 0.

    Notes
    -----
    The bar appears with the first item, begins at the place where a resumed run begins, and closes with the cursor. It
    is no part of the state.

    Examples
    --------
    >>> import headrace as hr
    >>> list(hr.Streamer(range(3)) | hr.progress(desc="reading"))
    [0, 1, 2]
    """
    return Op(Progress, total, desc)


@register("progress", example=lambda: Progress(as_stream(range(50))))
@recipe
class Progress(Stream[T]):
    """The recipe of :func:`progress`."""

    source: Stream[T]
    total: int | None = None
    desc: str | None = None

    def __post_init__(self) -> None:
        if self.total is not None:
            self.fix(total=count_of("progress(total)", self.total, least=0))

    @property
    def size(self) -> float | None:
        return self.source.size

    @property
    def spec(self) -> Spec | None:
        return self.source.spec

    def start(self, key: Key) -> Cursor[T]:
        return _Showing(self, key)


class _Showing(OpCursor[T]):
    stream: Progress[T]
    _bar: Any = None

    def run(self) -> Generator[T, None, None]:
        if self._bar is None:
            total = self.stream.total if self.stream.total is not None else self.stream.size
            self._bar = bar_class()(
                total=None if total == inf else total, desc=self.stream.desc, initial=self.count, unit=" items"
            )
        update = self._bar.update
        for self.count, item in enumerate(self.source.items, self.count + 1):
            update()
            yield item
        self._bar.refresh()

    def restart(self) -> None:
        super().restart()
        self.release()  # after a restore it begins where the run does

    def release(self) -> None:
        bar, self._bar = self._bar, None
        if bar is not None:
            bar.close()


@cache
def bar_class() -> Any:
    """Return the class of a progress bar that starts no thread."""
    from tqdm import tqdm  # imported when a bar is first shown

    class Bar(tqdm):  # type: ignore[misc]  # tqdm is Any to mypy
        monitor_interval = 0  # no watching thread, which would outlive what it shows

    return Bar
