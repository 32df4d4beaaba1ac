"""Where results come from: the function and its code, constants, seed, machine; and whether that has changed since."""

from __future__ import annotations

import inspect
import os
import platform
import socket
import sys
from collections.abc import Callable, Collection, Mapping
from functools import partial
from time import time
from types import CellType, FunctionType
from typing import Any

import numpy as np

from headrace.core.functions import takes_rng
from headrace.core.notes import warn
from headrace.core.plain import code_of, digest, where_is
from headrace.errors import DataError
from headrace.store.ledger_values import Packing
from headrace.sweeps.canonical import encoded
from headrace.sweeps.said import short


def storable(value: Any) -> Any:
    """Return a value that any ledger can hold: itself, or its text."""
    if hasattr(value, "dims") and hasattr(value, "to_numpy"):
        value = value.to_numpy()
    elif type(value).__module__.startswith("pandas") and hasattr(value, "to_numpy"):
        value = np.asarray(value)
    try:
        Packing().pack(value)
    except DataError:
        return repr(value)
    return value


def session_of(fn: Callable[..., Any], seed: Any, constants: Mapping[str, Any]) -> dict[str, Any]:
    """Return where results come from: the function and its code, the machine, the process, the seed."""
    from headrace import __version__

    return {
        "fn": where_is(fn),
        "code": code_hash(fn),
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "began": time(),
        "seed": storable(seed),
        "constants": {name: storable(value) for name, value in constants.items() if not callable(value)},
        "python": platform.python_version(),
        "numpy": np.__version__,
        "headrace": __version__,
        "script": sys.argv[0] if sys.argv else "",
    }


def code_hash(fn: Callable[..., Any]) -> str:
    """Return a digest of a function's code, whatever data it holds: a list in its closure may grow in every run."""
    try:
        inside: Any = inspect.unwrap(fn)
        while isinstance(inside, partial):
            inside = inspect.unwrap(inside.func)
        inside = getattr(inside, "__func__", inside)
        code = getattr(inside, "__code__", None) or type(inside).__call__.__code__
        return digest(code_of(FunctionType(code, {}, "fn", None, tuple(CellType() for _ in code.co_freevars))))
    except Exception:  # of something that is no function of Python's
        return ""


def tell_changes(
    ledger: Any, fn: Callable[..., Any], constants: Mapping[str, Any], seed: Any, args: Collection[str], who: str
) -> None:
    """Warn when results that are there come from other constants, another seed or other code than there is now.

    They stay what they are, and one dataset then holds both. The first and the last of them are looked at. Code is
    compared with that of other processes only: in a session, functions are changed by whoever runs them.

    Parameters
    ----------
    ledger
        What has the results.
    fn, constants, seed
        What the results to come are from.
    args
        The arguments of points, which are no constants.
    who
        What it is about.
    """
    first = ledger.first()
    if first is None:
        return
    last = next(iter(ledger.rows(after=ledger.totals.next - 2, values=False)), first)
    now = session_of(fn, seed, constants)
    unlike = {*args, *(name for name, value in constants.items() if _is_opaque(value))}
    draws = takes_rng(fn) and not _is_opaque(seed)
    for point in (first, last):
        was = point.session or {}
        if not was.get("fn"):  # added, not run
            continue
        found = _changes(was, now, unlike, draws)
        if found:
            warn(
                f"{who} has results of {' and '.join(found)}, which stay as they are beside those to come."
                "\n  To compute them anew, harvest them without missing_only, overwrite=True; or give another data_name."
                "\n  harvester.timings says which point comes from what."
            )
            return


def _is_opaque(value: Any) -> bool:
    """Tell whether only the text of a value is kept, which may have an address in it: nobody knows whether it is equal."""
    return callable(value) or (isinstance(storable(value), str) and not isinstance(value, str))


def _changes(was: Mapping[str, Any], now: Mapping[str, Any], unlike: Collection[str], draws: bool) -> list[str]:
    found = []
    before, after = was.get("constants") or {}, now["constants"]
    for name in dict.fromkeys((*before, *after)):
        if name in unlike:
            continue
        if name not in after or name not in before:
            there, here = (name in before, name in after)
            told = (
                f"{name}={short(before[name])}, not given now" if there and not here else f"without {name}, given now"
            )
            found.append(f"another constant ({told})")
        elif encoded(before[name]) != encoded(after[name]):
            found.append(f"another constant ({name}={short(before[name])}, now {short(after[name])})")
    if draws and encoded(was.get("seed")) != encoded(now["seed"]):
        found.append(f"another seed ({was.get('seed')}, now {now['seed']})")
    if was.get("code") and now["code"] and was["code"] != now["code"] and was.get("pid") != now["pid"]:
        found.append(f"another version of the function {was['fn']}")
    return found
