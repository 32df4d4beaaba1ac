"""One argument of a node, and how it changes from update to update."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn, SupportsIndex

from headrace.core.knob import Knob
from headrace.errors import ParameterOutOfRangeError, StreamConfigError
from headrace.trees.changes import CHANGES as CHANGES  # "as": also to be had from here, like the next two
from headrace.trees.changes import TICKS
from headrace.trees.counting import step_number
from headrace.trees.forms import ParameterOutOfRangeStrategy as ParameterOutOfRangeStrategy
from headrace.trees.forms import ParameterOutOfRangeStrategyLit, shown_value
from headrace.trees.forms import is_parameter as is_parameter
from headrace.trees.schedule import Schedule, one_value
from headrace.trees.sequence import Listed, Row, row_of

if TYPE_CHECKING:
    from headrace.trees.store import ParameterStore

UNNAMED = "param"  # what a parameter is called for which no one has chosen a name


class Parameter:
    """A value, and the values that it takes with later updates.

    Parameters
    ----------
    name
        How functions call it; without a dot.
    value
        The first value. Without one, the first of ``schedule``. A value may itself move with the sample's number:
        see :func:`headrace.trees.abrupt`. What gives other values each time it is asked, as a generator, is none.
    schedule
        The values after it, one for each update: any iterable but a text, along the first axis of an array, the rows of a
        table. Iterators are drawn as far as they are needed, never copied, and for one parameter alone. A function is
        called with the number of the step.
    strategy
        Behind the last: ``"hold"`` it, ``"cycle"`` through the schedule again, or ``"raise exception"``.

    Raises
    ------
    StreamConfigError
        For a name with a dot, an unknown strategy, a cycle without a schedule, a value that is an iterator; for a schedule
        without values, that is a text, or an iterator that another parameter draws from.
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

    def __init__(
        self,
        name: str = UNNAMED,
        value: Any = None,
        schedule: Iterable[Any] | Callable[[int], Any] | Schedule | None = None,
        strategy: ParameterOutOfRangeStrategyLit | ParameterOutOfRangeStrategy = "hold",
    ) -> None:
        if not isinstance(name, str) or "." in name:
            raise StreamConfigError(
                f"Parameter(name) got {name!r}, wanted a text without a dot: that parts a scope from a name.\n"
                "  In a dict, a scope is a dict of its own: {'scope': {'name': ...}}."
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
        _one_value(name, value)
        self._name = name
        self.first: Any = value
        self.row: Row | None = None if schedule is None else self._row(schedule)
        self.step: int = 0
        self._value: Any = None
        self.changed: int = 0
        self._set(self.value_at(0))

    def _row(self, schedule: Any) -> Row:
        """Return the values of a schedule by number; where they are needed at once there have to be some."""
        row = row_of(schedule, int(self.first is not None), f"the schedule of parameter {self.name!r}")
        none = row.length == 0 if self.first is not None else not self._has(row, 0)
        if none and (self.first is None or self.strategy == "cycle"):
            raise StreamConfigError(
                f"the schedule of parameter {self.name!r} got no values, wanted at least one"
                f"{': the parameter begins with the first' if self.first is None else ' to cycle through'}.\n"
                "  Fill it, or give value= and no schedule for a parameter that stays as it is."
            )
        return row

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
        _one_value(self.name, value)
        self._set(value)

    @property
    def schedule(self) -> Iterator[Any] | None:
        """The values still to come; None without a schedule. Reading them moves nothing."""
        return None if self.row is None else Coming(self)

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
        if self._has(row, k):
            try:
                return row[k]
            except Exception as error:
                self._noted(error, k)
                raise
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

        What a schedule raises it raises for ever, and the parameter stays where it is.

        Raises
        ------
        ParameterOutOfRangeError
            Behind the last value, where the strategy says so.
        """
        row, step = self.row, self.step + 1
        if row is None:
            self.step = step
            CHANGES.latest = next(TICKS)  # no value has changed, and the step of its tree has
            return self._value
        held = self.strategy == "hold" and not self._has(row, step - (self.first is not None))
        value = self._value if held else self.value_at(step)
        self.step = step
        self._set(value)
        return self._value

    def _has(self, row: Row, k: int) -> bool:
        try:
            return row.has(k)
        except Exception as error:
            self._noted(error, k)
            raise

    def _noted(self, error: Exception, k: int) -> None:
        note = f"  in the schedule of parameter {self.name!r}, value {k}"
        if note not in getattr(error, "__notes__", ()):
            error.add_note(note)

    def foresee(self, step: int) -> None:
        """Raise what moving to ``step`` would raise."""
        if not (self.row is None or (isinstance(self.row, Listed) and self.strategy != "raise exception")):
            self.value_at(step)

    def __getitem__(self, step: SupportsIndex) -> Any:
        """Move to ``step``, counted from the first value, and return the value there. A negative one counts as 0."""
        step = step_number(f"parameter {self.name!r}[step]", step)
        value = self.value_at(step)
        self.step = step
        self._set(value)
        return value

    def become(self, other: Parameter) -> None:
        """Take over value and schedule of another, and stay the same object: nodes that share it follow."""
        self.first, self.row, self.strategy, self.step = other.first, other.row, other.strategy, other.step
        self._set(other.value)

    def _set(self, value: Any) -> None:
        if isinstance(value, Knob):
            raise StreamConfigError(
                f"parameter {self.name!r} got the knob {value!r}, wanted a value: samples of a tree have numbers, and a knob"
                " is turned at no number.\n  Give a schedule by sample number, as abrupt(a, b, at=100), or set the parameter."
            )
        self._value = value
        self.changed = tick = next(TICKS)  # first: who sees the latest change has to find it here
        CHANGES.latest = tick

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._set(self._value)  # or a count of another process could be met again here

    def __iter__(self) -> NoReturn:
        raise TypeError(  # or Python would iterate by p[0], p[1], ... and move it, without an end
            f"parameter {self.name!r} got iterated over, which would move it.\n  Look at its .schedule, or update it."
        )

    def __or__(self, other: Parameter | ParameterStore) -> ParameterStore:
        from headrace.trees.store import ParameterStore  # which is made of parameters

        return ParameterStore([self]) | other

    def __repr__(self) -> str:
        return f"{self.name}={shown_value(self._value)}"


def _one_value(name: str, value: Any) -> None:
    one_value(
        f"parameter {name!r}", value, "Values that follow one another are its schedule: schedule=[first, second]."
    )


class Coming(Iterator[Any]):
    """The values that a parameter still gets; it can be copied, as is done by who looks ahead."""

    def __init__(self, parameter: Parameter) -> None:
        self.parameter: Parameter = parameter
        self.step: int = parameter.step

    def __next__(self) -> Any:
        step = self.step + 1
        if not self.parameter.moves_at(step):
            raise StopIteration
        value = self.parameter.value_at(step)
        self.step = step
        return value


def move(parameters: Iterable[Parameter], step: int | None = None) -> None:
    """Advance parameters once, or move them to a step: all of them, or none where one cannot.

    Raises
    ------
    ParameterOutOfRangeError
        Behind the last value of a schedule whose strategy says so.
    """
    parameters = list(parameters)
    for parameter in parameters:
        parameter.foresee(parameter.step + 1 if step is None else step)
    for parameter in parameters:
        if step is None:
            parameter.update()
        else:
            parameter[step]
