"""Handwritten digits: fifty archives drawn as one weighted, perturbed stream of batches.

    headrace describe digits.py:stream
    headrace peek digits.py:stream
    headrace run digits.py:stream --to mine.zarr --limit 100000 --seed 7

The images are the 1797 of 8 x 8 pixels that scikit-learn ships. The archives are written beside this file, into
``archives/digits``, when the first image is wanted.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import headrace as hr

FOLDER = Path(__file__).resolve().parent / "archives" / "digits"
GROUPS = 5
HARD = {8: 3, 9: 2}  # the digits that are mistaken most, and how much more often than others they are drawn

Item = dict[str, Any]


@hr.streamable
def images(digit: int, group: int, *, rng: np.random.Generator) -> Iterator[Item]:
    """Yield images of one archive, at random and without end; `rng` is handed in, from the seed of the whole."""
    write_archives()
    name = f"digit{digit}-group{group}"
    with np.load(FOLDER / f"{name}.npz") as archive:
        found = archive["X"]
    while True:
        yield {"X": found[rng.integers(len(found))], "y": digit, "archive": name}


def perturb(item: Item, rng: np.random.Generator) -> Item:
    """Move every fourth image by a pixel, and add noise to all."""
    image = item["X"]
    if rng.random() < 0.25:
        image = np.roll(image, 1 if rng.random() < 0.5 else -1, axis=int(rng.integers(2)))
    noisy = image + rng.normal(scale=0.1, size=image.shape)
    return {**item, "X": np.clip(noisy, 0, 1).astype(np.float32)}


members = {f"digit{digit}-group{group}": (digit, group) for digit in range(10) for group in range(GROUPS)}

stream = (
    hr.StochasticMux(
        {name: images(*at) for name, at in members.items()},
        n_active=12,  # this many archives are open at a time,
        rate=8,  # each for about eight images
        weights={name: HARD.get(digit, 1) for name, (digit, _) in members.items()},
    )
    | hr.map(perturb)
    | hr.batch(64)
    | hr.prefetch(ahead="8MB")
)


def write_archives() -> None:
    """Write an archive per digit and group, and the images held out for scoring, unless they are there.

    Neighbours in the file seem to be by the same hand. So the last quarter of each digit is held out, and groups are
    runs of neighbours: no writer is both learned from and scored on, but for the one at each border.
    """
    if FOLDER.exists():
        return
    from sklearn.datasets import load_digits

    found = load_digits()
    X, y = (found.images / 16).astype(np.float32), found.target
    unfinished = FOLDER.with_name(f"digits-{os.getpid()}")
    unfinished.mkdir(parents=True)
    held_out = []
    for digit in range(10):
        mine = X[y == digit]
        border = len(mine) * 3 // 4
        held_out.append(mine[border:])
        for group, part in enumerate(np.array_split(mine[:border], GROUPS)):
            np.savez(unfinished / f"digit{digit}-group{group}.npz", X=part)
    answers = np.repeat(np.arange(10), [len(part) for part in held_out])
    np.savez(unfinished / "held-out.npz", X=np.concatenate(held_out), y=answers)
    unfinished.rename(FOLDER)  # all of them or none


if __name__ == "__main__":
    for batch in stream(max_iter=3):
        print(batch["X"].shape, batch["y"][:10], batch["archive"][:2])
