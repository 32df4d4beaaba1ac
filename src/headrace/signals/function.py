"""A signal called as a function that remembers: block after block, with arrays instead of names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from headrace.core.block import ROWS, Block
from headrace.core.fingerprint import fingerprint
from headrace.core.items import same
from headrace.core.owned import owned
from headrace.errors import DataError, StateMismatchError, StreamConfigError
from headrace.signals.base import Signal, kind_of
from headrace.signals.changes import fits
from headrace.signals.config import config_json
from headrace.signals.forms import columns_of, is_data_array, is_series, one_library
from headrace.signals.turning import as_now

__all__ = ["Function", "config_json"]


class _At(NamedTuple):
    """Where a function is: the signal without knobs, dtypes and row shapes of its inputs, rows that were, its state."""

    signal: Any
    heads: tuple[Any, ...]
    rows: int
    state: Any


class _Held(NamedTuple):
    """The signal with the values that its knobs had where a state was saved, and how often they are turned here."""

    turns: dict[str, int]
    signal: Any


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
            raise StreamConfigError(
                f"Function got {signal!r}, wanted a signal.\n  Make one of a function with headrace.signals.signal."
            )
        self.signal = signal
        self._at: _At | None = None
        self._held: _Held | None = None

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
        if all(type(each) is np.ndarray for each in arrays):
            return self._computed(*arrays)
        one_library(self.signal.inputs[: len(arrays)], arrays[: len(self.signal.inputs)], repr(self.signal))
        if any(map(is_data_array, arrays)):
            from headrace.signals.labelled import signal_of_data_arrays

            went: list[_At] = []

            def compute(columns: Mapping[str, Any]) -> Block:
                """Return the block that a graph of the signal would, which goes on where the function is."""
                given = [columns[name] for name in self.signal.inputs]
                made, at = self._computed(*given)
                went.append(at)
                paces = {} if at.signal.pace == ROWS else {self.name: at.signal.pace}
                return Block.of({self.name: made}, at.rows - len(given[0]), len(given[0]), None, paces, {}, None, None)

            made = signal_of_data_arrays(self.signal, arrays, compute)
            return made, went[0]
        return self._computed(*arrays)

    def _computed(self, *arrays: Any) -> tuple[Any, _At]:
        signal = self._now()
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
        elif at.signal is not signal:
            at = at._replace(signal=signal, state=signal.carry(at.signal, at.state))
        found, state = signal.step(at.state, *columns)
        made, lead = back(found), next(filter(is_series, arrays), None)
        if lead is not None and np.shape(made) == (len(lead),):
            from headrace.signals.whole import series

            made = series(made, lead, signal.name, None)
        return made, _At(signal, heads, at.rows + (len(columns[0]) if columns else 0), state)

    def _now(self) -> Any:
        """Return the signal with the values its knobs have; those of a state that was loaded, until they are turned."""
        held = self._held
        if held is None:
            return as_now(self.signal)
        turns = {name: knob.turns for name, knob in self.signal.knobs.items()}
        if turns != held.turns:
            values = {name: held.signal.settings[name] for name, n in turns.items() if held.turns[name] == n}
            self._held = held = _Held(turns, self.signal.settled(values))
        return held.signal

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
        self._at = self._held = None

    def state_dict(self) -> dict[str, Any]:
        """Return where it is, as plain data."""
        at = self._at
        found: dict[str, Any] = {"type": kind_of(self.signal), "of": fingerprint(self.signal), "begun": at is not None}
        if at is not None:
            found["heads"] = tuple((dtype.str, tuple(shape)) for dtype, shape in at.heads)
            found["knobs"] = {name: at.signal.settings[name] for name in self.signal.knobs}
            found["rows"], found["state"] = at.rows, at.state
        now = self._now()
        found["now"] = {name: now.settings[name] for name in self.signal.knobs}
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
                f"load_state_dict got {str(state)[:80]}, wanted a state of {kind_of(self.signal)}.\n"
                "  Give what state_dict() of such a function returned."
            )
        if state.get("of") != fingerprint(self.signal):
            raise StateMismatchError(
                f"load_state_dict got a state of {kind_of(self.signal)} with other parameters or inputs, wanted one of "
                f"{self.signal!r}.\n  Load it into the signal it was saved with."
            )
        try:
            held = self._holding(state.get("now"))
            if not state["begun"]:
                self._at, self._held = None, held
                return
            found = owned(dict(state))
            heads = tuple((np.dtype(dtype), tuple(shape)) for dtype, shape in found["heads"])
            signal = self.signal.settled(dict(found["knobs"])) if self.signal.knobs else self.signal
            if held is not None and same(held.signal.settings, signal.settings):
                held = held._replace(signal=signal)  # none was turned since
            self._at, self._held = _At(signal, heads, int(found["rows"]), found["state"]), held
        except (KeyError, TypeError, ValueError) as error:
            raise StateMismatchError(
                f"load_state_dict got {str(state)[:80]}, wanted what state_dict() returned: {type(error).__name__} {error}.\n"
                "  Load it as it was saved."
            ) from None

    def _holding(self, values: Any) -> _Held | None:
        if not self.signal.knobs or values is None:
            return None
        turns = {name: knob.turns for name, knob in self.signal.knobs.items()}
        return _Held(turns, self.signal.settled({name: values[name] for name in turns}))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Function) and self.signal == other.signal

    def __hash__(self) -> int:
        return hash(self.signal)

    def __repr__(self) -> str:
        return repr(self.signal)
