"""The laws of devices: what comes is read once, counted and in order; it stops, starts again, and leaves nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headrace.live.devices.clock import VirtualClock
from headrace.testing.device_case import Case
from headrace.testing.laws_devices import LAWS
from headrace.testing.report import NotApplicable, Report


def check_device(
    make: Callable[[Any], Any],
    *,
    seconds: float = 1.0,
    clock: Callable[[], Any] = VirtualClock,
    broken: Callable[[Any], Any] | None = None,
    starts: int = 20,
) -> Report:
    """Return which laws a device keeps, or raise on the first that it breaks.

    Parameters
    ----------
    make
        ``make(clock)`` returns a new device that takes the time from ``clock``.
    seconds
        How long a run is, of the clock's time; some rows must come in it.
    clock
        Makes the clock: one that is advanced by hand, or ``SystemClock`` for a driver that knows no other time; a run
        then takes as long as it says.
    broken
        ``broken(clock)`` returns one that fails in the course of a run.
    starts
        How often it is started and stopped, to see whether threads or descriptors are left.

    Returns
    -------
    report
        The laws that hold, and those that do not apply, with the reasons.

    Raises
    ------
    LawError
        Naming the law, what was seen and what was wanted.

    Examples
    --------
    >>> from headrace.live import Sampler
    >>> report = check_device(lambda clock: Sampler({"x": lambda t: t}, 100, clock=clock))
    >>> "counts add up" in report.held, report.skipped
    (True, {'a failure is raised once': 'no broken= was given'})
    """
    held: list[str] = []
    skipped: dict[str, str] = {}
    of = repr(make(clock()))
    for name, law in LAWS.items():
        case = Case(name, make, broken, clock(), seconds, starts, of)
        try:
            law(case)
        except NotApplicable as why:
            skipped[name] = str(why)
        else:
            held.append(name)
        finally:
            case.leave()
    return Report(of, tuple(held), skipped)
