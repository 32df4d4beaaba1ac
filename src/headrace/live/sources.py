"""Functions as devices, and the bases of sources of one's own."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from headrace.errors import DataError, StreamConfigError
from headrace.live.devices.calls import takes_time
from headrace.live.devices.clock import Clock
from headrace.live.devices.threaded import Threaded

Array = np.ndarray[Any, Any]


class SignalSource(ABC):
    """A source that says what its value is now: write ``__call__``; ``start`` and ``stop`` where there is need.

    Examples
    --------
    >>> class Dial(SignalSource):
    ...     def __call__(self):
    ...         return 7
    >>> Dial().start(), Dial()()
    (None, 7)
    """

    @abstractmethod
    def __call__(self, *args: Any) -> Any:
        """Return the value now; with a parameter ``t`` it is given the seconds since the start."""

    def start(self) -> None:  # noqa: B027  # most sources have nothing to do
        """Begin."""

    def stop(self) -> None:  # noqa: B027  # nor to end
        """End."""


class SamplerBase(ABC):
    """A source with a clock of its own: write ``start``, ``stop`` and ``read``, or derive from ``Threaded``.

    Examples
    --------
    >>> SamplerBase()
    Traceback (most recent call last):
    TypeError: Can't instantiate abstract class SamplerBase with abstract methods read, start, stop
    """

    @abstractmethod
    def start(self) -> None:
        """Begin."""

    @abstractmethod
    def stop(self) -> None:
        """End; twice is fine."""

    @abstractmethod
    def read(self) -> Any:
        """Return the rows that came since the last read, without waiting."""


class FunctionSource(Threaded):
    """Functions of time as whole columns: what a :class:`~headrace.live.Sampler` would ask row by row, in blocks.

    The rows stand at ``k / rate`` seconds exactly, however late they are made. For rates at which a call for each row
    costs too much.

    Parameters
    ----------
    functions
        By name: ``f(t)`` of the seconds since the start, ``(n,)``, giving ``(n, ...)``.
    rate
        Rows a second.
    period
        Seconds from block to block.
    each
        Whether the functions take one number at a time.
    timestamp_key, clock, max_bytes, overflow, on_error
        As for :class:`~headrace.live.Threaded`.

    Raises
    ------
    StreamConfigError
        When a rate or a period is not positive, or a function is none of the time.

    Examples
    --------
    >>> from headrace.live import VirtualClock
    >>> clock = VirtualClock()
    >>> with FunctionSource({"x": np.sin, "y": lambda t: np.stack([t, -t], axis=1)}, rate=1000, clock=clock) as source:
    ...     clock.advance(0.05)
    >>> block = source.read()
    >>> block["x"].shape, block["y"].shape
    ((50,), (50, 2))
    """

    functions: dict[str, Callable[..., Any]]
    period: float
    each: bool

    def __init__(
        self,
        functions: Mapping[str, Callable[..., Any]],
        rate: float,
        *,
        period: float = 0.01,
        each: bool = False,
        clock: Clock | None = None,
        timestamp_key: str = "timestamp",
        **options: Any,
    ) -> None:
        if not rate > 0 or not period > 0:
            raise StreamConfigError(
                f"FunctionSource got rate={rate!r} and period={period!r}, wanted more than 0.\n"
                "  rate is rows a second, period seconds from block to block."
            )
        for name, function in functions.items():
            if not takes_time(function, name):
                raise StreamConfigError(
                    f"FunctionSource got {function!r} for {name!r}, wanted a function of the time.\n"
                    "  A Sampler asks functions of nothing, each time anew."
                )
        names = (timestamp_key, *functions)
        super().__init__(rate=float(rate), names=names, clock=clock, timestamp_key=timestamp_key, **options)
        self.functions, self.period, self.each = dict(functions), period, each

    def run(self, stopping: threading.Event) -> None:
        rate, began, made, k = float(self.rate or 0.0), self.clock.now(), 0, 0
        while True:
            k += 1
            more = self.clock.wait_until(began + k * self.period, stopping)
            now = self.clock.now()
            k = max(k, int((now - began) / self.period))
            there = int((now - began) * rate + 1e-6)  # the rows whose moments have passed; the last at a stop, too
            if there > made:
                t = np.arange(made, there) / rate
                columns: dict[str, Any] = {self.timestamp_key: self.anchor.unix(began) + t}
                self.put_block({**columns, **{name: self._made(name, t) for name in self.functions}})
                made = there
            if not more:
                return

    def _made(self, name: str, t: Array) -> Array:
        function = self.functions[name]
        if self.each:
            return np.array([function(moment) for moment in t.tolist()])
        found = np.asarray(function(t))
        if found.shape[:1] != t.shape:
            raise DataError(
                f"FunctionSource got shape {found.shape} of {name!r} for {len(t)} times, wanted ({len(t)}, ...).\n"
                "  Have it take an array of times, or pass each=True."
            )
        return found

    def __repr__(self) -> str:
        return f"FunctionSource({list(self.functions)}, rate={self.rate:g})"


class BufferSource(SignalSource):
    """Takes rows off the front of a buffer: called, it gives the next ones.

    Parameters
    ----------
    buffer
        A :class:`~headrace.live.DataBuffer`, or anything with its ``popleft``.
    lines_per_call
        How many rows a call takes. One row comes as its values, several as columns ``(n, ...)``.

    Raises
    ------
    StreamConfigError
        When ``lines_per_call`` is less than 1.

    Examples
    --------
    >>> from headrace.live import DataBuffer
    >>> source = BufferSource(DataBuffer(data={"x": np.arange(3)}))
    >>> source(), source()
    ({'x': 0}, {'x': 1})
    """

    buffer: Any
    lines_per_call: int

    def __init__(self, buffer: Any, lines_per_call: int = 1) -> None:
        if lines_per_call < 1:
            raise StreamConfigError(
                f"BufferSource got lines_per_call={lines_per_call!r}, wanted 1 or more.\n  It is how many rows to take."
            )
        self.buffer, self.lines_per_call = buffer, int(lines_per_call)

    def __call__(self) -> dict[str, Any]:
        """Take the next rows.

        Raises
        ------
        IndexError
            When the buffer is empty; a Sampler with ``on_error="skip"`` passes it over.
        """
        taken = dict(self.buffer.popleft(self.lines_per_call))
        if self.lines_per_call > 1:
            return taken
        return {name: column[0].item() if column.ndim == 1 else column[0] for name, column in taken.items()}

    def __repr__(self) -> str:
        return f"BufferSource({self.buffer!r}, lines_per_call={self.lines_per_call})"
