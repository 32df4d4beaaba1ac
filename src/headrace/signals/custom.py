"""A user's own function of columns as a signal, by a decorator."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from fractions import Fraction
from typing import Any, ClassVar, overload

import numpy as np

from headrace.core.plain import where_is
from headrace.errors import DataError, StreamConfigError
from headrace.signals.base import Array, Signal, names, signal_class
from headrace.signals.contents import content_of

_NO: Any = inspect.Parameter.empty


@overload
def signal(function: Callable[..., Any]) -> Kind: ...
@overload
def signal(*, state: Any = ..., latency: Fraction | int = ...) -> Callable[[Callable[..., Any]], Kind]: ...
def signal(
    function: Callable[..., Any] | None = None, *, state: Any = _NO, latency: Fraction | int = 0
) -> Kind | Callable[[Callable[..., Any]], Kind]:
    """Make a function of columns a kind of signal: called with input names, ``name=`` and its parameters, it gives one.

    The function takes the next rows of each input, ``(rows, ...)``, one or more of them, and parameters by keyword, and
    returns as many rows. In a graph it is first asked about one row of ones, to see what dtype and shape it gives.
    With ``state``, it takes the state first and returns ``(rows, state)``; a new one, since states are values.

    Parameters
    ----------
    function
        The function; left out where the decorator has arguments.
    state
        The state before the first row, or a function that makes it of the first rows' dtypes and shapes.
    latency
        How many rows its values lie behind the row they are given with.

    Raises
    ------
    StreamConfigError
        When it is no function, or is called with parameters that the function does not take.

    Examples
    --------
    >>> import numpy as np
    >>> @signal
    ... def weighted(a, b, *, weight=0.5):
    ...     return weight * a + (1 - weight) * b
    >>> weighted("left", "right", name="mean")([1.0, 2.0], [3.0, 6.0]).tolist()
    [2.0, 4.0]
    >>> @signal(state=0)
    ... def numbered(before, x):
    ...     return before + np.arange(len(x)), before + len(x)
    >>> numbered("x", name="i")([5.0, 5.0, 5.0]).tolist()
    [0, 1, 2]
    """
    if function is None:
        return lambda function: _kind(function, state, latency)
    return _kind(function, state, latency)


def _kind(function: Callable[..., Any], state: Any, latency: Fraction | int) -> Kind:
    if not callable(function) or isinstance(function, type | Signal):
        raise StreamConfigError(
            f"signal got {function!r}, wanted a function of columns.\n  A class of signals is decorated with signal_class."
        )
    return Kind(function, state, Fraction(latency))


class Kind:
    """A kind of signal made of a function: call it with input names, ``name=`` and parameters."""

    function: Callable[..., Any]
    __name__: str
    __qualname__: str

    def __init__(self, function: Callable[..., Any], state: Any, latency: Fraction) -> None:
        self.function, self._state, self._latency = function, state, latency
        self.__doc__, self.__name__ = function.__doc__, getattr(function, "__name__", type(function).__name__)
        self.__module__, self.__qualname__ = function.__module__, getattr(function, "__qualname__", self.__name__)

    def __call__(self, *inputs: Any, name: str, **settings: Any) -> Custom:
        """Return a signal called ``name``."""
        return Custom(self, *inputs, name=name, settings=tuple(settings.items()))

    def __reduce__(self) -> Any:
        """Pickle as its name: the module's function is this object."""
        return self.__qualname__

    def __repr__(self) -> str:
        return f"signal({where_is(self.function)})"


