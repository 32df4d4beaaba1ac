"""How far a sweep is: a bar in a terminal or a notebook, lines in a log."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from time import monotonic
from typing import Any, Final

from headrace.ops.progress import bar_class

_EVERY: Final = 10.0  # seconds between two lines in a log
_NEXT: Final = 0.1  # seconds between two looks at a bar


class Progress:
    """What shows how many calls are done; nothing for ``verbosity <= 0``.

    Parameters
    ----------
    total
        How many calls there will be.
    verbosity
        1 for a bar, 2 for the settings of the last call beside it.
    desc
        What stands before it.

    Notes
    -----
    A terminal has a bar of ASCII characters on stderr; a notebook has one of its own, where ipywidgets are installed;
    anywhere else, as in the log of a batch job, a line comes every ten seconds and at the end.
    """

    def __init__(self, total: int, verbosity: int = 1, desc: str | None = None) -> None:
        self.done: int = 0
        self.failed: int = 0
        self.total: int = total
        self.detailed: bool = verbosity >= 2
        self.desc: str | None = desc
        self._bar: Any = _bar(total, desc) if verbosity > 0 else None
        self._lines: bool = verbosity > 0 and self._bar is None
        self._began = self._said = monotonic()

    def show(self, settings: Mapping[str, Any]) -> None:
        """Show the settings of the call that comes next."""
        if self._bar is not None:
            self._bar.set_postfix_str(_told(settings))

    def update(self, n: int, settings: Mapping[str, Any] | None = None, failed: int = 0) -> None:
        """Say that ``n`` more calls are done, ``failed`` of them in vain; ``settings`` are those of the last."""
        self.done += n
        self.failed += failed
        if self._bar is not None:
            if self.detailed and settings is not None:
                self._bar.set_postfix_str(_told(settings), refresh=False)
            elif failed:
                self._bar.set_postfix_str(f"{self.failed} failed", refresh=False)
            self._bar.update(n)
        elif self._lines and monotonic() - self._said >= _EVERY:
            self._say(settings)

    def _say(self, settings: Mapping[str, Any] | None = None) -> None:
        self._said = monotonic()
        passed = self._said - self._began
        name = f"{self.desc}: " if self.desc else ""
        share = f" ({self.done / self.total:.0%})" if self.total else ""
        each = f", {_seconds(passed / self.done)} each" if self.done else ""
        left = f", {_seconds(passed / self.done * (self.total - self.done))} left" if 0 < self.done < self.total else ""
        failed = f", {self.failed} failed" if self.failed else ""
        at = f", {_told(settings)}" if settings is not None and self.detailed else ""
        line = f"{name}{self.done} of {self.total} calls{share} in {_seconds(passed)}{each}{left}{failed}{at}"
        print(line, file=sys.stderr, flush=True)

    def close(self) -> None:
        """Leave the bar as it stands, or write the last line."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        elif self._lines:
            self._say()
            self._lines = False


def _bar(total: int, desc: str | None) -> Any:
    if _in_notebook():
        try:
            from tqdm.notebook import tqdm as notebook  # which asks for ipywidgets when it is shown

            return notebook(total=total, desc=desc)
        except ImportError:
            return bar_class()(total=total, desc=desc, ascii=True, smoothing=0)
    if not _terminal():
        return None
    return bar_class()(total=total, desc=desc, ascii=True, smoothing=0, mininterval=_NEXT)


def _terminal() -> bool:
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):  # no stderr, or a closed one
        return False


def _in_notebook() -> bool:
    shell = sys.modules.get("IPython")  # not imported: not in a notebook
    found = shell.get_ipython() if shell is not None and hasattr(shell, "get_ipython") else None
    return found is not None and "IPKernelApp" in getattr(found, "config", {})


def _told(settings: Mapping[str, Any]) -> str:
    text = ", ".join(f"{name}={value!r}" for name, value in settings.items())
    return text if len(text) <= 100 else text[:97] + "..."


def _seconds(seconds: float) -> str:
    if seconds >= 3600:
        return f"{seconds // 3600:.0f} h {seconds % 3600 / 60:.0f} min"
    if seconds >= 60:
        return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
    if seconds >= 1:
        return f"{seconds:.1f} s"
    return f"{seconds * 1e3:.3g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.3g} us"
