"""Several signals as one."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, ClassVar

from headrace.core.block import Pace
from headrace.errors import StreamConfigError
from headrace.signals.base import Array, Signal, signal_class
from headrace.signals.order import paces_of


def _combined() -> Combine:
    from headrace.signals.arithmetic import Sum
    from headrace.signals.differentiate import Integrate

    return Combine((Sum("x", "y", name="s"), Integrate("s", None, name="t"), Sum("t", "x", name="u")), name="z")


@signal_class(_combined)
class Combine(Signal[tuple[Any, ...]]):
    """Several signals as one: what the last of them gives.

    They run in the order given. A name that one of them reads is an output of one before it, else an input from outside;
    names made inside are not seen outside.

    Parameters
    ----------
    functions
        The signals, at least one.
    name
        What to call the output.

    Attributes
    ----------
    inputs : tuple of str
        The names read from outside, in the order of their first use.

    Raises
    ------
    StreamConfigError
        When a function is no signal, has a knob, or has the name of another; or reads columns of different paces.

    Examples
    --------
    >>> from headrace.signals.arithmetic import Scale, Sum
    >>> both = Combine([Sum("a", "b", name="s"), Scale("s", "t", 10.0)], name="c")
    >>> both.inputs, both([1.0], [2.0]).tolist()
    (('a', 'b'), [30.0])
    """

    functions: Any
    name: str
    roles: ClassVar[tuple[str, ...]] = ()

    def check(self) -> None:
        functions = (self.functions,) if isinstance(self.functions, Signal) else tuple(self.functions)
        if not functions:
            raise StreamConfigError(
                "Combine got no function, wanted one signal or more.\n  Give signals that read each other by name."
            )
        for each in functions:
            if not isinstance(each, Signal):
                raise StreamConfigError(
                    f"Combine got {each!r} among its functions, wanted signals.\n  s.signal makes a function one."
                )
            if each.knobs:
                raise StreamConfigError(
                    f"Combine got {each!r}, which has a knob; wanted fixed parameters.\n"
                    "  Put it into the graph itself, where a knob is followed and logged."
                )
        made = [each.name for each in functions]
        twice = next((name for name in made if made.count(name) > 1), None)
        if twice is not None:
            raise StreamConfigError(
                f"Combine got two functions named {twice!r}; names are unique.\n  Give one of them another name."
            )
        outer: dict[str, None] = {}
        for at, each in enumerate(functions):
            outer.update(dict.fromkeys(name for name in each.inputs if name not in made[:at]))
        paces, late = paces_of(functions, {}, {})
        last = functions[-1].name
        self.fix(functions=functions, _outer=tuple(outer), _pace=paces.get(last), _late=late.get(last, Fraction(0)))

    _outer: ClassVar[Any] = None
    _pace: ClassVar[Any] = None
    _late: ClassVar[Any] = None

    def _known(self) -> Combine:
        if "_outer" not in self.__dict__:  # a copy, or one that was pickled
            self.check()
        return self

    @property
    def inputs(self) -> tuple[str, ...]:
        found: tuple[str, ...] = self._known()._outer
        return found

    @property
    def pace(self) -> Pace:
        pace = self._known()._pace
        return Pace() if pace is None else Pace(*pace)

    @property
    def every(self) -> Fraction:
        pace = self._known()._pace
        return Fraction(1) if pace is None else Fraction(pace.every)

    @property
    def offset(self) -> Fraction:
        pace = self._known()._pace
        return Fraction(0) if pace is None else Fraction(pace.offset)

    @property
    def latency(self) -> Fraction:
        return Fraction(self._known()._late)

    def init(self, *head: Array) -> tuple[Any, ...]:
        values = dict(zip(self.inputs, (each[:0] for each in head), strict=True))
        states = []
        for each in self.functions:
            rows = [values[name] for name in each.inputs]
            state = each.init(*rows)
            states.append(state)
            values[each.name], _ = each.step(state, *rows)
        return tuple(states)

    def step(self, state: tuple[Any, ...], *rows: Array) -> tuple[Array, tuple[Any, ...]]:
        values = dict(zip(self.inputs, rows, strict=True))
        after = []
        for each, known in zip(self.functions, state, strict=True):
            values[each.name], new = each.step(known, *[values[name] for name in each.inputs])
            after.append(new)
        made: Array = values[self.functions[-1].name]
        return made, tuple(after)