@signal_class(lambda: _example())
class Custom(Signal[Any]):
    """A signal made of a user's function: what calling a decorated function gives.

    Parameters
    ----------
    kind
        The decorated function.
    *inputs
        The names of its inputs.
    name
        What to call the output.
    settings
        The function's parameters, as pairs.
    """

    kind: Kind
    xs: tuple[str, ...]
    name: str
    settings_: tuple[tuple[str, Any], ...] = ()
    content: str = ""
    roles: ClassVar[tuple[str, ...]] = ("xs",)

    def __init__(
        self, kind: Kind, *inputs: Any, name: str, settings: Any = (), xs: Any = (), settings_: Any = ()
    ) -> None:
        self.fix(kind=kind, xs=names(repr(kind), xs or inputs), name=name)
        self.fix(settings_=tuple((str(k), _plain_number(v)) for k, v in (settings or settings_)))
        if isinstance(kind, Kind):
            self.fix(content=content_of(kind) and content_of(kind.function))
        self.__post_init__()

    def contents(self) -> dict[str, Any]:
        return {"kind": self.kind.function} if self.content else {}

    @property
    def stored(self) -> dict[str, Any]:
        return {name: value for name, value in super().stored.items() if name != "content" or value}

    @classmethod
    def from_params(cls, params: dict[str, Any]) -> Any:
        return cls(**{name: value for name, value in params.items() if name != "content"})

    @property
    def settings(self) -> dict[str, Any]:
        """The function's parameters, those with defaults included."""
        taken = inspect.signature(self.kind.function)
        first = len(self.xs) + (self.kind._state is not _NO)
        bound = taken.bind_partial(*[None] * first).arguments
        defaults = {
            each.name: each.default
            for each in taken.parameters.values()
            if each.default is not _NO and each.name not in bound
        }
        return {**defaults, **dict(self.settings_)}

    @property
    def tunable(self) -> tuple[str, ...]:  # type: ignore[override]  # the state is made without them
        return tuple(self.settings)

    def settled(self, values: dict[str, Any] | None = None) -> Any:
        now = {name: knob.value for name, knob in self.knobs.items()}
        given = {**dict(self.settings_), **now, **(values or {})}
        twin = self.with_(settings_=tuple(given.items()))
        twin.check()
        return twin

    def having(self, values: dict[str, Any]) -> Any:
        given = {**dict(self.settings_), **values}
        return self.from_params({**self.params(), "settings_": tuple(given.items())})

    @property
    def latency(self) -> Fraction:
        return self.kind._latency

    def check(self) -> None:
        if not isinstance(self.kind, Kind):
            raise StreamConfigError(
                f"Custom(kind) got {self.kind!r}, wanted a function made a signal.\n  Decorate it with headrace.signals.signal."
            )
        given = dict(self.settings_)
        rows: list[Any] = [None] * len(self.xs)
        first = [] if self.kind._state is _NO else [None]
        try:
            inspect.signature(self.kind.function).bind(*first, *rows, **given)
        except TypeError as error:
            raise StreamConfigError(
                f"{self.kind!r} got {len(rows)} inputs and parameters {given}, which it does not take: {error}.\n"
                "  Inputs come first, then name=, then what the function takes by keyword."
            ) from None

    def init(self, *head: Array) -> Any:
        state = self.kind._state
        return None if state is _NO else state(*head) if callable(state) else state

    def step(self, state: Any, *rows: Array) -> tuple[Array, Any]:
        if not len(rows[0]):
            return self._of_no_row(rows), state
        made, after = self._called(state, rows)
        if made.ndim == 0 or len(made) != len(rows[0]):
            raise DataError(
                f"{self.kind!r} got {len(rows[0])} rows and returned {made.shape}, wanted as many rows.\n"
                "  Axis 0 is time: return a value for each row."
            )
        return made, after

    def _called(self, state: Any, rows: Any) -> tuple[Array, Any]:
        given = dict(self.settings_)
        if self.kind._state is _NO:
            return np.asarray(self.kind.function(*rows, **given)), state
        try:
            made, state = self.kind.function(state, *rows, **given)
        except (TypeError, ValueError) as error:
            if error.__traceback__ is not None and error.__traceback__.tb_next is None:  # not from the function
                raise DataError(
                    f"{self.kind!r} has a state, and returned no pair, wanted rows and the next state.\n"
                    "  Return both, or leave state= out."
                ) from None
            raise
        return np.asarray(made), state

    def _of_no_row(self, rows: Any) -> Array:
        """Return what the function gives for no row, of which many functions know nothing: it is asked about a row of ones."""
        key = tuple((each.dtype.str, each.shape[1:]) for each in rows)
        known: dict[Any, Array] = self.__dict__.get("_heads") or {}
        if key not in known:
            one = [np.ones((1, *each.shape[1:]), each.dtype) for each in rows]
            try:
                made, _ = self._called(self.init(*rows), one)
            except DataError:
                raise
            except Exception as error:
                error.add_note(
                    f"  while asking {self.kind!r} about one row of ones, to see what it gives: it is to take any number of "
                    "rows from one on"
                )
                raise
            known = {**known, key: made[:0].copy()}
            self.fix(_heads=known)
        return known[key]

    def __repr__(self) -> str:
        told = [*map(repr, self.inputs), f"name={self.name!r}", *(f"{k}={v!r}" for k, v in self.settings_)]
        return f"{self.kind.__name__}({', '.join(told)})"


def _plain_number(value: Any) -> Any:
    """Return Python's number for one of numpy's, as JSON will."""
    return value.item() if isinstance(value, np.number | np.bool_) else value


@signal(state=lambda x: np.zeros(x.shape[1:], x.dtype))
def _running_sum(total: Any, x: Any, *, factor: float) -> Any:
    """Return the running sum of ``factor * x``."""
    sums = np.add.accumulate(np.concatenate([total[None], x.dtype.type(factor) * x]))
    return sums[1:], sums[-1].copy()


def _example() -> Custom:
    return _running_sum("x", name="y", factor=2.0)
