"""A training that is killed: `python killed_loader.py KIND FOLDER` runs epochs until there is a file FOLDER/stop.

After every item it writes what has been seen and the state of its loader, as one file that is replaced as a whole, and
prints a line.
"""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path
from typing import Any

import headrace as hr
from bridges.pool import members, numbered, values

EPOCH = 40


def stream(kind: str) -> Any:
    return numbered(EPOCH) if kind == "numbered" else members()


def loader(kind: str) -> Any:
    return hr.bridges.torch.loader(stream(kind), num_workers=2, snapshot_every=0.01)


def main(kind: str, folder: Path) -> None:
    batches, path = loader(kind), folder / "progress"
    epochs: list[Any] = []
    if path.exists():
        epochs, state = pickle.loads(path.read_bytes())
        batches.load_state_dict(state)
    while not (folder / "stop").exists() or len(epochs) > batches.epoch:  # the epoch under way is finished first
        epochs += [[] for _ in range(batches.epoch + 1 - len(epochs))]
        for item in batches:
            epochs[batches.epoch] += values([item])
            (folder / "next").write_bytes(pickle.dumps((epochs, batches.state_dict())))
            os.replace(folder / "next", path)
            print("delivered", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
