"""What every signal is: a frozen description, ``init`` and ``step``; the state is a value that ``step`` never changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from fractions import Fraction
from functools import partial
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar, dataclass_transform

import numpy as np

from headrace.core.block import ONE, ZERO, Pace
from headrace.core.knob import Knob
from headrace.core.recipe import Recipe, recipe
from headrace.core.registry import find, name_of, register
from headrace.errors import DataError, StreamConfigError

S = TypeVar("S")
C = TypeVar("C", bound=type)
Array = np.ndarray[Any, Any]
Rows = Callable[[np.random.Generator, int], tuple[Any, ...]]


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
    """

    roles: ClassVar[tuple[str, ...]] = ("x",)
    tunable: ClassVar[tuple[str, ...]] = ()
    valued: ClassVar[bool] = True
    name: str

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
            elif value is not None:
                a_name(who, value)
        if not isinstance(self.name, str) or not self.name:
            raise StreamConfigError(f"{who}(name=) got {self.name!r}, wanted what to call its output.")
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
                    f"{self!r} has no parameter {name!r}, wanted one of its own. {nearest(name, self.settings)}"
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
        return tuple(each.name for each in fields(cls) if each.name not in (*cls.roles, "name"))  # type: ignore[arg-type]

    @property
    def settings(self) -> dict[str, Any]:
        """Its parameters."""
        return self.stored

    @property
    def stored(self) -> dict[str, Any]:
        """All fields but the inputs and the name, which is what is written as JSON."""
        return {k: v for k, v in self.params().items() if k not in self.roles and k != "name"}

    def __call__(self, *rows: Any) -> Any:
        """Return the output for whole columns, one for each input, from a fresh start; or for a mapping of columns.

        Tensors give a tensor, on their device; a Block, dict, DataFrame or xarray object gives what
        :class:`headrace.signals.Graph` gives for it.

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
        )

        if len(rows) == 1 and is_mapping(rows[0]):
            from headrace.signals.graph import Graph

            return Graph([self])(rows[0])
        if len(rows) != len(self.inputs):
            told = ", ".join(map(repr, self.inputs)) or "none"
            raise DataError(f"{self!r} got {len(rows)} columns, wanted one for each input: {told}.")
        if any(map(is_data_array, rows)):
            from headrace.signals.whole import named

            return named(self, rows)
        arrays, back = columns_of(rows, repr(self))
        now = self.settled() if self.knobs else self
        return back(now.step(now.init(*(a[:0] for a in arrays)), *arrays)[0])

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


class Example(NamedTuple):
    """A signal and what to run it on, for the laws.

    Attributes
    ----------
    signal
        One that keeps something from row to row, where it can.
    rows
        ``rows(rng, n)`` makes float64 columns of ``n`` rows, one for each input.
    channels
        Whether each column may also be ``(n, k)``: then it is, for k of 1 and 3.
    """

    signal: Any
    rows: Rows
    channels: bool


@dataclass_transform(frozen_default=True, eq_default=False)
def signal_class(
    example: Callable[[], Any], *, rows: Rows | None = None, channels: bool = True, name: str | None = None
) -> Callable[[C], C]:
    """Return a decorator that makes a class a recipe of a signal known by its name, in JSON and to the laws.

    Parameters
    ----------
    example
        Makes one.
    rows
        ``rows(rng, n)``, the columns to try it on; by default standard normal numbers.
    channels
        Whether it takes columns of any number of channels.
    name
        What it is called in JSON; its class name by default.
    """

    def known(cls: C) -> C:
        made: C = recipe(cls)

        def one() -> Example:
            signal = example()
            return Example(signal, rows or _normal(len(signal.inputs)), channels)

        return register(f"signals.{name or cls.__name__}", example=one, kind="signal")(made)

    return known


def _normal(n_inputs: int) -> Rows:
    return lambda rng, n: tuple(rng.standard_normal(n) for _ in range(n_inputs))


def _try(name: str, signal: Any, value: Any) -> None:
    signal.settled({name: value})


def kind_of(signal: Any) -> str:
    """Return what a signal's class is called in JSON."""
    return name_of(type(signal)).removeprefix("signals.")


def class_called(kind: str) -> Any:
    """Return the signal class called ``kind`` in JSON.

    Raises
    ------
    RegistryError
        When there is none.
    """
    return find(f"signals.{kind}").make


# --- checks -----------------------------------------------------------------------------------------


def names(who: str, values: Any) -> tuple[str, ...]:
    """Return input names given as ``("a", "b")`` or as ``(["a", "b"],)``.

    Raises
    ------
    StreamConfigError
        When there is none, or one is no name.
    """
    if len(values) == 1 and isinstance(values[0], list | tuple):
        values = values[0]
    if not values:
        raise StreamConfigError(f"{who} got no input, wanted the names of one or more signals.")
    for value in values:
        a_name(who, value)
    return tuple(values)


def a_name(who: str, value: Any) -> str:
    """Return a name.

    Raises
    ------
    StreamConfigError
        When it is none.
    """
    if not isinstance(value, str) or not value:
        raise StreamConfigError(f"{who} got {value!r}, wanted the name of a signal.\n  Inputs come first, then name=.")
    return value


def positive(who: str, value: Any, *, whole: bool = False, zero: bool = False) -> Any:
    """Return a number above 0, or at least 0; a whole one as an int.

    Raises
    ------
    StreamConfigError
        For anything else.
    """
    wanted = f"a {'whole ' if whole else ''}number {'of at least 0' if zero else 'above 0'}"
    try:
        number = int(value) if whole else float(value)
        if isinstance(value, bool | str) or number != value or number < 0 or (not zero and number == 0):
            raise ValueError
        if number == float("inf"):
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise StreamConfigError(f"{who} got {value!r}, wanted {wanted}.") from None
    return number


def alike(who: Any, *rows: Array) -> None:
    """Raise a DataError that begins with ``who``, which is printed only then, unless all rows have one shape."""
    shape = rows[0].shape
    for each in rows:  # no generator: it is asked before every step
        if each.shape != shape:
            raise DataError(
                f"{who} got inputs of shapes {', '.join(str(each.shape) for each in rows)}, wanted one shape.\n"
                "  Choose a channel with ExtractDimension, or make them alike with Reshape."
            )
