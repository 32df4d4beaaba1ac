"""Calls that failed: what is kept of them, what their errors say, and when going on makes no sense."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final, Literal, NamedTuple

from headrace.core.functions import name_of_function
from headrace.errors import StreamConfigError
from headrace.sweeps.said import short

OnError = Literal["raise", "keep", "nan"]
_SLIPS: Final = (TypeError, NameError, AttributeError, ImportError, SyntaxError)  # of who wrote the function
_SOON: Final = 3  # slips in a row from the first call on: the function cannot be right anywhere
_LATER: Final = 10  # other errors, alike to the message
_LONG: Final = 60
_TOLD: Final = "_headrace_traceback"


class Failure(NamedTuple):
    """A call that failed.

    Attributes
    ----------
    settings : dict
        Its arguments, those that vary.
    error : Exception
        What it raised, without the frames.
    traceback : str
        Where, as text.
    """

    settings: dict[str, Any]
    error: BaseException
    traceback: str

    def row(self) -> dict[str, Any]:
        """Return it as a row of a table."""
        return {
            **self.settings,
            "error": type(self.error).__name__,
            "message": str(self.error),
            "traceback": self.traceback,
        }


def failure(fn: Any, settings: Mapping[str, Any], error: BaseException) -> Failure:
    """Return what is kept of a failed call; the frames, which hold what the function held, are let go."""
    note(error, fn, settings)
    told = getattr(error, _TOLD, None)
    if told is None:
        told = "".join(traceback.format_exception(error))
        with suppress(AttributeError):  # whoever asks once more finds no frames
            setattr(error, _TOLD, told)
    inside: BaseException | None = error
    for _ in range(100):  # causes, and theirs
        if inside is None:
            break
        inside.__traceback__ = None
        inside = inside.__cause__ or inside.__context__
    return Failure(dict(settings), error, told)


def note(error: BaseException, fn: Any, settings: Mapping[str, Any]) -> None:
    """Add to an exception what call it came from: ``while calling foo(a=3, b=0.5)``."""
    told = ", ".join(f"{name}={short(value, _LONG)}" for name, value in settings.items())
    text = f"  while calling {name_of_function(fn)}({told})"
    if text not in getattr(error, "__notes__", ()):
        error.add_note(text)


class FailFast:
    """Tells, of a sweep that goes on after errors, when the first calls all failed alike, so that all will.

    A slip of who wrote the function (a TypeError, a NameError, ...) is believed after 3 calls, another error with the
    same message after 10.
    """

    def __init__(self) -> None:
        self._alike = 0
        self._kind: tuple[Any, ...] | None = None
        self._over = False

    def succeeded(self) -> None:
        """Take in that a call has succeeded: from here on no failure ends the sweep."""
        self._over = True

    def failed(self, error: BaseException) -> bool:
        """Take in a failed call; tell whether to stop."""
        if self._over:
            return False
        slip = isinstance(error, _SLIPS)
        kind = (type(error), _line(error) if slip else None, None if slip else str(error))
        if self._kind is None:
            self._kind = kind
        if kind != self._kind:
            self._over = True
            return False
        self._alike += 1
        if self._alike < (_SOON if slip else _LATER):
            return False
        error.add_note(
            f"  the first {self._alike} calls all failed alike, so the sweep was ended though on_error= says to go on.\n"
            "  Mend the function, or give fail_fast=False."
        )
        return True


def _line(error: BaseException) -> tuple[str, int] | str:
    found = traceback.extract_tb(error.__traceback__)[-1:]
    return (found[0].filename, found[0].lineno or 0) if found else str(error)


def check_on_error(on_error: Any) -> OnError:
    """Return ``on_error``, or raise when it is no way to treat errors."""
    if on_error not in ("raise", "keep", "nan"):
        raise StreamConfigError(
            f"a sweep got on_error={on_error!r}, wanted 'raise', 'keep' (go on, and tell which failed) or 'nan' (go on)."
            "\n  By default the first error is raised."
        )
    found: OnError = on_error
    return found
