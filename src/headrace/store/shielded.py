"""Work that Ctrl-C does not cut in two."""

from __future__ import annotations

import _thread
import threading
from collections.abc import Callable
from typing import TypeVar

R = TypeVar("R")


def shielded(work: Callable[[], R]) -> R:
    """Do some work that Ctrl-C does not cut in two: it is raised when the work is done; a second one does not wait.

    Python raises it in the main thread, between any two steps there, and a lock that is half taken then is never let go
    of. So the work is done in another thread, and this one waits with the plainest lock there is.
    """
    if threading.get_ident() != threading.main_thread().ident:
        return work()
    result: list[R] = []
    failed: list[BaseException] = []
    done = _thread.allocate_lock()
    done.acquire()

    def run() -> None:
        try:
            result.append(work())
        except BaseException as error:
            failed.append(error)
        finally:
            done.release()

    interrupted: BaseException | None = None
    try:
        _thread.start_new_thread(run, ())
    except RuntimeError:  # the interpreter is ending, and starts none any more
        return work()
    except BaseException as error:  # what a handler of a signal raised, after the start
        interrupted = error
    while not (result or failed):
        try:
            done.acquire()
        except BaseException as error:
            if interrupted is not None:
                raise
            interrupted = error
    if interrupted is not None:
        raise interrupted
    if failed:
        raise failed[0]
    return result[0]
