"""What the page can show of a system: of each column the newest buckets, from which every viewer takes its own."""

from __future__ import annotations

from time import monotonic
from typing import Any, Final

import numpy as np

from headrace.core.block import ROWS, Block
from headrace.plot.page.decimate import Buckets
from headrace.plot.page.panels import Panel, panels_of, picture, values, word

MOST: Final = 64  # places on the page
GUESS: Final = 100.0  # rows a second, until more is known


class Store:
    """The newest rows of each column, decimated.

    Parameters
    ----------
    seconds
        How long rows are kept.

    Attributes
    ----------
    version : int
        Grows when other columns come, or a new run begins: everything is forgotten then.
    panels : list of Panel
        What is on the page.
    now : float
        The moment of the newest row, in seconds since the start.

    Examples
    --------
    >>> store = Store(seconds=10)
    >>> store.add(Block({"timestamp": np.arange(4) / 10, "x": np.arange(4.0)}, rate=10.0))
    >>> [(panel.name, panel.kind) for panel in store.panels], store.version, store.now
    ([('x', 'lines')], 1, 0.3)
    """

    seconds: float
    version: int
    panels: list[Panel]
    now: float
    left_out: int
    graph: Any

    def __init__(self, seconds: float = 60.0) -> None:
        self.seconds = seconds
        self.version = 0
        self.panels = []
        self.now = 0.0
        self.left_out = 0  # columns for which there is no place
        self.graph: Any = None  # says what frequencies a spectrum has
        self._shown: list[tuple[Panel, str]] = []
        self._looks: Any = None
        self._next = 0
        self._rate = 0.0
        self._origin: float | None = None  # of the times, where they alone say when rows are
        self._began = 0.0
        self._latest: dict[int, float] = {}
        self._measured: tuple[float, int] | None = None

    def add(self, block: Block) -> None:
        """Take in the next rows."""
        if not block:
            return
        columns = {name: _array(column) for name, column in block.items() if column is not block.times}
        looks = (
            block.rate,
            block.times is None,
            tuple(
                (name, each.dtype.str, each.shape[1:], block.paces.get(name, ROWS)) for name, each in columns.items()
            ),
        )
        if looks != self._looks or block.first < self._next or block.__dict__.get("_begins") or self._strayed(block):
            self._begin(block, columns)
            self._looks = looks
        self._next = block.first + block.n
        for panel, name in self._shown:
            if len(columns[name]):
                self._take(panel, name, columns[name], block)

    def _take(self, panel: Panel, name: str, column: Any, block: Block) -> None:
        numbers = block.numbers(name)
        panel.rows = numbers.stop
        if panel.kind == "text":
            panel.newest = word(column)
        elif panel.kind == "image":
            panel.newest = picture(column)
        else:
            assert panel.buckets is not None
            panel.buckets.add(values(panel, column), numbers.start)
        end = self._times(panel, name, block, numbers)
        self.now = max(self.now, end)

    def _times(self, panel: Panel, name: str, block: Block, numbers: range) -> float:
        """Return the moment of the newest row; where rows bring their times, keep them."""
        if panel.dt is not None:
            return panel.t0 + (numbers.stop - 1) * panel.dt
        if block.times is not None:
            times = block.timestamps(name)
            if self._origin is None:
                self._origin = float(times[0])
            times = times - self._origin
        else:  # nothing says when they were: as they come
            times = np.full(len(numbers), monotonic() - self._began)
        # Backwards, or to nowhere, time does not go on a picture.
        times = np.fmax.accumulate(np.fmax(times, self._latest.get(panel.id, -np.inf)))
        self._latest[panel.id] = float(times[-1])
        if panel.times is not None:
            panel.times.add(times[:, None], numbers.start)
        return float(times[-1])

    # --- a new run, or other columns --------------------------------------------------------------------

    def _begin(self, block: Block, columns: dict[str, Any]) -> None:
        self.version += 1
        self.now, self._origin, self.left_out = 0.0, None, 0
        self._rate = self._pace_of(block)
        self._began = monotonic()
        self._measured = (self._began, block.first)
        self._latest = {}
        timed = block.rate is None or self._has_times(block)
        times: dict[Any, Buckets] = {}  # which all columns of one pace share
        self.panels = []
        self._shown = []
        for name, column in columns.items():
            pace = block.paces.get(name, ROWS)
            each = float(pace.every / pace.burst)
            dt = None if timed or block.rate is None else each / block.rate
            t0 = 0.0 if block.rate is None else float(pace.offset) / block.rate
            made = panels_of(
                name, column, len(self.panels), dt=dt, t0=t0, every=each / self._rate, seconds=self.seconds
            )
            if len(self.panels) + len(made) > MOST:
                self.left_out += 1
                continue
            for panel in made:
                if panel.times is not None and panel.buckets is not None:
                    key = pace, panel.buckets.size, panel.buckets.capacity
                    panel.times = times.setdefault(key, panel.times)
                if panel.kind == "waterfall":
                    panel.top = self._top(name, column, block)
            self.panels += made
            self._shown += [(panel, name) for panel in made]

    def _pace_of(self, block: Block) -> float:
        if block.rate is not None:
            return float(block.rate)
        times = block.times
        if times is not None and len(times) > 1 and times[-1] > times[0]:
            return float((len(times) - 1) / (times[-1] - times[0]))
        return self._rate or GUESS

    def _has_times(self, block: Block) -> bool:
        """Return whether the rows bring times that go with their rate: what else is called so is drawn as even."""
        times = block.times
        if times is None or not np.isfinite(times).all() or block.rate is None:
            return False
        if len(times) < 2:
            return True
        return bool(1 / 3 < (times[-1] - times[0]) * block.rate / (len(times) - 1) < 3)

    def _strayed(self, block: Block) -> bool:
        """Return whether rows without a rate come so much faster that what is kept of them is too short."""
        if block.rate is not None or self._measured is None:
            return False
        began, first = self._measured
        past = monotonic() - began
        if past < 2.0:
            return False
        rate = (block.first + block.n - first) / past
        self._measured = (monotonic(), block.first + block.n)
        if rate > 2 * self._rate:
            self._rate = rate
            return True
        return False

    def _top(self, name: str, column: Any, block: Block) -> float | None:
        """Return the highest frequency of a spectrum of all that its window allows, in Hz."""
        nodes = () if self.graph is None else self.graph.nodes
        node = next((node for node in nodes if node.name == name), None)
        window = getattr(node, "window_size", None)
        if node is None or window is None or block.rate is None or column.shape[-1] != window // 2 + 1:
            return None
        return float(block.rate / float(block.paces.get(node.inputs[0], ROWS).every) / 2)

    def words(self) -> dict[str, str]:
        """Return the newest value of each column that is no number."""
        return {panel.name: panel.newest for panel in self.panels if panel.kind == "text" and panel.newest is not None}


def _array(column: Any) -> Any:
    if hasattr(column, "detach"):
        column = column.detach().cpu()  # a tensor
    return np.asarray(column)
