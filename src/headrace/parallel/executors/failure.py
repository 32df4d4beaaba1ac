"""What a call raised, on its way to whoever asked for the call: its type, its traceback as text, and where it was."""

from __future__ import annotations

import os
import pickle
import traceback
from pathlib import Path
from typing import Any, Final, NamedTuple

from headrace.errors import HeadraceError, WorkerError
from headrace.parallel.executors.carry import dumps

__all__ = ["CallTraceback", "Failure", "arrived", "explained", "packed"]

_NAMELESS: Final = "<dynamic-code>"  # the file of a function that came by cloudpickle
_HERE: Final = f"{Path(__file__).parents[2]}{os.sep}"


class CallTraceback(HeadraceError):
    """The traceback of an error, as text, from the process where it was raised."""

    def __str__(self) -> str:
        return f"\n{self.args[0].rstrip()}"


class Failure(NamedTuple):
    """An error in a form that any pickler takes: bytes of the error, what it says, its traceback, the user's function."""

    error: bytes
    said: str
    trace: str
    user: str


def packed(error: BaseException) -> Failure:
    """Return ``error`` as bytes that can be read: itself where it survives that, and else one of its type."""
    trace = "".join(traceback.format_exception(error))
    user = _user(error)
    said = f"{type(error).__qualname__}: {_text(error)}"
    for form in (error, _Rebuilt(error, keep=True), _Rebuilt(error, keep=False)):
        try:
            made = dumps(form)
            if isinstance(pickle.loads(made), type(error)):  # some exceptions can be written and not be read
                return Failure(made, said, trace, user)
        except Exception:  # whatever objects raise when they are pickled
            continue
    return Failure(b"", said, trace, user)


def arrived(failure: Failure, number: int, name: str, file: str = "") -> BaseException:
    """Return the error of call ``number`` of the function ``name``, with notes that say so and its traceback as cause.

    ``file`` is where the function was written: cloudpickle does not tell the worker.
    """
    error: BaseException
    try:
        error = pickle.loads(failure.error)
    except Exception:  # its class is not to be found here, or it holds what cannot be pickled
        error = WorkerError(
            f"{failure.said}\n  This error cannot be sent between processes as it is; its text is below."
        )
    if isinstance(error, SystemExit) and error.code is None and error.args:  # so it comes from tblib's pickles, in dask
        error.code = error.args[0]
    trace, user = failure.trace, failure.user
    if file:
        trace, user = trace.replace(_NAMELESS, file), user.replace(_NAMELESS, Path(file).name)
    error.__cause__ = CallTraceback(trace)
    _note(error, number, name, user)
    return error


def explained(error: BaseException, number: int, name: str) -> BaseException:
    """Add to an error that was raised in this process the notes of :func:`arrived`; returns it."""
    _note(error, number, name, _user(error))
    return error


def _note(error: BaseException, number: int, name: str, user: str) -> None:
    for text in (f"  while running call {number} of {name}", *([f"  your function: {user}"] if user else [])):
        if text not in getattr(error, "__notes__", ()):  # a function may raise one error again and again
            error.add_note(text)


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as bad:  # a __str__ of the user's
        return f"(its text cannot be had: {type(bad).__qualname__})"


def _user(error: BaseException) -> str:
    """Return the function of the user's that the call entered first, as ``name at file.py:line``."""
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if not code.co_filename.startswith((_HERE, "<frozen")):
            return f"{code.co_name} at {Path(code.co_filename).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return ""


class _Rebuilt:
    """An exception whose ``__init__`` does not take its own ``args``, or that holds what cannot be pickled."""

    def __init__(self, error: BaseException, *, keep: bool) -> None:
        self.kind = type(error)
        self.args = error.args if keep else tuple(arg if _goes(arg) else repr(arg) for arg in error.args)
        self.names = {name: value for name, value in error.__dict__.items() if keep or _goes(value)}

    def __reduce__(self) -> Any:
        return _rebuild, (self.kind, self.args, self.names)


def _goes(value: Any) -> bool:
    try:
        pickle.loads(dumps(value))
    except Exception:  # whatever objects raise when they are pickled
        return False
    return True


def _rebuild(kind: type[BaseException], args: tuple[Any, ...], names: dict[str, Any]) -> BaseException:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(names)
    return error
