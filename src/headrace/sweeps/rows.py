"""Rows of a sampler's ledger as tables."""

from __future__ import annotations

from typing import Any

from headrace.core.optional import optional
from headrace.store.ledger import DONE, Point
from headrace.sweeps.labels import column_of
from headrace.sweeps.merging import equal
from headrace.sweeps.view import as_frame


def row_key(number: int) -> bytes:
    """Return what a ledger knows a row by: eight bytes, in order."""
    return number.to_bytes(8, "big")


def frame_of_points(points: list[Point]) -> Any:
    """Return rows of a ledger as a table, in their order, those of failed calls left out; None for none."""
    done = sorted([point for point in points if point.state == DONE], key=lambda point: point.key)
    if not done:
        return None
    parts, at = [], 0
    while at < len(done):
        layout, end = done[at].layout, at
        while end < len(done) and done[end].layout is layout:
            end += 1
        some = done[at:end]
        made = {}
        for name, column in zip(layout["args"], zip(*[point.coords for point in some], strict=True), strict=False):
            made[name] = column_of(column)
        for name, value in (*layout["constants"].items(), *layout["attrs"].items()):
            made.setdefault(name, column_of([value] * len(some)))
        for name, column in zip(layout["vars"], zip(*[point.value for point in some], strict=True), strict=False):
            made[name] = column_of(column)
        parts.append(as_frame(made, len(some)))
        at = end
    return joined(parts)


def joined(parts: list[Any]) -> Any:
    """Return tables as one, their columns in the order of the first; those that some lack hold NaN or None there."""
    pd = optional("pandas", "sweeps", "a Sampler")
    return parts[0] if len(parts) == 1 else pd.concat(parts, ignore_index=True)


def values_of(column: Any) -> list[Any]:
    """Return the values of a column of a table: of Python's types where these are as exact."""
    values = column.to_numpy()
    return list(values) if values.dtype.kind in "Mm" or values.dtype.char not in "?dlDO" else list(values.tolist())


def begins_with(df: Any, mine: Any) -> bool:
    """Tell whether the first rows of a table are those of another."""
    head = df.iloc[: len(mine)]
    return list(map(str, head.columns)) == list(map(str, mine.columns)) and all(
        equal(a, b) for name in mine.columns for a, b in zip(values_of(head[name]), values_of(mine[name]), strict=True)
    )
