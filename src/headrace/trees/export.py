"""A tree for learners that take one row at a time, with the places where they should notice something."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from headrace.core.checks import whole_number
from headrace.core.stream import Stream
from headrace.errors import DataError
from headrace.trees.drift import drifts_of

if TYPE_CHECKING:
    from headrace.trees.tree import SamplingTree


class RiverRows:
    """Rows ``({"x0": ..., "x1": ...}, label)`` as river takes them; each loop over them begins anew.

    Made by :func:`to_river`.

    Attributes
    ----------
    change_points : list of int
        The numbers of the rows where a change by sample number begins.
    """

    def __init__(self, stream: Stream[Any], first: int, n: int, names: Sequence[str] | None, points: list[int]) -> None:
        self.stream: Stream[Any] = stream
        self.first: int = first
        self.n: int = n
        self.names: tuple[str, ...] | None = None if names is None else tuple(names)
        self.change_points: list[int] = points

    def __len__(self) -> int:
        return self.n

    def __iter__(self) -> Iterator[tuple[dict[str, Any], Any]]:
        with self.stream.open(at=self.first) as cursor:
            for item in islice(cursor, self.n):
                yield self._row(item)

    def take(self, n: int) -> Iterator[tuple[dict[str, Any], Any]]:
        """Yield the first ``n`` rows."""
        return islice(self, n)

    def _row(self, item: Any) -> tuple[dict[str, Any], Any]:
        if not isinstance(item, tuple) or len(item) != 2:
            raise DataError(
                f"to_river got a sample {type(item).__name__}, wanted (value, label).\n"
                "  Put a label at the end of each way through the tree."
            )
        value, label = item
        if isinstance(value, dict):
            return dict(value), label
        numbers = np.asarray(value).ravel().tolist()
        names = self.names or tuple(f"x{k}" for k in range(len(numbers)))
        if len(names) != len(numbers):
            raise DataError(
                f"to_river got {len(numbers)} features and {len(names)} names, wanted as many.\n"
                "  Leave names out to have x0, x1, ..."
            )
        return dict(zip(names, numbers, strict=True)), label


def to_river(tree: SamplingTree, n: int, names: Sequence[str] | None = None) -> RiverRows:
    """Return ``n`` rows of a tree as river takes them, from where it is; moves nothing.

    Parameters
    ----------
    tree
        A tree whose samples are (array of numbers, label) or (dict, label).
    n
        How many rows.
    names
        Names of the features of arrays; ``x0``, ``x1``, ... by default.

    Raises
    ------
    StreamConfigError
        When ``n`` is no number of rows.

    Examples
    --------
    >>> from headrace.trees import SamplingTree, abrupt, to_river
    >>> def point(_, offset, *, rng):
    ...     return rng.normal(offset, size=2)
    >>> tree = SamplingTree([point, {"a": "a", "b": "b"}], {"offset": abrupt(0.0, 3.0, at=50)})
    >>> rows = to_river(tree, 100)
    >>> x, y = next(iter(rows))
    >>> sorted(x), rows.change_points
    (['x0', 'x1'], [50])
    """
    n = whole_number("to_river", n, 0, name="n", things="rows")
    first = tree.position
    found = {drift.start for drift in drifts_of(tree, first + n, 0) if drift.clock == "sample"}
    points = sorted(start - first for start in found if first <= start < first + n)
    return RiverRows(tree.__recipe__(), first, n, names, points)
