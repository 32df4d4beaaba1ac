"""A graph as an op on a stream of blocks."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, Self

import numpy as np

from headrace.core.block import Block
from headrace.core.coerce import as_stream
from headrace.core.cursor import Cursor
from headrace.core.key import Key
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.core.stream import Stream, check_shard
from headrace.errors import DataError, StreamConfigError
from headrace.ops.base import END
from headrace.signals.forms import column, is_data_array, is_mapping
from headrace.signals.graph import Graph
from headrace.signals.run import Run


def _blocks() -> Any:
    rng = np.random.default_rng(0)
    return as_stream([{"x": rng.normal(size=i % 4), "y": rng.normal(size=i % 4)} for i in range(60)])


def _example() -> Derived:
    from headrace.signals import Integrate, Sum

    return Derived(_blocks(), Graph([Sum("x", "y", name="sum"), Integrate("sum", None, name="total")]))


@register("derived", example=_example)
@recipe
class Derived(Stream[Block]):
    """Blocks with the columns that a graph computes of them: what ``stream | graph`` is.

    Items are mappings of columns, or bare columns where the graph reads one input. Each pass begins with a fresh state;
    resuming is exact. Knobs among the parameters are followed, and their values are part of the state.

    Parameters
    ----------
    source
        A stream of blocks.
    graph
        What to compute.
    """

    source: Stream[Any]
    graph: Graph

    def __post_init__(self) -> None:
        self.fix(source=as_stream(self.source))
        if not isinstance(self.graph, Graph):
            raise StreamConfigError(f"Derived(graph) got {self.graph!r}, wanted a Graph.")

    @property
    def size(self) -> float | None:
        return self.source.size

    def shard(self, i: int, n: int) -> Self:
        """Raise: a graph remembers from block to block, and those of a part do not follow each other.

        Raises
        ------
        StreamConfigError
            Always.
        """
        check_shard(i, n)
        raise StreamConfigError(
            "a stream with a graph cannot be divided: signals remember from block to block.\n"
            "  Shard a mux or a list of recordings, and put the graph on each of them."
        )

    def start(self, key: Key) -> Cursor[Block]:
        return _Deriving(self, key)


class _Deriving(Cursor[Block]):
    inner = ("source",)
    stream: Derived

    def __init__(self, stream: Derived, key: Key) -> None:
        super().__init__(stream, key)
        self.source: Cursor[Any] = stream.source.open(key)
        self.graph_run = Run(stream.graph)
        self.held: list[Any] = []

    def run(self) -> Generator[Block, None, None]:
        run, one = self.graph_run, self.stream.graph.reads[0] if len(self.stream.graph.reads) == 1 else None
        while True:
            if not self.held:
                item = next(self.source.items, END)
                if item is END:
                    return
                self.held = [item]
            made = run(_columns(self.held[0], one))
            self.held = []
            self.count += 1
            yield made

    def pass_failed(self) -> None:
        self.held = []
        self.restart()

    def save(self) -> Any:
        return {**super().save(), "held": list(self.held), "run": self.graph_run.state_dict()}

    def load(self, saved: Any) -> None:
        self.held = list(saved["held"])
        self.graph_run.load_state_dict(saved["run"])
        super().load(saved)


def _columns(item: Any, one: str | None) -> Mapping[str, Any]:
    if is_mapping(item):
        columns: Mapping[str, Any] = item
        return columns
    if one is None:
        raise DataError(
            f"the graph got {type(item).__name__}, wanted a block: a dict of columns.\n"
            "  Make blocks of samples with hr.blocks(n), and dicts of tuples with hr.map."
        )
    return {one: item if is_data_array(item) else column(item, one)}
