"""Writes points to a ledger until it is killed: `python ledger_driver.py FOLDER WRITER BATCHES [KILL AT]`.

Each batch that ``put`` has taken is told on stdout, so who reads that knows what was acknowledged. KILL AT n dies right
before or after the n-th touch of the disk: every fsync, rename and commit has a moment before and one after it. With
n = 0 it runs to its end and prints how many touches there were.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from headrace.store import ledger_db
from headrace.store.ledger import Ledger, Point

LARGE = 13_000  # float64: above the size from which an array has a file of its own


def key_of(writer: int, batch: int, k: int) -> bytes:
    return f"{writer:04d}-{batch:06d}-{k:03d}".encode()


def batch_of(writer: int, batch: int) -> list[Point]:
    """Return what a batch holds: the same whenever it is asked for."""
    draw = random.Random(f"{writer} {batch}")
    found = []
    for k in range(draw.randint(1, 6)):
        large = k == 0 and batch % 3 == 0
        array = np.full(LARGE if large else draw.randint(0, 500), float(writer * 1000 + batch))
        found.append(Point(key_of(writer, batch, k), (writer, batch, k), (batch / 7, f"text {k}", array), seconds=0.1))
    return found


def same(found: Point, wanted: Point) -> bool:
    return (
        found.coords == wanted.coords
        and found.value[:2] == wanted.value[:2]
        and np.array_equal(found.value[2], wanted.value[2])
    )


class Killer:
    """Counts touches of the disk, and kills this process at one of them."""

    def __init__(self, last: int) -> None:
        self.last = last
        self.seen = 0

    def moment(self) -> None:
        self.seen += 1
        if self.seen == self.last:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def touched(*args: Any, **kwargs: Any) -> Any:
            self.moment()
            made = function(*args, **kwargs)
            self.moment()
            return made

        return touched

    def install(self) -> None:
        for name in ("fsync", "rename", "replace"):
            setattr(os, name, self.around(getattr(os, name)))
        ledger_db.commit = self.around(ledger_db.commit)


def write(folder: Path, writer: int, first: int, batches: int, tell: Callable[[int], None]) -> None:
    ledger = Ledger(folder)
    for batch in range(first, first + batches):
        ledger.put(batch_of(writer, batch), layout=("a", "b", "c"), session={"writer": writer})
        tell(batch)


def main() -> None:
    folder, writer, first, batches, last = Path(sys.argv[1]), *map(int, sys.argv[2:6])
    killer = Killer(last)
    killer.install()

    def tell(batch: int) -> None:
        os.write(1, f"{batch}\n".encode())

    write(folder, writer, first, batches, tell)
    print(f"touches {killer.seen}")


if __name__ == "__main__":
    main()
