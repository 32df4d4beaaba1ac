"""A sampler in a process of its own, seen from the one that wants its rows.

The other side is ``sampler_process.py``. Three kinds of message come, each a length and a pickle: rows with what was counted
so far, a failure, the end. What goes there is what to sample, and then one byte: to stop.
"""

from __future__ import annotations

import json
import pickle
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from typing import IO, Any, Final

from headrace.errors import StreamConfigError, WorkerError

LENGTH: Final = struct.Struct("<Q")
COUNTS: Final = ("dropped", "late", "missed", "errors", "restarts")
_CODE = "import sys; sys.path[:] = {path}; from headrace.live.sampler_process import main; main()"


def receive(file: IO[bytes]) -> Any:
    """Read one message. Raises EOFError at the end."""
    head = file.read(LENGTH.size)
    if len(head) < LENGTH.size:
        raise EOFError
    (length,) = LENGTH.unpack(head)
    data = file.read(length)
    if len(data) < length:
        raise EOFError
    return pickle.loads(data)  # of a child of our own, through a pipe that nobody else has


class Remote:
    """The process in which sources are sampled.

    Parameters
    ----------
    sources, options
        What the sampler there is made of.
    anchor
        The moment its times are counted from, on both clocks.

    Raises
    ------
    StreamConfigError
        When the sources cannot be sent to another process.
    WorkerError
        When it does not start.
    Exception
        What starting the sources there raises.
    """

    def __init__(self, sources: Mapping[str, Any], options: Mapping[str, Any], anchor: Any) -> None:
        import cloudpickle  # a function of the user's script goes by value: the script is not run again there

        try:
            task = cloudpickle.dumps((dict(sources), dict(options), anchor))
        except Exception as error:
            raise StreamConfigError(
                f"Sampler got sources {list(sources)} that cannot be sent to a process of its own: {error}.\n"
                "  Leave process=False, or have start() open what they read from."
            ) from error
        self.counts: dict[str, int] = dict.fromkeys(COUNTS, 0)
        self._ended = False
        code = _CODE.format(path=json.dumps(sys.path))
        # Unbuffered towards it, so that nothing is left to be written when it has died.
        self._child = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        self._turn = threading.Lock()
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._in, self._out = self._child.stdin, open(self._child.stdout.fileno(), "rb", closefd=False)  # noqa: SIM115  # the pipe is the process's, and closed with it
        try:
            view = memoryview(LENGTH.pack(len(task)) + task)
            while view:
                view = view[self._in.write(view) or 0 :]
            kind, told = receive(self._out)
            if kind == "failed":
                raise told
        except BaseException as error:
            self.close(0.0)
            if isinstance(error, EOFError | BrokenPipeError):
                raise self._died() from None
            raise

    def blocks(self) -> Iterator[dict[str, Any]]:
        """Yield columns as they come, until it has stopped.

        Raises
        ------
        WorkerError
            When it dies.
        Exception
            What its sampler fails with.
        """
        while True:
            try:
                kind, told = receive(self._out)
            except EOFError:
                raise self._died() from None
            if kind == "failed":
                raise told
            if kind == "ended":
                self._ended = True
                return
            columns, self.counts = told
            if columns:
                yield columns

    def _died(self) -> WorkerError:
        try:
            code: Any = self._child.wait(1.0)
        except subprocess.TimeoutExpired:
            code = "unknown"
        return WorkerError(
            f"the process of a Sampler ended with exit code {code}, wanted it to sample.\n"
            "  What it printed is on stderr; with process=False the sources run, and fail, in this one."
        )

    def stop(self) -> None:
        """Have it send what it has, and end."""
        with self._turn:
            try:
                if not self._in.closed:
                    self._in.write(b"s")
            except OSError:  # it has died, which `blocks` finds out
                pass

    def close(self, patience: float) -> None:
        """Wait for its end, or end it; twice is fine."""
        self.stop()
        with self._turn:
            self._in.close()
        try:
            self._child.wait(patience if self._ended else 0.2)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._out.close()
        assert self._child.stdout is not None
        self._child.stdout.close()
