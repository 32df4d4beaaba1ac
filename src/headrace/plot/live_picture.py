"""A figure of some columns of a system, with a buffer of its own."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from headrace.core.block import Block
from headrace.live import DataBuffer
from headrace.plot.figure import Figure
from headrace.plot.frontend_base import FrontendBase
from headrace.plot.live_data import LiveData, Reader
from headrace.plot.marks import Axis, Mark
from headrace.plot.svg import Svg


class LivePicture(FrontendBase):
    """A figure of columns of a system: the base of those here.

    Parameters
    ----------
    system
        A :class:`~headrace.live.System`.
    columns
        Which of its columns are kept.
    maxlen
        How many rows of them.
    read, mark, axes
        What the figure shows.

    Attributes
    ----------
    buffer : DataBuffer
        Its newest rows.
    figure : Figure
        What a notebook displays.
    """

    buffer: DataBuffer
    figure: Figure

    def __init__(
        self, system: Any, columns: Iterable[str], maxlen: int, read: Reader, mark: type[Mark], axes: Sequence[Axis]
    ) -> None:
        self.buffer = DataBuffer(maxlen=maxlen)
        live = LiveData(self.buffer, read)
        self.figure = Figure(live, [mark(live)], axes)
        self.figure.keeps = weakref.ref(self)
        self._columns = tuple(columns)
        super().__init__(system)

    def update(self, block: Mapping[str, Any]) -> None:
        """Take the rows of a block; one that has not all the columns yet is passed over."""
        if all(name in block for name in self._columns):
            self.buffer.extend(_part(block, self._columns))

    @property
    def axes(self) -> list[Axis]:
        """The axes of the figure."""
        return self.figure.axes

    @property
    def marks(self) -> list[Mark]:
        """The marks of the figure."""
        return self.figure.marks

    @property
    def widget(self) -> Any:
        """The widget of the figure: see :attr:`Figure.widget <headrace.plot.figure.Figure.widget>`."""
        return self.figure.widget

    def to_svg(self) -> Svg:
        """Return a drawing of what it shows now."""
        return self.figure.to_svg()

    def close(self) -> None:
        """Be given no more, and take the widget off the page; what it showed last stays. Twice is fine."""
        try:
            super().close()
        finally:
            self.figure.close()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {**self.figure._repr_mimebundle_(), "text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self._columns))})"


def _part(block: Mapping[str, Any], names: Iterable[str]) -> Mapping[str, Any]:
    """Return some columns of a block, with the paces they have."""
    columns = {name: block[name] for name in names}
    if not isinstance(block, Block):
        return columns
    paces = {name: pace for name, pace in block.paces.items() if name in columns}
    late = {name: latency for name, latency in block.latencies.items() if name in columns}
    return Block.of(columns, block.first, block.n, block.rate, paces, late, block.times, block.before)
