"""A signal called as a function that remembers: block after block, with arrays instead of names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter, signature
from typing import Any

from headrace.core.block import Block
from headrace.core.owned import owned
from headrace.errors import DataError, StateMismatchError, StreamConfigError
from headrace.signals.base import Signal, kind_of
from headrace.signals.forms import columns_of
from headrace.signals.order import nearest, ordered


class Function:
    """A signal that goes on with each call where the last one ended.

    Parameters
    ----------
    signal
        What to compute.

    Attributes
    ----------
    signal : Signal
        The description.

    Examples
    --------
    >>> import headrace.signals as s
    >>> total = s.Function(s.Integrate("x", name="total"))
    >>> total([1.0, 1.0]).tolist(), total([1.0]).tolist()
    ([0.0, 1.0], [2.0])
    >>> total.reset()
    >>> total([1.0, 1.0]).tolist()
    [0.0, 1.0]
    """

    signal: Signal[Any]
    frequency_ratio: float = 1

    def __init__(self, signal: Signal[Any]) -> None:
        if not isinstance(signal, Signal):
            raise StreamConfigError(f"Function got {signal!r}, wanted a signal.")
        self.signal = signal
        self._begun = False
        self._state: Any = None

    def __call__(self, *arrays: Any) -> Any:
        """Return the output for the next rows of the inputs; an exception leaves it where it was."""
        signal = self.signal.settled() if self.signal.knobs else self.signal
        columns, back = columns_of(arrays, repr(self.signal))
        state = self._state if self._begun else signal.init(*(each[:0] for each in columns))
        made, self._state = signal.step(state, *columns)
        self._begun = True
        return back(made)

    @property
    def name(self) -> str:
        """What its output is called."""
        return self.signal.name

    @property
    def input_signals(self) -> tuple[str, ...]:
        """The names of its inputs."""
        return self.signal.inputs

    @property
    def params(self) -> dict[str, Any]:
        """Its parameters, without inputs and name."""
        return self.signal.settings

    def reset(self) -> None:
        """Begin again with the next call."""
        self._begun, self._state = False, None

    def state_dict(self) -> dict[str, Any]:
        """Return where it is, as plain data."""
        made: dict[str, Any] = owned({"type": kind_of(self.signal), "begun": self._begun, "state": self._state})
        return made

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where another of the same kind was.

        Raises
        ------
        StateMismatchError
            When it is the state of another kind.
        """
        if not isinstance(state, Mapping) or state.get("type") != kind_of(self.signal):
            raise StateMismatchError(
                f"load_state_dict got {str(state)[:80]}, wanted a state of {kind_of(self.signal)}."
            )
        self._begun, self._state = state["begun"], owned(state["state"])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Function) and self.signal == other.signal

    def __hash__(self) -> int:
        return hash(self.signal)

    def __repr__(self) -> str:
        return repr(self.signal)


def compute_signal_functions(data: Mapping[str, Any], functions: Sequence[Any]) -> Block:
    """Return a block of ``data`` with what signals make of it; ``data`` stays as it is.

    Parameters
    ----------
    data
        Columns by name.
    functions
        Signals, each begun afresh, or :class:`Function` objects, which go on where they are; in any order.

    Raises
    ------
    StreamConfigError
        For two of one name, or a circle.
    DataError
        When one reads a column that is not there; names the nearest.

    Examples
    --------
    >>> import headrace.signals as s
    >>> block = s.compute_signal_functions({"x": [1.0, 2.0]}, [s.Scale("x", name="y", scale_factor=3.0)])
    >>> block["y"].tolist()
    [3.0, 6.0]
    """
    by_name = {each.name: each for each in functions}
    in_order = [getattr(each, "signal", each) for each in functions]
    if len(by_name) < len(in_order) or any(_reads_later(in_order)):
        in_order = list(ordered(in_order))
    values = dict(data)
    for signal in in_order:
        rows = []
        for name in signal.inputs:
            if name not in values:
                raise DataError(f"{signal!r} reads {name!r}, which is not there. {nearest(name, values)}")
            rows.append(values[name])
        if signal.name in data:
            raise DataError(f"{signal!r} has the name of a column there is. Give it another one.")
        try:
            values[signal.name] = by_name[signal.name](*rows)
        except Exception as error:
            error.add_note(f"  while computing {signal!r}")
            raise
    n = max((len(data[name]) for name in data), default=0)
    return Block.of(values, 0, n, None, {}, {}, data.get("timestamp"), None)


def _reads_later(signals: Sequence[Any]) -> Any:
    made = {signal.name for signal in signals}
    for signal in signals:
        yield any(name in made for name in signal.inputs)
        made.discard(signal.name)


_KINDS: dict[Any, str] = {bool: "bool", int: "int", float: "float", str: "str"}


def config_json(make: Callable[..., Any]) -> dict[str, Any]:
    """Return what a form to make a signal needs: the name, and each argument with its type and default.

    Examples
    --------
    >>> import headrace.signals as s
    >>> config_json(s.MovingAverage)["args"][-1]
    {'name': 'length', 'type': 'int'}
    """
    args = []
    for name, parameter in signature(make).parameters.items():
        told = (
            parameter.annotation
            if isinstance(parameter.annotation, str)
            else getattr(parameter.annotation, "__name__", "Any")
        )
        found: dict[str, Any] = {"name": name, "type": told.partition(" |")[0]}
        if parameter.kind is Parameter.VAR_POSITIONAL:
            found["type"] = "list[str]"
        if parameter.default is not Parameter.empty:
            found["default"] = parameter.default
            if found["type"] == "Any":
                found["type"] = _KINDS.get(type(parameter.default), "Any")
        args.append(found)
    return {"sig_name": getattr(make, "__name__", str(make)), "args": args}
