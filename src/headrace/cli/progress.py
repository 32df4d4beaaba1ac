"""Say how far a run is: a bar for a person, a line now and then for a log."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from time import monotonic
from typing import Any

LOG_EVERY = 10.0  # seconds between lines in a log


class Progress:
    """Shows the number of rows on stderr; used as ``report`` of a run.

    Parameters
    ----------
    total
        Asked for the number of rows there will be, or None, when the first are there.
    done
        Rows there were before this run.
    quiet
        Show nothing.
    """

    def __init__(self, total: Callable[[], int | None], done: int = 0, *, quiet: bool = False) -> None:
        self._total, self._done, self._began = total, done, monotonic()
        self._quiet, self._tty = quiet, sys.stderr.isatty()
        self._bar: Any = None
        self._told = self._began

    def __call__(self, rows: int) -> None:
        """Show that there are ``rows`` rows."""
        if self._quiet:
            return
        if self._tty:
            if self._bar is None:
                self._bar = _bar(self._total(), self._done)
            self._bar.update(rows - self._bar.n)
            return
        now = monotonic()
        if now - self._told >= LOG_EVERY:
            self._told = now
            line = log_line(rows, self._total(), (rows - self._done) / (now - self._began))
            print(f"headrace: {line}", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.close()


def _bar(total: int | None, done: int) -> Any:
    from tqdm import tqdm

    tqdm.monitor_interval = 0  # no thread beside workers that may be forked
    # A terminal in a container may say that it is 0 by 0, and tqdm would believe it.
    width: dict[str, Any] = {"dynamic_ncols": True} if os.get_terminal_size(2).columns else {"ncols": 79, "nrows": 24}
    return tqdm(total=total, initial=done, unit=" rows", unit_scale=True, file=sys.stderr, **width)


def log_line(rows: int, total: int | None, rate: float) -> str:
    """Return one line of a log.

    Examples
    --------
    >>> log_line(12000, 100000, 3400.0), log_line(5, None, 0.25)
    ('12000 of 100000 rows, 3400 rows/s, 0:00:26 left', '5 rows, 0.25 rows/s')
    """
    from datetime import timedelta

    speed = f"{rate:.0f} rows/s" if rate >= 10 else f"{rate:.2g} rows/s"
    if total is None:
        return f"{rows} rows, {speed}"
    left = f", {timedelta(seconds=round((total - rows) / rate))} left" if rate > 0 else ""
    return f"{rows} of {total} rows, {speed}{left}"
