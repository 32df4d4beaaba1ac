"""Parameters as a table: a column for each, a row for each step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from headrace.core.checks import whole_number
from headrace.core.optional import optional
from headrace.errors import StreamConfigError
from headrace.trees.parameter import Parameter
from headrace.trees.rhythms import stepwise
from headrace.trees.schedule import Schedule

if TYPE_CHECKING:
    import pandas as pd


def is_table(thing: Any) -> bool:
    """Tell whether something is a table with named columns, whichever library it is of."""
    return hasattr(thing, "columns") and hasattr(thing, "to_numpy")


def table_of(rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Return values by name, a dict for each row, as a table; rows are asked for once it is known that it can be made.

    Raises
    ------
    MissingExtraError
        When pandas is not installed.
    """
    pandas = optional("pandas", "trees", "to_dataframe")
    made = list(rows)
    columns = {name: _column(pandas, [row[name] for row in made]) for name in made[0]}
    return pandas.DataFrame(columns, index=range(len(made)))


def _column(pandas: Any, values: list[Any]) -> Any:
    """Return a column whose cells may be lists or arrays."""
    if any(isinstance(value, list | tuple | Schedule) or hasattr(value, "shape") for value in values):
        column = pandas.Series([None] * len(values), dtype=object)
        for k, value in enumerate(values):
            column.iat[k] = value
        return column
    return values


def parameters_of(table: Any, clock: str, every: int) -> Iterator[tuple[str, Parameter]]:
    """Yield (full name, parameter) for the columns of a table; see :meth:`headrace.trees.ParameterStore.from_dataframe`.

    Raises
    ------
    StreamConfigError
        For what is no table, or has no rows; for another clock, or ``every`` that is no number of samples.
    """
    if not is_table(table):
        raise StreamConfigError(
            f"from_dataframe got the {type(table).__name__} {table!r}, wanted a DataFrame: a column for each parameter.\n"
            "  ParameterStore({...}) takes a dict."
        )
    if clock not in ("step", "sample"):
        raise StreamConfigError(
            f"from_dataframe(clock=) got {clock!r}, wanted 'step' or 'sample': which of the two "
            "moves the values.\n  'step' is by update(), 'sample' while a stream runs."
        )
    every = whole_number("from_dataframe", every, 1, name="every", things="samples")
    names = [str(name) for name in table.columns]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise StreamConfigError(
            f"from_dataframe got two columns named {twice!r}, wanted a name of its own for each.\n  Rename one of them."
        )
    if names and not len(table):
        raise StreamConfigError(
            f"from_dataframe got a table without rows, with the columns {', '.join(map(repr, names))}, wanted at least one "
            "row: what the parameters begin with.\n  Check what it was cut down by."
        )
    for name, column in zip(names, table.columns, strict=True):
        values = list(table[column].tolist() if hasattr(table[column], "tolist") else table[column])
        own = name.rpartition(".")[2]
        if clock == "step":
            yield name, Parameter(own, schedule=values)
        else:
            yield name, Parameter(own, stepwise(values, every=every))
