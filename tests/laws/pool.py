"""A nested composition over files, in a module that another process can import."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import headrace as hr


@hr.streamable
def excerpts(path: str, *, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    """A random number of random parts of one file."""
    with np.load(path) as song:
        rows, name = song["X"], str(song["name"])
    for _ in range(int(rng.integers(3, 30))):
        at = int(rng.integers(len(rows) - 4))
        yield {"X": rows[at : at + 4], "name": name, "u": rng.random()}


def jitter(item: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    return {**item, "X": item["X"] + rng.normal(size=item["X"].shape)}


def write_files(folder: Path, n: int = 12) -> list[str]:
    paths = [folder / f"song{i:02}.npz" for i in range(n)]
    for i, path in enumerate(paths):
        np.savez(path, X=np.arange(40.0).reshape(20, 2) + 1000 * i, name=f"song{i}")
    return [str(path) for path in paths]


def composition(paths: list[str]) -> Any:
    """A mux of muxes of files, mapped, shuffled, batched, prefetched."""
    songs = [excerpts(path) for path in paths]
    groups = [
        hr.StochasticMux(songs[:4], n_active=2, rate=4),
        hr.StochasticMux(songs[4:8], n_active=3, rate=None, mode="single_active"),
        hr.StochasticMux(songs[8:], n_active=2, rate=2.5, weights=[1, 2, 3, 4], dist="poisson"),
    ]
    mixed = hr.ShuffledMux(groups, weights=[0.5, 0.3, 0.2])
    return mixed | hr.map(jitter) | hr.shuffle(16) | hr.batch(4) | hr.prefetch(ahead="64kB")


def digest(item: Any) -> str:
    """An item as a few bytes, so that a thousand continuations can be compared."""
    parts = [(path, np.asarray(leaf)) for path, leaf in hr.core.items.leaves(item)]
    told = [(path, array.dtype.str, array.shape, array.tobytes()) for path, array in sorted(parts, key=lambda p: p[0])]
    return hashlib.blake2b(pickle.dumps(told), digest_size=8).hexdigest()


def continuations(pickled: bytes, states: bytes, n: int) -> list[list[str]]:
    """What comes after each state."""
    stream, found = pickle.loads(pickled), []
    for state in pickle.loads(states):
        with stream.open(at=state) as cursor:
            found.append([digest(item) for item in cursor.take(n)])
    return found
