"""A process that has imported what many short ones need, and forks them: a tenth of what a new interpreter costs.

What it forks is a process as any other: it has an input, outputs, a folder and variables of its own, it runs a script as
`__main__`, and a signal kills it. It has imported nothing but what was asked for, and what others did it does not know.
scripts/soak starts an interpreter for each (see `ran`).
"""

from __future__ import annotations

import atexit
import os
import pickle
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path

from support.counts import soaking


def ran(
    command: Sequence[str],
    *preload: str,
    cwd: str | Path | None = None,
    env: Mapping[str, str] | None = None,
    input: bytes = b"",
    timeout: float = 100,
) -> subprocess.CompletedProcess[bytes]:
    """What came of `sys.executable SCRIPT ARGUMENTS`: as subprocess.run(command, capture_output=True) tells it."""
    assert command[0] == sys.executable
    if soaking() or not hasattr(os, "fork"):
        return subprocess.run(command, capture_output=True, cwd=cwd, env=env, input=input, timeout=timeout, check=False)
    return _parent(preload).run(command[1:], cwd=cwd, env=env, input=input, timeout=timeout)


@cache
def _parent(preload: tuple[str, ...]) -> _Parent:
    return _Parent(preload)


class _Parent:
    """Here: the process that forks, and a socket to it."""

    def __init__(self, preload: tuple[str, ...]) -> None:
        self.preload = preload
        self.owner = os.getpid()
        self.start()
        atexit.register(self.close)

    def start(self) -> None:
        self.socket, theirs = socket.socketpair()
        code = f"import sys; sys.path[:] = {sys.path!r}; from support.warm import serve; serve({theirs.fileno()}, {self.preload!r})"
        # A session of its own: with it ends what it has forked.
        self.process = subprocess.Popen(
            [sys.executable, "-c", code], pass_fds=[theirs.fileno()], start_new_session=True
        )
        theirs.close()

    def run(
        self,
        argv: Sequence[str],
        *,
        cwd: str | Path | None,
        env: Mapping[str, str] | None,
        input: bytes,
        timeout: float,
    ) -> subprocess.CompletedProcess[bytes]:
        told = [str(cwd or os.getcwd()), dict(os.environ if env is None else env), list(map(str, argv))]
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            given.write(input)
            given.seek(0)
            try:
                found = self._asked(pickle.dumps(told), [file.fileno() for file in (given, out, err)], timeout)
            except BaseException as error:  # whatever is under way, nobody waits for its answer any more
                self.close()
                self.start()
                if isinstance(error, TimeoutError):
                    raise subprocess.TimeoutExpired(argv, timeout) from None
                raise
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(argv, found, out.read(), err.read())

    def _asked(self, request: bytes, fds: list[int], timeout: float) -> int:
        self.socket.settimeout(timeout)
        socket.send_fds(self.socket, [len(request).to_bytes(4, "little")], fds)
        self.socket.sendall(request)
        return int.from_bytes(_exactly(self.socket, 4), "little", signed=True)

    def close(self) -> None:
        if os.getpid() == self.owner:  # and not in a fork of ours that ends
            self.socket.close()
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def _exactly(connection: socket.socket, n: int) -> bytes:
    found = b""
    while len(found) < n:
        more = connection.recv(n - len(found))
        if not more:
            raise EOFError("the process that forks has ended")
        found += more
    return found


def serve(fd: int, preload: tuple[str, ...]) -> None:
    """There: fork for each request, tell how it ended; the fork returns from here into the script."""
    for name in preload:
        import_module(name)
    connection = socket.socket(fileno=fd)
    while True:
        head, fds, _, _ = socket.recv_fds(connection, 4, 3)
        if not head:
            os._exit(0)
        head += _exactly(connection, 4 - len(head))
        cwd, env, argv = pickle.loads(_exactly(connection, int.from_bytes(head, "little")))
        pid = os.fork()
        if pid == 0:
            connection.close()
            _become(cwd, env, argv, fds)
            return
        for each in fds:
            os.close(each)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        connection.sendall(code.to_bytes(4, "little", signed=True))


def _become(cwd: str, env: dict[str, str], argv: list[str], fds: Sequence[int]) -> None:
    for number, each in enumerate(fds):
        os.dup2(each, number)
        os.close(each)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.argv[:] = argv
    sys.path[0] = os.path.dirname(os.path.abspath(argv[0]))
    # It ends as any interpreter does, with what is registered to run at its exit.
    runpy.run_path(argv[0], run_name="__main__")
