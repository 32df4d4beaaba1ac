"""A process for each system of `bench_transport`, so that one's imports and threads never disturb another's.

It reads a command a line, `["pass", [arguments ...]]`, and answers one, both JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

MAX_FAILURE = 2000  # characters of what a system that fails last said


class Runner:
    """The same as seen by who asks."""

    def __init__(self, system: str, folder: str) -> None:
        self.system = system
        # Processes that are spawned find byte code, as they do where packages are installed.
        env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__)), system],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**env, "PYTHONPYCACHEPREFIX": folder},
            stderr=subprocess.DEVNULL,  # peers warn at length; what fails is answered
        )

    def ask(self, what: str, *arguments: Any) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([what, arguments]) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        found = json.loads(line) if line else {"failed": f"{self.system}: its process is gone"}
        if isinstance(found, dict) and "failed" in found:
            raise RuntimeError(found["failed"])
        return found

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _answer(system: str, what: str, arguments: list[Any]) -> Any:
    import transport_work as work

    done = getattr(work, what)
    return done(system, *arguments)


def _serve(system: str) -> None:
    import traceback

    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a system prints is no answer
    for line in sys.stdin:
        try:
            found = _answer(system, *json.loads(line))
        except Exception:
            found = {"failed": traceback.format_exc()[-MAX_FAILURE:]}
        answers.write(json.dumps(found) + "\n")
        answers.flush()


if __name__ == "__main__":
    _serve(sys.argv[1])
