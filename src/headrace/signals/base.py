"""What every signal is: a frozen description, ``init`` and ``step``; the state is a value that ``step`` never changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from fractions import Fraction
from functools import partial
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np

from headrace.core.block import ONE, ZERO, Pace
from headrace.core.items import same
from headrace.core.knob import Knob
from headrace.core.recipe import Recipe
from headrace.errors import DataError, StreamConfigError
from headrace.signals.checks import positive as positive
from headrace.signals.known import Example as Example
from headrace.signals.known import Rows as Rows
from headrace.signals.known import class_called as class_called
from headrace.signals.known import kind_of as kind_of
from headrace.signals.known import signal_class as signal_class
from headrace.signals.names import Array as Array
from headrace.signals.names import a_name as a_name
from headrace.signals.names import alike as alike
from headrace.signals.names import names as names
from headrace.signals.ranges import Range
from headrace.signals.turning import Turnable as Turnable
from headrace.signals.turning import as_now, see_values
from headrace.signals.turning import turnable as turnable

S = TypeVar("S")
_SEEN = ("init", "step", "every", "offset", "latency", "pace")  # what a signal computes, with the values of its knobs


class Signal(Recipe, Generic[S]):
    """A causal function of columns in time, by names: what it reads, what it is called.

    A subclass is a :func:`headrace.core.recipe.recipe` with a field for each input name, a field ``name`` and its
    parameters, in this order, and says in ``roles`` which fields are inputs. It writes :meth:`step`, and :meth:`init`
    where there is something to remember. A column is an array ``(rows, ...)``.

    Laws (:func:`headrace.testing.check_signal`): the same bytes however rows are cut, blocks of no row and of one
    included; output row k depends on input rows up to the one it stands at; neither rows nor state are written to;
    the state is plain (None, numbers, strings, arrays, and tuples and dicts of them).

    Attributes
    ----------
    roles : tuple of str
        The fields that name inputs. A field may be a tuple of names, or None for an input that is left out.
    tunable : tuple of str
        Parameters that may be turned while it runs and leave the state as it is; turning any other starts it afresh.
    every, offset : Fraction
        Input rows from one output row to the next, and the input row that output row 0 stands at.
    latency : Fraction
        How many input rows a value lies behind the row it is given with, where that is one number.
    ranges : dict
        Where parameters have bounds of their own, beside those that their names have everywhere: for forms.
    """

    roles: ClassVar[tuple[str, ...]] = ("x",)
    tunable: ClassVar[tuple[str, ...]] = ()
    valued: ClassVar[bool] = True
    ranges: ClassVar[Mapping[str, Range]] = {}
    name: str

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        see_values(cls, _SEEN)

    def init(self, *head: Array) -> S | Any:
        """Return the state before the first row. Of ``head``, rows of the inputs, only dtypes and row shapes count."""
        return None

    def step(self, state: Any, *rows: Array) -> tuple[Any, Any]:
        """Return (output rows, next state) for the next rows of the inputs, which may be none."""
        raise NotImplementedError(f"{type(self).__name__} needs a method step(state, *rows)")

    def check(self) -> None:
        """Bring the parameters to their normal form by ``fix``, or raise a StreamConfigError; no knob is among them."""

    def __post_init__(self) -> None:
        who = type(self).__name__
        for role in self.roles:
            value = getattr(self, role)
            if isinstance(value, list | tuple):
                self.fix(**{role: names(who, value)})
            elif value is not None or role not in self._left_out():
                a_name(who, value)
        if not isinstance(self.name, str) or not self.name:
            raise StreamConfigError(
                f"{who}(name=) got {self.name!r}, wanted what to call its output.\n  Give a text that is not empty."
            )
        self._plain_numbers()
        if not self.knobs:
            self.check()
            return
        self.settled()
        for name, knob in self.knobs.items():
            knob.guard(partial(_try, name), self)

    def _plain_numbers(self) -> None:
        """Make Python's numbers of numpy's, which would give other dtypes than those that JSON brings back."""
        for name in self.parameter_names():
            value = self.__dict__.get(name)
            if isinstance(value, np.number | np.bool_):
                self.fix(**{name: value.item()})

    @property
    def knobs(self) -> dict[str, Knob[Any]]:
        """Its parameters that may be turned from outside while it runs."""
        known: dict[str, Knob[Any]] | None = self.__dict__.get("_knobs")
        if known is None:
            known = {k: v for k, v in self.settings.items() if isinstance(v, Knob)}
            self.fix(_knobs=known)
        return known

    def settled(self, values: dict[str, Any] | None = None) -> Any:
        """Return a copy without knobs: with the values they have now, or with those that are given.

        Raises
        ------
        StreamConfigError
            When a value cannot be used.
        """
        now = {name: knob.value for name, knob in self.knobs.items()}
        twin = self.with_(**{**now, **(values or {})})
        twin._plain_numbers()
        twin.check()
        return twin

    def keeps(self, old: Any) -> bool:
        """Tell whether it can go on with the state of ``old``, of its own class and inputs: where only what is tunable differs."""
        a, b = old.settings, self.settings
        return all(name in self.tunable or a[name] is b[name] or bool(same(a[name], b[name])) for name in a)

    def carry(self, old: Any, state: Any) -> Any:
        """Return the state to go on with where ``old`` had one, and :meth:`keeps` says that it can."""
        return state

    def having(self, values: dict[str, Any]) -> Any:
        """Return a signal with other parameters.

        Raises
        ------
        StreamConfigError
            When it has no such parameter, or cannot use the value.
        """
        for name in values:
            if name not in self.settings:
                from headrace.signals.order import nearest  # which is not needed to make signals

                raise StreamConfigError(
                    f"{self!r} has no parameter {name!r}, wanted one of its own.\n  {nearest(name, self.settings)}"
                )
        return self.from_params({**self.params(), **values})

    # --- its pace -------------------------------------------------------------------------------

    @property
    def every(self) -> Fraction:
        return ONE

    @property
    def offset(self) -> Fraction:
        return ZERO

    @property
    def latency(self) -> Fraction:
        return ZERO

    @property
    def pace(self) -> Pace:
        """Where its rows stand among those of its inputs."""
        return Pace(self.every, self.offset)

    # --- as a function --------------------------------------------------------------------------

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of its inputs, in the order in which ``step`` takes them."""
        found: list[str] = []
        for role in self.roles:
            value = getattr(self, role)
            found += value if isinstance(value, tuple) else [] if value is None else [value]
        return tuple(found)

    @classmethod
    def parameter_names(cls) -> tuple[str, ...]:
        """The names of its parameters."""
        return tuple(each.name for each in fields(cls) if each.name not in (*cls.roles, "name"))  # type: ignore[arg-type]  # @signal_class makes it a dataclass

    @classmethod
    def _left_out(cls) -> tuple[str, ...]:
        """Return the inputs that may be None."""
        return tuple(each.name for each in fields(cls) if each.name in cls.roles and "None" in str(each.type))  # type: ignore[arg-type]  # as above

    @property
    def settings(self) -> dict[str, Any]:
        """Its parameters."""
        return self.stored

    def contents(self) -> dict[str, Any]:
        """Return its parameters whose content counts, since no name tells it: models."""
        return {}

    @property
    def stored(self) -> dict[str, Any]:
        """All fields but the inputs and the name, which is what is written as JSON."""
        return {k: v for k, v in self.params().items() if k not in self.roles and k != "name"}

    def __call__(self, *rows: Any) -> Any:
        """Return the output for whole columns, one for each input, from a fresh start; or for a mapping of columns.

        Tensors give a tensor, on their device, a Series a Series where there is one number a row, DataArrays a DataArray
        with their coordinates; a Block, dict, DataFrame or Dataset gives what :class:`headrace.signals.Graph` gives for it.

        Examples
        --------
        >>> import headrace.signals as s
        >>> s.Difference("a", "b", name="d")([3, 4], [1, 1]).tolist()
        [2, 3]
        """
        from headrace.signals.forms import (  # which knows other libraries by their looks
            columns_of,
            is_data_array,
            is_mapping,
            is_series,
            one_library,
        )

        if len(rows) == 1 and is_mapping(rows[0]):
            from headrace.signals.graph import Graph

            return Graph([self])(rows[0])
        if len(rows) != len(self.inputs):
            told = ", ".join(map(repr, self.inputs)) or "none"
            raise DataError(
                f"{self!r} got {len(rows)} columns, wanted one for each input: {told}.\n  Give them in this order."
            )
        if any(map(is_data_array, rows)):
            from headrace.signals.labelled import signal_of_data_arrays

            return signal_of_data_arrays(self, rows)
        one_library(self.inputs, rows, repr(self))
        arrays, back = columns_of(rows, repr(self))
        now = as_now(self)
        made = back(now.step(now.init(*(a[:0] for a in arrays)), *arrays)[0])
        lead = next(filter(is_series, rows), None)
        if lead is not None:
            from headrace.signals.whole import signal_of_series

            return signal_of_series(now, made, lead)
        return made

    def apply(self, source: Any) -> Any:
        """Return a stream of blocks with this signal added: ``stream | signal``."""
        from headrace.signals.graph import Graph

        return Graph([self]).apply(source)

    def __ror__(self, source: Any) -> Any:
        return self.apply(source)

    @classmethod
    def from_params(cls, params: dict[str, Any]) -> Any:
        many = [role for role in cls.roles if isinstance(params.get(role), tuple | list)]
        if many and cls._variadic:
            rest = {k: v for k, v in params.items() if k not in many}
            return cls(*params[many[0]], **rest)
        return cls(**params)

    _variadic: ClassVar[bool] = False  # whether the constructor takes its inputs as *names

    def __repr__(self) -> str:
        told = [*map(repr, self.inputs), f"name={self.name!r}"]
        told += [f"{name}={value!r}" for name, value in self.settings.items()]
        return f"{type(self).__name__}({', '.join(told)})"


class Many(Signal[None]):
    """A signal of one or more inputs, given as ``*names`` or as a list of them; the base of such signals."""

    xs: tuple[str, ...]
    name: str
    roles: ClassVar[tuple[str, ...]] = ("xs",)
    _variadic = True

    def __init__(self, *inputs: Any, name: str) -> None:
        self.fix(xs=names(type(self).__name__, inputs), name=name)
        self.__post_init__()


def _try(name: str, signal: Any, value: Any) -> None:
    signal.settled({name: value})
