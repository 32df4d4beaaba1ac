"""A signal and columns to examine it on: whole, in blocks, with the state saved between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from headrace.core.items import same
from headrace.signals.base import Signal
from headrace.testing.report import LawError

Columns = tuple[np.ndarray[Any, Any], ...]


class Case:
    """What a law looks at.

    Attributes
    ----------
    signal
        What is examined.
    columns
        Its input, which nobody may write into.
    n : int
        How many rows.
    rng
        Numbers of its own.
    law : str
        The law that is looked at, for errors.
    """

    def __init__(self, signal: Signal[Any], columns: Columns, cuts: int, seed: int) -> None:
        self.law: str = ""
        self.signal: Signal[Any] = signal
        self.columns: Columns = columns
        self.cuts: int = cuts
        self.rng: np.random.Generator = np.random.default_rng(seed + 1)
        self.n: int = len(columns[0])

    def broken(self, seen: str, wanted: str) -> LawError:
        """Return the error that says that the law is broken."""
        return LawError(self.law, seen, wanted, repr(self.signal))

    def whole(self, columns: Columns | None = None, signal: Any = None) -> tuple[Any, Any]:
        """Return (output, state) for all rows at once."""
        columns, signal = self.columns if columns is None else columns, signal or self.signal
        made, state = signal.step(signal.init(*(c[:0] for c in columns)), *columns)
        return np.asarray(made), state

    def sizes(self, cuts: int | None = None) -> Iterator[list[int]]:
        """Yield ways to cut the rows: one by one, then at random, with blocks of no row and of one among them."""
        yield [1] * self.n
        for _ in range(self.cuts if cuts is None else cuts):
            yield self.some_sizes()

    def some_sizes(self) -> list[int]:
        """Return one way to cut the rows at random."""
        sizes: list[int] = []
        while sum(sizes) < self.n:
            sizes.append(int(self.rng.choice([0, 1, 2, int(self.rng.integers(1, 80)), 64])))
        return sizes

    def in_blocks(
        self, sizes: list[int], between: Callable[[Any], Any] = lambda state: state, columns: Columns | None = None
    ) -> Any:
        """Return the output for rows that come in blocks."""
        columns = self.columns if columns is None else columns
        state, at, found = self.signal.init(*(c[:0] for c in columns)), 0, []
        for size in sizes:
            out, state = self.signal.step(state, *(c[at : at + size] for c in columns))
            found.append(np.array(out))
            state = between(state)
            at += size
        kinds = {(each.dtype, each.shape[1:]): len(each) for each in found}
        if len(kinds) > 1:
            told = ", ".join(f"of {n} rows {dtype} {shape}" for (dtype, shape), n in kinds.items())
            raise self.broken(f"blocks of one dtype and row shape give {told}", "one dtype and one row shape")
        return np.concatenate(found)

    def must_be_same(self, whole: Any, found: Any, sizes: list[int], wanted: str) -> None:
        """Raise unless two outputs are the same bytes."""
        if not same(whole, found):
            raise self.broken(differ(whole, found, sizes), wanted)


def differ(a: Any, b: Any, sizes: list[int]) -> str:
    """Return how the output in blocks differs from that for all rows."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return f"whole gives {a.dtype} {a.shape}, blocks of {sizes[:8]}... {b.dtype} {b.shape}"
    apart = np.argwhere(~((a == b) | ((a != a) & (b != b))))
    if not len(apart):
        return "only the sign of a zero or the kind of a NaN differs"
    at = tuple(apart[0])
    return f"{len(apart)} values differ with blocks of {sizes[:8]}..., first at {at}: {a[at]!r} and {b[at]!r}"


def same_values(a: Any, b: Any) -> bool:
    """Tell whether two arrays have the same values, NaN for NaN."""
    return bool(a.dtype == b.dtype and a.shape == b.shape and ((a == b) | ((a != a) & (b != b))).all())
