"""One argument of a node, and how it changes from update to update."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypedDict

from headrace.errors import ParameterOutOfRangeError, StreamConfigError
from headrace.trees.schedule import Schedule
from headrace.trees.sequence import Row, row_of

if TYPE_CHECKING:
    from headrace.trees.store import ParameterStore


class ParameterOutOfRangeStrategy(StrEnum):
    """What a parameter does behind the last value of its schedule."""

    HOLD = "hold"
    CYCLE = "cycle"
    RAISE_EXCEPTION = "raise exception"


ParameterOutOfRangeStrategyLit = Literal["hold", "cycle", "raise exception"]

_CLOCK = count(1)


class ParameterDict(TypedDict, total=False):
    """A parameter as a dict."""

    name: str
    value: Any
    schedule: Iterable[Any]
    strategy: ParameterOutOfRangeStrategyLit


ScopedParameterDict = dict[str, ParameterDict | dict[str, ParameterDict]]


class Parameter:
    """A value, and the values that it takes with later updates.

    Parameters
    ----------
    name
        How functions call it; without a dot.
    value
        The first value. Without one, the first of ``schedule``. A value may itself move with the sample's number:
        see :func:`headrace.trees.abrupt`.
    schedule
        The values after it, one for each update: any iterable, along the first axis of an array. Iterators are drawn
        as far as they are needed, and never copied.
    strategy
        Behind the last: ``"hold"`` it, ``"cycle"`` through the schedule again, or ``"raise exception"``.

    Raises
    ------
    StreamConfigError
        For a name with a dot, an unknown strategy, a cycle without a schedule.
    ParameterOutOfRangeError
        While updating, behind the last value, where the strategy says so.

    Examples
    --------
    >>> from headrace.trees import Parameter
    >>> x = Parameter("x", 5, [1, 2], "cycle")
    >>> x.value, [x.update() for _ in range(4)]
    (5, [1, 2, 1, 2])
    >>> x[1], x.update()
    (1, 2)
    """

    latest: ClassVar[int] = 0  # when any parameter last changed: a tree looks at that before it looks at its own

    def __init__(
        self,
        name: str = "param",
        value: Any = None,
        schedule: Iterable[Any] | Schedule | None = None,
        strategy: ParameterOutOfRangeStrategyLit | ParameterOutOfRangeStrategy = "hold",
    ) -> None:
        if not isinstance(name, str) or "." in name:
            raise StreamConfigError(
                f"Parameter(name) got {name!r}, wanted a text without a dot: that parts a scope from a name."
            )
        if isinstance(schedule, Schedule):
            if value is not None:
                raise StreamConfigError(
                    f"Parameter({name!r}) got value={value!r} and a schedule by sample number, which has its own first "
                    "value.\n  Give one of them."
                )
            value, schedule = schedule, None
        try:
            self.strategy: ParameterOutOfRangeStrategy = ParameterOutOfRangeStrategy(strategy)
        except ValueError:
            known = ", ".join(repr(kind.value) for kind in ParameterOutOfRangeStrategy)
            raise StreamConfigError(
                f"Parameter({name!r}, strategy=) got {strategy!r}, wanted one of {known}."
            ) from None
        if schedule is None and self.strategy == "cycle":
            raise StreamConfigError(f"Parameter({name!r}) got strategy='cycle' without a schedule to cycle through.")
        self._name = name
        self.first: Any = value
        self.row: Row | None = None if schedule is None else row_of(schedule)
        self.step: int = 0
        self._value: Any = None
        self.changed: int = 0
        self._set(self.value_at(0))

    @property
    def name(self) -> str:
        """How functions call it."""
        return self._name

    @name.setter
    def name(self, name: str) -> None:
        self._name = name
        self._set(self._value)

    @property
    def value(self) -> Any:
        """The value now. Setting it holds until the next update."""
        return self._value

    @value.setter
    def value(self, value: Any) -> None:
        self._set(value)

    @property
    def schedule(self) -> Iterator[Any] | None:
        """The values still to come; None without a schedule. Reading them moves nothing."""
        return None if self.row is None else self._coming()

    def _coming(self) -> Iterator[Any]:
        for step in count(self.step + 1):
            try:
                if not self.moves_at(step):
                    return
            except ParameterOutOfRangeError:
                return
            yield self.value_at(step)

    def moves_at(self, step: int) -> bool:
        """Tell whether the schedule has a value for this step, rather than that of the last one held."""
        if self.row is None or step <= 0:
            return False
        k = step - (self.first is not None)
        return self.row.has(k) or (self.strategy == "cycle" and self.row.has(0))

    def value_at(self, step: int) -> Any:
        """Return the value after ``step`` updates, without moving there.

        Raises
        ------
        ParameterOutOfRangeError
            Behind the last value, where the strategy says so.
        """
        row, k = self.row, step - (self.first is not None)
        if row is None or k < 0:
            return self.first
        if row.has(k):
            return row[k]
        n = row.length
        assert n is not None  # or it would have the value
        if self.strategy == "cycle" and n:
            return row[k % n]
        if self.strategy == "raise exception" and step > 0:
            raise ParameterOutOfRangeError(
                f"parameter {self.name!r} got asked for step {step}, wanted one of 0 to {n - 1 + (self.first is not None)}:"
                " its schedule ends there.\n  Choose strategy='hold' or 'cycle' to go on."
            )
        return row[n - 1] if n else self.first

    def update(self) -> Any:
        """Take the next value of the schedule and return it; without one, or behind its end, the value as it is.

        Raises
        ------
        ParameterOutOfRangeError
            Behind the last value, where the strategy says so.
        """
        if self.row is not None:
            following = self.step + 1
            value = self.value_at(following) if self.strategy != "hold" or self.moves_at(following) else self._value
            self.step = following
            self._set(value)
        return self._value

    def __getitem__(self, step: int) -> Any:
        """Move to ``step``, counted from the first value, and return the value there. A negative one counts as 0."""
        step = max(0, int(step))
        value = self.value_at(step)
        self.step = step
        self._set(value)
        return value

    def become(self, other: Parameter) -> None:
        """Take over value and schedule of another, and stay the same object: nodes that share it follow."""
        self.first, self.row, self.strategy, self.step = other.first, other.row, other.strategy, other.step
        self._set(other.value)

    def _set(self, value: Any) -> None:
        self._value = value
        self.changed = Parameter.latest = next(_CLOCK)

    def __or__(self, other: Parameter) -> ParameterStore:
        from headrace.trees.store import ParameterStore  # which is made of parameters

        return ParameterStore([self, other])

    def __repr__(self) -> str:
        return f"{self.name}={self._value}"


def is_parameter(candidate: dict[str, Any]) -> bool:
    """Tell whether a dict describes a parameter: whether it has a value or a schedule.

    Examples
    --------
    >>> from headrace.trees import is_parameter
    >>> is_parameter({"schedule": [1, 2]}), is_parameter({"offset": 0.0})
    (True, False)
    """
    return isinstance(candidate, dict) and ("value" in candidate or "schedule" in candidate)
