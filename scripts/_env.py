"""Make .venv ready: `python _env.py ROOT EXTRA...` (standard library only; called by scripts/_env).

The stamp in .venv says which extras are installed for which pyproject.toml and Python, so a second run costs
milliseconds. A marker file stands while an installer works: found at the start it means that one was killed
half-way, and pip may take what that left for whole, so the environment is made anew.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MARKER = "headrace-installing"


def say(text: str) -> None:
    print(f"headrace: {text}", file=sys.stderr, flush=True)


@contextmanager
def locked(path: Path) -> Iterator[int]:
    """One maker at a time.

    A kernel lock cannot go stale: it ends with the last process that holds it, kill -9 included. The installers
    inherit it, so killing this script alone does not let a second one in beside a pip that still works.
    """
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another script is preparing .venv, waiting for it ...")
            fcntl.flock(fd, fcntl.LOCK_EX)
        yield fd
    finally:
        os.close(fd)


def closure(extras: list[str], table: dict[str, list[str]]) -> list[str]:
    """The extras and those they refer to as `headrace[...]`: after `dev`, `demo` needs nothing more."""
    done: list[str] = []
    todo = list(extras)
    while todo:
        extra = todo.pop()
        if extra in done:
            continue
        if extra not in table:
            sys.exit(f"headrace: pyproject.toml has no extra {extra!r}; it has {', '.join(sorted(table))}.")
        done.append(extra)
        for requirement in table[extra]:
            if requirement.startswith("headrace["):
                todo += [name.strip() for name in requirement[len("headrace[") : -1].split(",")]
    return sorted(done)


def version(python: Path | str) -> str | None:
    """The full version and home of an interpreter, or None when it does not run."""
    code = "import sys; print(sys.version_info[:3], sys.base_prefix)"
    try:
        return subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def make(venv: Path, fd: int) -> None:
    if venv.is_symlink():
        sys.exit(f"headrace: {venv} is a symbolic link and does not work; remove it and start again.")
    if venv.exists():
        shutil.rmtree(venv)
    say(f"making .venv with Python {sys.version.split()[0]}")
    venv.mkdir()
    (venv / MARKER).touch()  # from here on: half a venv is as bad as half an installation
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True, pass_fds=[fd])


def install(venv: Path, root: Path, extras: list[str], fd: int) -> int:
    target = f"{root}[{','.join(extras)}]"
    python = str(venv / "bin" / "python")
    if uv := shutil.which("uv"):
        if (
            subprocess.run(
                [uv, "pip", "install", "--quiet", "--python", python, "-e", target], pass_fds=[fd]
            ).returncode
            == 0
        ):
            return 0
        say("uv did not manage (it does not read pip.conf): trying pip")
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-e", target]
    return subprocess.run(command, pass_fds=[fd]).returncode


def main(root: Path, extras: list[str]) -> int:
    venv, lock = root / ".venv", root / ".venv.lock"
    stamp, marker = venv / "headrace-stamp.json", venv / MARKER
    project = (root / "pyproject.toml").read_bytes()
    digest = hashlib.sha256(project).hexdigest()
    wanted = closure(extras, tomllib.loads(project.decode())["project"]["optional-dependencies"])

    def missing() -> list[str]:
        try:
            known = json.loads(stamp.read_text())
        except (OSError, ValueError):
            return wanted
        # An environment that moved (a renamed checkout) still names its old place in its scripts.
        if known.get("key") != [digest, version(venv / "bin" / "python"), str(venv)]:
            return wanted
        return [extra for extra in wanted if extra not in known["extras"]]

    def other_python() -> bool:
        asked = os.environ.get("HEADRACE_PYTHON")
        return bool(asked) and version(asked) != version(venv / "bin" / "python")

    if not marker.exists() and not missing() and not other_python():
        return 0
    with locked(lock) as fd:
        if marker.exists():
            say("an installation was interrupted; making .venv anew")
            make(venv, fd)
        elif version(venv / "bin" / "python") is None:
            make(venv, fd)
        elif other_python():
            say("HEADRACE_PYTHON asks for another Python")
            make(venv, fd)
        elif not missing():
            return 0  # the script we waited for did it
        elif (venv / "bin" / "python").exists() and not (venv / "bin" / "pip").exists():
            subprocess.run([venv / "bin" / "python", "-m", "ensurepip", "--upgrade"], pass_fds=[fd])
        try:
            have = json.loads(stamp.read_text())
        except (OSError, ValueError):
            have = {}
        key = [digest, version(venv / "bin" / "python"), str(venv)]
        before = have["extras"] if have.get("key") == key else []
        say(f"installing headrace[{','.join(missing())}] into .venv (the first time takes a few minutes)")
        marker.touch()
        code = install(venv, root, extras, fd)
        if code:
            if code > 0:  # the installer said no and rolled back; below zero it was killed, and the marker stays
                marker.unlink()
            say(
                f"the installation failed (exit {code}). Without a network? Run the same command again when it is there."
            )
            return 1
        stamp.write_text(json.dumps({"key": key, "extras": sorted({*before, *wanted})}))
        marker.unlink()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
    except KeyboardInterrupt:
        sys.exit("\nheadrace: interrupted; the next run repairs .venv.")
