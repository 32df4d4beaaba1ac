"""A signal called as a function that remembers: block after block, with arrays instead of names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter, signature
from typing import Any, NamedTuple

import numpy as np

from headrace.core.block import ROWS, Block, Pace, seconds
from headrace.core.fingerprint import fingerprint
from headrace.core.owned import owned
from headrace.errors import DataError, StateMismatchError, StreamConfigError
from headrace.signals.base import Signal, kind_of
from headrace.signals.forms import columns_of
from headrace.signals.order import nearest, ordered, paces_of, without_knobs
from headrace.signals.run import fits


class _At(NamedTuple):
    """Where a function is: the signal without knobs, dtypes and row shapes of its inputs, rows that were, its state."""

    signal: Any
    heads: tuple[Any, ...]
    rows: int
    state: Any


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
        self._at: _At | None = None

    def __call__(self, *arrays: Any) -> Any:
        """Return the output for the next rows of the inputs; an exception leaves it where it was.

        A knob is followed: what the state does not fit begins anew. To be called by one thread.

        Raises
        ------
        DataError
            When columns have other dtypes or row shapes than before, and it remembers what they were.
        """
        made, self._at = self.computed(*arrays)
        return made

    def computed(self, *arrays: Any) -> tuple[Any, Any]:
        """Return what a call would, and where it would then be; for :meth:`go`."""
        signal = self.signal.settled() if self.signal.knobs else self.signal
        columns, back = columns_of(arrays, repr(self.signal))
        heads = tuple((each.dtype, each.shape[1:]) for each in columns)
        at = self._at
        if at is not None and at.state is not None and at.heads != heads:
            was, now = ([f"{dtype} of {shape}" for dtype, shape in each] for each in (at.heads, heads))
            raise DataError(
                f"{self.signal!r} got columns of dtypes and row shapes {', '.join(now)}, and had {', '.join(was)}.\n"
                "  It remembers rows: convert them where they are made, or reset() it."
            )
        if at is None or (at.signal is not signal and not fits(at.signal, signal)):
            at = _At(signal, heads, 0, signal.init(*(each[:0] for each in columns)))
        made, state = signal.step(at.state, *columns)
        return back(made), _At(signal, heads, at.rows + (len(columns[0]) if columns else 0), state)

    def go(self, at: Any) -> None:
        """Go where :meth:`computed` says it would be."""
        self._at = at

    @property
    def rows(self) -> int:
        """How many rows of its inputs have been."""
        return 0 if self._at is None else self._at.rows

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
        self._at = None

    def state_dict(self) -> dict[str, Any]:
        """Return where it is, as plain data."""
        at = self._at
        found: dict[str, Any] = {"type": kind_of(self.signal), "of": fingerprint(self.signal), "begun": at is not None}
        if at is not None:
            found["heads"] = tuple((dtype.str, tuple(shape)) for dtype, shape in at.heads)
            found["knobs"] = {name: at.signal.settings[name] for name in self.signal.knobs}
            found["rows"], found["state"] = at.rows, at.state
        made: dict[str, Any] = owned(found)
        return made

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where another of the same kind was.

        Raises
        ------
        StateMismatchError
            When it is the state of another kind, or of one with other parameters.
        """
        if not isinstance(state, Mapping) or state.get("type") != kind_of(self.signal):
            raise StateMismatchError(
                f"load_state_dict got {str(state)[:80]}, wanted a state of {kind_of(self.signal)}."
            )
        if state.get("of") != fingerprint(self.signal):
            raise StateMismatchError(
                f"load_state_dict got a state of {kind_of(self.signal)} with other parameters or inputs, wanted one of "
                f"{self.signal!r}.\n  Load it into the signal it was saved with."
            )
        if not state["begun"]:
            self._at = None
            return
        state = owned(dict(state))
        heads = tuple((np.dtype(dtype), tuple(shape)) for dtype, shape in state["heads"])
        signal = self.signal.settled(dict(state["knobs"])) if self.signal.knobs else self.signal
        self._at = _At(signal, heads, state["rows"], state["state"])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Function) and self.signal == other.signal

    def __hash__(self) -> int:
        return hash(self.signal)

    def __repr__(self) -> str:
        return repr(self.signal)


def compute_signal_functions(data: Mapping[str, Any], functions: Sequence[Any]) -> Block:
    """Return a block of ``data`` with what signals make of it; ``data`` stays as it is.

    An exception leaves all functions where they were.

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
    block = data if isinstance(data, Block) else None
    going = [
        each for each in functions if isinstance(each, Function) and all(name in data for name in each.signal.inputs)
    ]
    first = block.first if block is not None else max((each.rows for each in going), default=0)
    paces: Mapping[str, Pace] = {} if block is None else block.paces
    late: Mapping[str, Any] = {} if block is None else block.latencies
    done = []
    for signal in in_order:
        rows = []
        for name in signal.inputs:
            if name not in values:
                raise DataError(f"{signal!r} reads {name!r}, which is not there. {nearest(name, values)}")
            rows.append(values[name])
        if signal.name in data:
            raise DataError(f"{signal!r} has the name of a column there is. Give it another one.")
        function = by_name[signal.name]
        above = paces.get(signal.inputs[0], ROWS) if signal.inputs else ROWS
        paces, late = paces_of((signal,), paces, late)
        pace = without_knobs(signal).pace
        try:
            if isinstance(function, Function):
                values[signal.name], after = function.computed(*rows)
                done.append((function, after))
                began = above.rows_before(first) - (after.rows - (len(rows[0]) if rows else 0))
            else:
                values[signal.name] = function(*rows)
                began = above.rows_before(first)
            if pace != ROWS:
                paces[signal.name] = above.then(pace._replace(offset=pace.offset + began))
        except Exception as error:
            error.add_note(f"  while computing {signal!r}")
            raise
    for function, after in done:
        function.go(after)
    if block is not None:
        return Block.of(values, first, block.n, block.rate, paces, late, block.times, block.before)
    n = max((len(data[name]) for name in data), default=0)
    return Block.of(values, first, n, None, paces, late, seconds(data.get("timestamp")), None)


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
