"""Parameters by name, some of them in scopes: those of one node."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Self, SupportsIndex

from headrace.core.checks import whole_number
from headrace.errors import StreamConfigError
from headrace.trees.changes import CHANGES
from headrace.trees.contents import Contents
from headrace.trees.counting import step_number
from headrace.trees.parameter import Parameter
from headrace.trees.tables import is_table, parameters_of, table_of
from headrace.trees.written import is_scope, parameter_of, scope_of, unknown

if TYPE_CHECKING:
    import pandas as pd


class ParameterStore(Contents):
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
    taken : bool
        Whether a tree has it.
    strict : bool
        Whether it takes no further names then: the nodes of a tree would not read them.

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
    >>> "length" in store, list(store)
    (True, ['length', 'ramp.height'])
    """

    taken: bool = False
    strict: bool = True

    def __init__(self, parameters: list[Parameter] | dict[str, Any] | None = None) -> None:
        self.parameters: dict[str, Any] = {}
        if parameters is None:
            return
        if isinstance(parameters, dict):
            for name, value in parameters.items():
                self.parameters[name] = scope_of(name, value) if is_scope(value) else parameter_of(name, value)
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

    # --- changing it ----------------------------------------------------------------------------

    def __setitem__(self, name: str, value: Any) -> None:
        """Put a parameter under a name, or make the one there a constant, for everyone who shares it.

        Raises
        ------
        StreamConfigError
            For the name of a scope, a scope that is a parameter, or a new name where a tree has this store: what is added
            to it none of its nodes would read.
        """
        scope, dot, inside = str(name).partition(".")
        place = self.parameters.get(scope, {}) if dot else self.parameters
        if not isinstance(place, dict):
            raise StreamConfigError(
                f"ParameterStore[{name!r}] got a value for the scope {scope!r}, which is a parameter, wanted a scope.\n"
                "  Give the scope a name of its own."
            )
        own = inside if dot else scope
        if isinstance(place.get(own), dict):
            raise StreamConfigError(
                f"ParameterStore[{name!r}] got {value!r} for a scope, wanted the name of a parameter.\n"
                f"  Those in it are {', '.join(repr(f'{name}.{inside}') for inside in place[own])}."
            )
        self._refuse_new([name])
        if name in self and not isinstance(value, Parameter):
            place[own].become(Parameter(own, value))
            return
        if isinstance(value, Parameter):
            value.name = own
        else:
            value = Parameter(own, value)
        place[own] = value
        if dot:
            self.parameters[scope] = place
        if self.taken:
            CHANGES.node_changed()  # its trees hand it to their nodes

    def _refuse_new(self, names: Iterable[str]) -> None:
        new = next((name for name in names if name not in self), None)
        if new is not None and self.taken and self.strict:
            got = f"ParameterStore[{new!r}] got a name that no parameter of its tree has"
            advice = "A tree reads the parameters that it was made with: make it with this one, or make another tree."
            raise StreamConfigError(unknown(got, new, list(self), (), advice))

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
        """Take the parameters of another into this one, its own giving way to them, and return this one.

        Raises
        ------
        StreamConfigError
            For new names where a tree has this store.
        """
        if isinstance(other, Parameter):
            self[other.name] = other
            return self
        if not isinstance(other, ParameterStore):
            return NotImplemented
        self._refuse_new(other)
        for name, found in other.parameters.items():
            if isinstance(found, dict):
                mine = self.parameters.get(name)
                self.parameters[name] = {**(mine if isinstance(mine, dict) else {}), **found}
            else:
                self.parameters[name] = found
        if self.taken:
            CHANGES.node_changed()
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
            "to_dataframe", number_of_update_steps, 0, name="number_of_update_steps", things="updates"
        )
        return table_of(self.get_params() if k == 0 else self.update() for k in range(number_of_update_steps + 1))

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
            For what is no table, or has no rows; for another clock, or ``every`` that is no number of samples.
        """
        store = ParameterStore()
        for name, parameter in parameters_of(df, clock, every):
            store[name] = parameter
        return store


def store_of(params: Any, *, strict: bool = True) -> ParameterStore:
    """Return the parameters that a tree is given as a store, which is the tree's from now on.

    Parameters
    ----------
    params
        The parameters.
    strict
        Whether the store takes no further names.

    Raises
    ------
    StreamConfigError
        When they are no store, dict, list of parameters, DataFrame or None.
    """
    store = _as_store(params)
    store.taken, store.strict = True, store.strict and strict
    return store


def _as_store(params: Any) -> ParameterStore:
    if params is None:
        return ParameterStore()
    if isinstance(params, ParameterStore):
        return params
    if is_table(params):
        return ParameterStore.from_dataframe(params)
    if isinstance(params, Parameter):
        return ParameterStore([params])
    if isinstance(params, dict):
        return ParameterStore(params)
    if isinstance(params, list | tuple) and all(isinstance(p, Parameter) for p in params):
        return ParameterStore(list(params))
    raise StreamConfigError(
        f"SamplingTree(params=) got {params!r}, wanted a ParameterStore, a dict, a list of Parameters, a DataFrame or "
        "None.\n  Write {'offset': 0.0, 'ramp': {'height': 1.0}}: by argument, or by node and argument."
    )
