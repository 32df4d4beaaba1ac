"""Breast cancer: ten archives of measurements drawn as one stream, the rarer class as often as the other.

    headrace peek cancer.py:stream
    headrace run cancer.py:stream --to mine.zarr --limit 100000 --seed 7

The table is the Wisconsin diagnostic one that scikit-learn ships: 569 tumours, 30 measurements of each. Here `stream`
is a function that returns the stream, which the command line takes as well: files are looked for when it is called.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np

import headrace as hr

FOLDER = Path(__file__).resolve().parent / "archives" / "cancer"
GROUPS = 5
CLASSES = ("malignant", "benign")

Item = dict[str, Any]


def perturb(item: Item, rng: np.random.Generator) -> Item:
    """Give every measurement an error of two per cent."""
    return {**item, "X": item["X"] * rng.normal(1, 0.02, item["X"].shape)}


def stream() -> hr.Stream[Any]:
    """Return the stream of batches, rows drawn at random from the archives."""
    write_archives()
    names = [f"{kind}-group{group}" for kind in CLASSES for group in range(GROUPS)]
    members = {name: hr.npz(FOLDER / f"{name}.npz", order="random") for name in names}
    return hr.StochasticMux(members, n_active=4, rate=8) | hr.map(perturb) | hr.batch(64)


def write_archives() -> None:
    """Write an archive per class and group, and the rows held out for scoring, unless they are there.

    What has no rows of its own, the class and the name of the archive, is repeated in every item.
    """
    if FOLDER.exists():
        return
    from sklearn.datasets import load_breast_cancer

    X, y = load_breast_cancer(return_X_y=True)
    unfinished = FOLDER.with_name(f"cancer-{os.getpid()}")
    unfinished.mkdir(parents=True)
    held_out = []
    for label, kind in enumerate(CLASSES):
        mine = X[y == label]
        border = len(mine) * 3 // 4
        held_out.append(mine[border:])
        for group, part in enumerate(np.array_split(mine[:border], GROUPS)):
            name = f"{kind}-group{group}"
            np.savez(unfinished / f"{name}.npz", X=part, y=label, archive=name)
    answers = np.repeat([0, 1], [len(part) for part in held_out])
    np.savez(unfinished / "held-out.npz", X=np.concatenate(held_out), y=answers)
    unfinished.rename(FOLDER)  # all of them or none


if __name__ == "__main__":
    for batch in stream()(max_iter=3):
        print(batch["X"].shape, batch["y"][:10], batch["archive"][:2])
