"""What a thread asks of the operating system so that it wakes up in time; where it is refused, nothing happens."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any, Final

PR_SET_TIMERSLACK: Final = 29  # prctl(2)


def exact_timers() -> bool:
    """Have the calling thread woken up at the moment it asks for; return whether the system does.

    Linux lets a sleeping thread lie 50 us longer by default, so that timers can be served together.

    Examples
    --------
    >>> exact_timers() in (True, False)
    True
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        import ctypes

        prctl: Any = ctypes.CDLL(None).prctl
        return bool(prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0) == 0)
    except (AttributeError, OSError):
        return False


def come_first() -> bool:
    """Have the calling thread run as soon as it wakes up, before all ordinary work; return whether it does.

    It is scheduled in real time where that is allowed (on Linux: root, or a limit ``rtprio`` of 1 or more), and else
    with a better niceness, if that is. For threads that hardly compute: others wait while it does. What it starts is
    ordinary again.
    """
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))
        return True
    except (AttributeError, OSError):
        with contextlib.suppress(AttributeError, OSError):
            os.nice(-10)
        return False
