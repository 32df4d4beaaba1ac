"""Write a stream to a dataset by the real command, kill it half way, resume it, and compare with an undisturbed run."""

from __future__ import annotations

import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import sleep
from typing import Any

from headrace.core.plain import digest
from headrace.errors import HeadraceError
from headrace.store import read

ROWS = 20_480
PART = 1024
PARTS = ROWS // PART
_TRIES = 4
# Not compared: what is there while somebody writes, and the record of where to go on, in which a stream with a
# background thread may put the same place in two ways ("320 batches", or "319 and one more").
_PASSING = (".lock", "_progress.json")


@dataclass(frozen=True)
class Survived:
    """What happened to the killed run, and how what it left compares with the undisturbed one.

    Attributes
    ----------
    parts : int
        Files of rows that were there when it was killed.
    kept : int
        Rows on record then: where it was resumed.
    files, size : int
        How many files were compared, and their bytes.
    differing : tuple of str
        Those that are not equal, or that only one has.
    """

    parts: int
    kept: int
    files: int
    size: int
    differing: tuple[str, ...]


def command(folder: Path, to: str, seed: int, *more: str) -> list[str]:
    """Return the command line that writes the dataset ``to``, without the program."""
    options = ["--limit", str(ROWS), "--part", str(PART), "--seed", str(seed), "--save-every", "0.1"]
    return ["run", f"{folder / 'digits.py'}:stream", "--to", str(folder / to), *options, *more]


def shown(words: list[str]) -> str:
    """Return a command as one types it."""
    return shlex.join(["headrace", *words])


def killed_half_way(folder: Path, seed: int) -> tuple[int, int]:
    """Start writing ``killed``, kill it with no warning about half way; return (parts, rows on record).

    Raises
    ------
    HeadraceError
        When it fails before, or is done each time before it can be killed.
    """
    words = command(folder, "killed", seed)
    for attempt in range(_TRIES):
        wanted = PARTS // (2 + 2 * attempt)  # earlier when it was too fast for us
        shutil.rmtree(folder / "killed", ignore_errors=True)
        with _started(words) as run:
            while run.poll() is None and not _far_enough(folder / "killed", wanted):
                sleep(0.002)
            alive = run.poll() is None
            run.kill()
            _, told = run.communicate()
        if not alive and run.returncode != 0:
            raise HeadraceError(f"{shown(words)} failed:\n{told.strip()}")
        if not (folder / "killed" / "_headrace.json").exists():
            return _parts(folder / "killed"), len(read(folder / "killed", partial=True))
    raise HeadraceError("the demonstration could not kill its run: it was done each time. Run it again.")


def write(words: list[str]) -> None:
    """Run a command to its end.

    Raises
    ------
    HeadraceError
        When it fails; with what it said.
    """
    with _started(words) as run:
        _, told = run.communicate()
    if run.returncode != 0:
        raise HeadraceError(f"{shown(words)} failed:\n{told.strip()}")


def compare(folder: Path, parts: int, kept: int) -> Survived:
    """Compare the datasets ``killed`` and ``whole``, file for file and byte for byte."""
    one, other = _digests(folder / "killed"), _digests(folder / "whole")
    differing = tuple(sorted(name for name in {*one, *other} if one.get(name) != other.get(name)))
    size = sum((folder / "whole" / name).stat().st_size for name in other)
    return Survived(parts, kept, len(other), size, differing)


@contextmanager
def _started(words: list[str]) -> Iterator[subprocess.Popen[str]]:
    """Give a run of the command, which is ended at the latest when the block is left, by Ctrl-C too."""
    run = None
    try:
        with _signals_put_off():  # one that came between the start and the name for it would leave it running
            run = subprocess.Popen(
                [sys.executable, "-m", "headrace", *words, "--quiet"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
        yield run
    finally:
        if run is not None:
            run.kill()
            with run:  # waits for it, and closes its pipe
                pass


@contextmanager
def _signals_put_off() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM wait until the block is done."""
    came: list[int] = []
    before: dict[int, Any] = {}
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, lambda number, _: came.append(number))
    except ValueError:  # not in the main thread, where signals do not come
        pass
    try:
        yield
    finally:
        for caught, handler in before.items():
            signal.signal(caught, handler)
        for first in came[:1]:
            signal.raise_signal(first)


def _far_enough(dataset: Path, wanted: int) -> bool:
    """Tell whether enough parts are there, and a record of half as many rows; on a slow disk it may be far behind."""
    parts = _parts(dataset)
    if parts < wanted:
        return False
    return parts >= wanted + wanted // 2 or len(read(dataset, partial=True)) >= wanted * PART // 2


def _parts(dataset: Path) -> int:
    return sum(1 for _ in dataset.glob("part-*.npz"))


def _digests(dataset: Path) -> dict[str, str]:
    return {
        path.relative_to(dataset).as_posix(): digest(path.read_bytes())
        for path in dataset.rglob("*")
        if path.is_file() and path.name not in _PASSING
    }
