"""How long something takes."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from types import TracebackType
from typing import Any

from headrace.errors import StreamConfigError


class Timer:
    """A context that takes the time.

    Attributes
    ----------
    start, end : float
        Seconds on a clock that never goes back; of the end, when the context was left.
    t, time, interval : float
        Seconds between them; while the context is open, until now.

    Examples
    --------
    >>> with Timer() as timer:
    ...     total = sum(range(1000))
    >>> timer.t == timer.time == timer.interval > 0
    True
    """

    def __init__(self) -> None:
        self.start: float = perf_counter()
        self.end: float | None = None

    def __enter__(self) -> Timer:
        self.end = None
        self.start = perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end = perf_counter()

    @property
    def interval(self) -> float:
        """Seconds from the start to the end, or until now."""
        return (perf_counter() if self.end is None else self.end) - self.start

    @property
    def t(self) -> float:
        """The :attr:`interval`."""
        return self.interval

    @property
    def time(self) -> float:
        """The :attr:`interval`."""
        return self.interval

    def __repr__(self) -> str:
        return f"Timer({self.interval:.6g} s)"


def benchmark(
    fn: Callable[..., Any],
    setup: Callable[..., Any] | None = None,
    n: Any = None,
    min_t: float = 0.2,
    repeats: int = 2,
    get: str = "min",
    starmap: bool = False,
) -> float:
    """Return how many seconds a call takes.

    Parameters
    ----------
    fn
        Called as ``fn()``; with ``n``, as ``fn(n)``; with ``setup``, as ``fn(setup())`` or ``fn(setup(n))``.
    setup
        Makes what ``fn`` is called with, once for each block of calls; its own time does not count.
    n
        The size of the problem.
    min_t
        Seconds that a block of calls is to last at least: their number is doubled until it does.
    repeats
        How many blocks are timed then.
    get
        ``"min"``: the time of the fastest block. ``"mean"``: of all of them.
    starmap
        ``fn`` is called with what ``setup`` returns unpacked.

    Raises
    ------
    StreamConfigError
        When ``get`` is neither, ``repeats`` is below 1, or there is nothing to unpack.

    Examples
    --------
    >>> 0 < benchmark(sum, setup=range, n=100, min_t=1e-4) < 1
    True
    """
    if get not in ("min", "mean"):
        raise StreamConfigError(f"benchmark got get={get!r}, wanted 'min' or 'mean'.\n  By default it is 'min'.")
    if repeats < 1:
        raise StreamConfigError(f"benchmark got repeats={repeats}, wanted at least 1.\n  By default there are some.")
    if starmap and setup is None and n is None:
        raise StreamConfigError(
            "benchmark got starmap=True and nothing to unpack, wanted setup= or n=.\n  What setup(n) returns is unpacked."
        )
    loops = 1
    times: list[float] = []
    while len(times) < repeats:
        args = _arguments(setup, n, starmap)
        start = perf_counter()
        for _ in range(loops):
            fn(*args)
        passed = perf_counter() - start
        if passed < min_t and not times:
            # A block that took nearly no time tells little: go up in larger steps, though never past the mark.
            loops *= 2 if passed > min_t / 16 else 8
            continue
        times.append(passed / loops)
    return min(times) if get == "min" else sum(times) / len(times)


def _arguments(setup: Callable[..., Any] | None, n: Any, starmap: bool) -> tuple[Any, ...]:
    if setup is None:
        return () if n is None else (tuple(n) if starmap else (n,))
    made = setup() if n is None else setup(n)
    return tuple(made) if starmap else (made,)
