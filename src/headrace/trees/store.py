"""Parameters by name, some of them in scopes: those of one node."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Self, SupportsIndex

from headrace.core.optional import optional
from headrace.errors import StreamConfigError
from headrace.trees.parameter import UNNAMED, Parameter, is_parameter, shown_value, step_number
from headrace.trees.rhythms import stepwise
from headrace.trees.schedule import Schedule, whole_number

if TYPE_CHECKING:
    import pandas as pd

_WIDTH = 80  # of a line of text


class ParameterStore:
    """Parameters by name: of all nodes at the top, of one node in the scope that has its name.

    Parameters
    ----------
    parameters
        A list of parameters; or a dict of values, of dicts with ``value``, ``schedule`` and ``strategy``, and of
        scopes, which are dicts of these. A Parameter can be in several of them, each with a name of its own for it: the
        store's names are those of the dict. Nothing of it is changed, but that a Parameter without a name takes the
        first one.

    Attributes
    ----------
    parameters : dict
        Parameters by name, and dicts of parameters by scope.

    Raises
    ------
    StreamConfigError
        For anything else, or scopes inside scopes.

    Examples
    --------
    >>> from headrace.trees import ParameterStore
    >>> store = ParameterStore({"length": 128, "ramp": {"height": {"value": 1.0, "schedule": [1.25, 1.5]}}})
    >>> print(store)
    {'length': 128, 'ramp.height': 1.0}
    >>> store.update()["ramp.height"], store["ramp.height"].value
    (1.25, 1.25)
    """

    parameters: dict[str, Any]

    def __init__(self, parameters: list[Parameter] | dict[str, Any] | None = None) -> None:
        self.parameters = {}
        if parameters is None:
            return
        if isinstance(parameters, dict):
            for name, value in parameters.items():
                self.parameters[name] = self._scope(name, value) if _is_scope(value) else _made(name, value)
        elif isinstance(parameters, list | tuple) and all(isinstance(p, Parameter) for p in parameters):
            for parameter in parameters:
                if self.parameters.setdefault(parameter.name, parameter) is not parameter:
                    raise StreamConfigError(
                        f"ParameterStore got two parameters named {parameter.name!r}, wanted names of their own.\n"
                        "  Give one another name, or put them into scopes: {'first': {'x': ...}, 'second': {'x': ...}}."
                    )
        else:
            raise StreamConfigError(
                f"ParameterStore got {parameters!r}, wanted a list of Parameters or a dict of values and scopes.\n"
                "  Write ParameterStore({'offset': 0.0, 'ramp': {'height': 1.0}})."
            )

    @staticmethod
    def _scope(scope: str, inside: dict[str, Any]) -> dict[str, Parameter]:
        deep = next((name for name, value in inside.items() if _is_scope(value)), None)
        if deep is not None:
            raise StreamConfigError(
                f"ParameterStore got the scope {deep!r} inside the scope {scope!r}, wanted parameters there.\n"
                "  A value that is a dict goes into {'value': ...}."
            )
        return {name: _made(name, value) for name, value in inside.items()}

    # --- what is in it --------------------------------------------------------------------------

    def named(self) -> Iterator[tuple[str, Parameter]]:
        """Yield (full name, parameter), those of scopes as ``scope.name``."""
        for name, found in self.parameters.items():
            if isinstance(found, dict):
                yield from ((f"{name}.{inside}", parameter) for inside, parameter in found.items())
            else:
                yield name, found

    def each(self) -> list[Parameter]:
        """Return all parameters, in the order of :meth:`named`."""
        every: list[Parameter] = []
        for found in self.parameters.values():
            every += found.values() if isinstance(found, dict) else (found,)
        return every

    @property
    def parameter_names(self) -> set[str]:
        """All full names."""
        return {name for name, _ in self.named()}

    @property
    def scopes(self) -> set[str]:
        """Names of the scopes."""
        return {name for name, found in self.parameters.items() if isinstance(found, dict)}

    def __getitem__(self, name: str) -> Parameter:
        scope, dot, inside = str(name).partition(".")
        found = self.parameters.get(scope)
        if dot:
            found = found.get(inside) if isinstance(found, dict) else None
        if not isinstance(found, Parameter):
            raise KeyError(name)
        return found

    def __setitem__(self, name: str, value: Any) -> None:
        """Put a parameter under a name, or make the one there a constant, for everyone who shares it."""
        scope, dot, inside = str(name).partition(".")
        place = self.parameters.setdefault(scope, {}) if dot else self.parameters
        if not isinstance(place, dict):
            raise StreamConfigError(
                f"ParameterStore[{name!r}] got a value for the scope {scope!r}, which is a parameter, wanted a scope.\n"
                "  Give the scope a name of its own."
            )
        own = inside if dot else scope
        if isinstance(value, Parameter):
            value.name = own
            place[own] = value
        elif isinstance(place.get(own), Parameter):
            place[own].become(Parameter(own, value))
        else:
            place[own] = Parameter(own, value)

    def get_params(self) -> dict[str, Any]:
        """Return the values now by full name, in the order of the names."""
        return {name: parameter.value for name, parameter in sorted(self.named(), key=lambda pair: pair[0])}

    def get_scope(self, scope: str) -> ParameterStore | None:
        """Return the parameters of a scope, the very objects, without its name; None when there is no such scope."""
        found = self.parameters.get(scope)
        if not isinstance(found, dict):
            return None
        store = ParameterStore()
        store.parameters = dict(found)
        return store

    # --- moving ---------------------------------------------------------------------------------

    def update(self) -> dict[str, Any]:
        """Advance every parameter once and return the values.

        Raises
        ------
        ParameterOutOfRangeError
            Behind the last value of a schedule whose strategy says so.
        """
        for parameter in dict.fromkeys(self.each()):
            parameter.update()
        return self.get_params()

    def set_update_step(self, step: SupportsIndex) -> None:
        """Move every parameter to ``step``, counted from its first value.

        Raises
        ------
        StreamConfigError
            When it is no whole number.
        ParameterOutOfRangeError
            Behind the last value of a schedule whose strategy says so.
        """
        step = step_number("set_update_step(step)", step)
        for parameter in self.each():
            parameter[step]

    # --- together -------------------------------------------------------------------------------

    def __or__(self, other: Parameter | ParameterStore) -> Self:
        """Take the parameters of another into this one, its own giving way to them, and return this one."""
        if isinstance(other, Parameter):
            self[other.name] = other
            return self
        if not isinstance(other, ParameterStore):
            return NotImplemented
        for name, found in other.parameters.items():
            if isinstance(found, dict):
                mine = self.parameters.get(name)
                self.parameters[name] = {**(mine if isinstance(mine, dict) else {}), **found}
            else:
                self.parameters[name] = found
        return self

    __ior__ = __or__

    # --- tables ---------------------------------------------------------------------------------

    def to_dataframe(self, number_of_update_steps: int = 0) -> pd.DataFrame:
        """Return the values now and after each of some updates, a row each. The store is moved by them.

        Raises
        ------
        StreamConfigError
            When it is no number of updates.
        ParameterOutOfRangeError
            Behind the last value of a schedule whose strategy says so.
        MissingExtraError
            When pandas is not installed.
        """
        number_of_update_steps = whole_number(
            "to_dataframe", "number_of_update_steps", number_of_update_steps, 0, "updates"
        )
        pandas = optional("pandas", "trees", "to_dataframe")
        rows = [self.get_params(), *(self.update() for _ in range(number_of_update_steps))]
        columns = {name: _column(pandas, [row[name] for row in rows]) for name in rows[0]}
        return pandas.DataFrame(columns, index=range(len(rows)))

    @staticmethod
    def from_dataframe(df: pd.DataFrame, clock: str = "step", every: int = 1) -> ParameterStore:
        """Return a store whose schedules are the columns of a table; a column ``scope.name`` is one of a scope.

        Parameters
        ----------
        df
            The table: a row for each step.
        clock
            ``"step"``: a row for each update. ``"sample"``: a row for each ``every`` samples, so that the values move
            while a stream runs.
        every
            How many samples have one row.

        Raises
        ------
        StreamConfigError
            For another clock, or ``every`` that is no number of samples.
        """
        if clock not in ("step", "sample"):
            raise StreamConfigError(
                f"from_dataframe(clock=) got {clock!r}, wanted 'step' or 'sample': which of the two "
                "moves the values.\n  'step' is by update(), 'sample' while a stream runs."
            )
        store = ParameterStore()
        for name in df.columns:
            values = df[name].tolist()
            made = Parameter(schedule=values) if clock == "step" else Parameter(value=stepwise(values, every=every))
            store[str(name)] = made
        return store

    # --- printing -------------------------------------------------------------------------------

    def __str__(self) -> str:
        values = self.get_params()
        line = repr(values)
        if len(line) <= _WIDTH:
            return line
        return "{\n" + ",\n".join(f"    {name!r}: {value!r}" for name, value in values.items()) + "\n}"

    def __repr__(self) -> str:
        named = sorted(self.named(), key=lambda pair: pair[0])
        return f"({', '.join(f'{_own(name)}={shown_value(p.value)}' for name, p in named)})"


def _own(name: str) -> str:
    """Return a full name without its scope."""
    return name.rpartition(".")[2]


def _is_scope(value: Any) -> bool:
    return type(value) is dict and not is_parameter(value)


def _made(name: str, value: Any) -> Parameter:
    if isinstance(value, Parameter):
        if value.name == UNNAMED:  # the caller's own name for it stays: another scope may have another
            value.name = name
        return value
    if type(value) is not dict:
        return Parameter(name, value)
    strange = sorted(map(str, value.keys() - {"name", "value", "schedule", "strategy"}))
    if strange:
        raise StreamConfigError(
            f"parameter {name!r} got {', '.join(map(repr, strange))}, wanted value, schedule and strategy alone.\n"
            "  A value that is a dict goes into {'value': ...}."
        )
    return Parameter(name, **{key: part for key, part in value.items() if key != "name"})


def _column(pandas: Any, values: list[Any]) -> Any:
    """Return a column whose cells may be lists or arrays."""
    if any(isinstance(value, list | tuple | Schedule) or hasattr(value, "shape") for value in values):
        column = pandas.Series([None] * len(values), dtype=object)
        for k, value in enumerate(values):
            column.iat[k] = value
        return column
    return values


def store_of(params: Any) -> ParameterStore:
    """Return the parameters that a tree is given as a store.

    Raises
    ------
    StreamConfigError
        When they are no store, dict, list of parameters, DataFrame or None.
    """
    if params is None:
        return ParameterStore()
    if isinstance(params, ParameterStore):
        return params
    if hasattr(params, "columns") and hasattr(params, "to_numpy"):
        return ParameterStore.from_dataframe(params)
    if isinstance(params, Parameter):
        params = [params]
    if isinstance(params, dict) or (isinstance(params, list | tuple) and all(isinstance(p, Parameter) for p in params)):
        return ParameterStore(params if isinstance(params, dict) else list(params))
    raise StreamConfigError(
        f"SamplingTree(params=) got {params!r}, wanted a ParameterStore, a dict, a list of Parameters, a DataFrame or "
        "None.\n  Write {'offset': 0.0, 'ramp': {'height': 1.0}}: by argument, or by node and argument."
    )
