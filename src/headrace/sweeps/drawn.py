"""Random settings: row ``i`` of a sampler is the same however many are drawn at once, in whatever order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from headrace.core.functions import name_of_function, takes_rng
from headrace.core.key import Key
from headrace.errors import StreamConfigError
from headrace.sweeps.arguments import parameters_needed
from headrace.sweeps.parse import check_no_rng

_CHOICES = 1  # the branch of a lane that choices come from; functions draw from branch 0


def drawn(combos: Mapping[Any, Any], key: Key, first: int, n: int) -> tuple[tuple[str, ...], list[list[Any]]]:
    """Return settings as columns: the names of arguments, and ``n`` values of each.

    Parameters
    ----------
    combos
        For each argument: a function that draws a value (a parameter ``rng`` is filled with the generator of the row), a
        distribution of ``scipy.stats``, a sequence to choose from, or a value. A tuple of names has rows of values.
    key
        Where random numbers are.
    first
        The number of the first row.

    Raises
    ------
    StreamConfigError
        When there is nothing to choose from, or what comes does not fit the names.

    Examples
    --------
    >>> names, columns = drawn({"a": [1, "x", (2, 3)], "b": lambda rng: rng.random()}, Key(7), 0, 5)
    >>> drawn({"a": [1, "x", (2, 3)], "b": lambda rng: rng.random()}, Key(7), 3, 2)[1] == [c[3:] for c in columns]
    True
    """
    names: list[str] = []
    columns: list[list[Any]] = []
    for name, values in combos.items():
        column = _column(name, values, key.child("draw", repr(name)), first, n)
        if isinstance(name, tuple):
            names += name
            columns += _unzipped(name, column)
        else:
            names.append(name)
            columns.append(column)
    if any(not isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise StreamConfigError(
            f"a Sampler got the arguments {names}, wanted names, each once.\n  A tuple of names has rows of values."
        )
    check_no_rng(names)
    return tuple(names), columns


def _column(name: Any, values: Any, key: Key, first: int, n: int) -> list[Any]:
    if hasattr(values, "propose"):
        raise StreamConfigError(
            f"a Sampler got {values!r} for {name!r}, wanted what a row's value is drawn from: it goes by results."
            "\n  Run it with a Runner or a Harvester, or give a distribution of scipy.stats."
        )
    if hasattr(values, "rvs"):  # of scipy.stats
        lane = key.lane()
        return [values.rvs(random_state=lane.at(i)) for i in range(first, first + n)]
    if callable(values):
        return _called(name, values, key, first, n)
    if isinstance(values, str) or not isinstance(values, Iterable):
        return [values] * n
    if hasattr(values, "dims") and hasattr(values, "values"):  # a DataArray would give DataArrays
        values = values.values
    listed = values if isinstance(values, list | tuple | range) else list(values)
    if not listed:
        raise StreamConfigError(
            f"a Sampler got no values for {name!r}, wanted some to choose from.\n  Give a list, a function or a value."
        )
    size = len(listed)
    at = (key.lane().uniforms(first, n, _CHOICES) * size).astype(int)
    return [listed[k] for k in at.tolist()]


def _called(name: Any, function: Any, key: Key, first: int, n: int) -> list[Any]:
    needed = parameters_needed(function)
    if needed:
        raise StreamConfigError(
            f"a Sampler got {name_of_function(function)} for {name!r}, which needs {', '.join(needed)}, wanted a function that "
            "is called without arguments.\n  A parameter named rng is filled with a generator of the row's own."
        )
    try:
        if not takes_rng(function):
            return [function() for _ in range(n)]
        lane = key.lane()
        return [function(rng=lane.at(i)) for i in range(first, first + n)]
    except Exception as error:
        error.add_note(f"  while drawing values for {name!r}, rows {first} to {first + n - 1}")
        raise


def _unzipped(names: tuple[str, ...], rows: list[Any]) -> list[list[Any]]:
    try:
        whole = [tuple(row) for row in rows]
    except TypeError:
        whole = [()]
    if any(len(row) != len(names) for row in whole):
        raise StreamConfigError(
            f"a Sampler got rows for {names} of other lengths, wanted {len(names)} values in each.\n"
            "  Columns become rows by zipped(a, b)."
        )
    return [[row[k] for row in whole] for k in range(len(names))]


class WithRow:
    """A function with a parameter ``rng``, called with the number of a row instead: the row's own generator is filled in.

    Parameters
    ----------
    fn
        The function.
    key
        Where random numbers are.
    """

    def __init__(self, fn: Any, key: Key) -> None:
        self.fn: Any = fn
        self.key: Key = key
        self._lane: Any = None
        self.__qualname__ = getattr(fn, "__qualname__", type(fn).__qualname__)
        self.__module__ = getattr(fn, "__module__", __name__)

    def __call__(self, /, *, _row: int, **settings: Any) -> Any:
        if self._lane is None:
            self._lane = self.key.lane()
        return self.fn(**settings, rng=self._lane.at(_row))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_lane": None}
