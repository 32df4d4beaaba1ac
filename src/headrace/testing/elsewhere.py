"""Call a function in a fresh interpreter: nothing is inherited but the import path."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import traceback
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


def elsewhere(function: Callable[..., T], *args: Any, timeout: float = 300.0) -> T:
    """Return ``function(*args)`` from a new Python process, as a spawned worker would see it.

    Parameters
    ----------
    function
        A function at the top of a module that can be imported; not one of ``__main__``.
    *args
        Its arguments, which are pickled, as is what it returns.
    timeout
        Seconds after which the process is killed.

    Raises
    ------
    RuntimeError
        When the function raised there; holds the traceback as text.
    subprocess.TimeoutExpired
        When it took too long.

    Examples
    --------
    >>> import os
    >>> elsewhere(os.getpid) == os.getpid()
    False
    """
    call = pickle.dumps(sys.path) + pickle.dumps(pickle.dumps((function, args)))
    command = [sys.executable, "-c", "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); " + _MAIN]
    done = subprocess.run(command, input=call, capture_output=True, timeout=timeout, check=False)
    if done.returncode:
        raise RuntimeError(
            f"a new process ended with status {done.returncode}:\n{done.stderr.decode(errors='replace')}"
        )
    good, found = pickle.loads(done.stdout)
    if not good:
        raise RuntimeError(f"in a new process:\n{found}")
    result: T = found
    return result


_MAIN = "from headrace.testing.elsewhere import answer; answer()"


def answer() -> None:
    """Do what the parent process asks; what the function prints goes to standard error."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        function, args = pickle.loads(pickle.load(sys.stdin.buffer))
        reply = pickle.dumps((True, function(*args)))
    except BaseException:  # whatever happens here has to be told there
        reply = pickle.dumps((False, traceback.format_exc()))
    with out:
        out.write(reply)
