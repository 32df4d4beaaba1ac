"""Compositions whose items have numbers, importable by another process."""

from __future__ import annotations

import pickle
from math import inf
from typing import Any

import numpy as np

import headrace as hr
from headrace.core import same
from headrace.core.registry import find
from headrace.testing.strategies import _called_many_noisy as many_noisy
from headrace.testing.strategies import _called_noisy as called_noisy
from headrace.testing.strategies import _noisy, _noisy_columns, _shifted, _shifted_columns


def rows(n: int = 20) -> Any:
    return hr.source([{"i": i, "x": np.array([i, i / 2])} for i in range(n)])


def table(n: int = 20) -> Any:
    return hr.source({"i": np.arange(n), "x": np.arange(2.0 * n).reshape(n, 2)})


def words(n: int = 20) -> Any:
    return hr.source({"w": np.array(["a" * (1 + i % 5) for i in range(n)]), "b": np.arange(n, dtype="i2")})


def endless() -> Any:
    return hr.functional(called_noisy)


def many(size: int | None = None) -> Any:
    return hr.functional(many_noisy, size=size, batched=True)


def tree() -> Any:
    """A tree without a seed of its own."""
    return find("sampling_tree").example()  # type: ignore[misc]  # every stream has an example


def composed() -> dict[str, Any]:
    """Every op that keeps numbers, over finite and endless sources, with random numbers and without."""
    made: dict[str, Any] = {}
    for name, make in {"rows": rows, "table": table, "endless": endless}.items():
        s = make()
        made |= {
            f"{name}, map": s | hr.map(_shifted),
            f"{name}, map with rng": s | hr.map(_noisy),
            f"{name}, map batched": s | hr.map(_shifted_columns, batched=True),
            f"{name}, map batched with rng": s | hr.map(_noisy_columns, batched=True),
            f"{name}, take": s | hr.take(18),
            f"{name}, skip": s | hr.skip(7),
            f"{name}, batch": s | hr.batch(7),
            f"{name}, full batches": s | hr.batch(7, partial=False),
            f"{name}, window": s | hr.window(4, 3),
            f"{name}, touching windows": s | hr.window(3, 5),
            f"{name}, enumerate": s | hr.enumerate(3),
            f"{name}, zip": hr.zip(s, endless()),
            f"{name}, zip dict": hr.zip({"a": s, "b": table(50)}),
            f"{name}, concat": hr.concat(table(11), rows(0), s),
            f"{name}, shard": s.shard(1, 2),
            f"{name}, tuples": s | hr.tuples("x", "i"),
            f"{name}, keras_tuples": hr.keras_tuples(s, ["x", "i"], "i"),
            f"{name}, mix": hr.mix({"s": s, "t": table(5), "u": endless()}, {"s": 3, "t": 1, "u": 0.5}),
        }
        if s.size == inf:  # the rest says nothing that the finite ones do not
            for op in (
                "map",
                "skip",
                "full batches",
                "touching windows",
                "enumerate",
                "zip dict",
                "tuples",
                "keras_tuples",
            ):
                del made[f"{name}, {op}"]
        else:
            made |= {
                f"{name}, repeat": s | hr.take(9) | hr.repeat(4),
                f"{name}, permute": s | hr.permute(),
                f"{name}, permute of a few": s | hr.take(19) | hr.permute() | hr.repeat(2),
            }
    tables = hr.mix([table(5), table(13), table(1)], [1, 2, 3])
    made |= {
        "words": words(),
        "words, batch": words() | hr.batch(6),
        "words, permuted": words() | hr.permute(),
        "mix of words": hr.mix([words(5), words(20)]) | hr.batch(3),
        "many words": hr.functional(_words_noisy, size=20, batched=True) | hr.map(_wider, batched=True),
        "many": many(20),
        "many without end": many(),
        "mix of tables": tables,
        "mix of permuted tables": hr.mix([table(5) | hr.permute(), table(30) | hr.permute()], seed=4),
        "scheduled mix": hr.mix([table(5), endless()], hr.schedule({0: [1, 0], 10: [1, 1], 30: [0, 1]})),
        "mix of one with an empty one": hr.mix([table(5), table(5) | hr.take(0)]),
        "mix of unlike members": hr.mix([range(5), [0.5, 1.5]]),
        "nested": hr.zip({"m": tables | hr.map(_noisy), "p": table(7) | hr.permute() | hr.repeat()})
        | hr.batch(4)
        | hr.enumerate(),
        "nested finite": hr.concat(many(6) | hr.permute(), hr.zip(rows(9), many()) | hr.map(_second), table(5))
        | hr.batch(3),
        "seeds inside": hr.mix([many(9).seeded(3) | hr.permute(), (many(4) | hr.permute()).seeded(3)], seed=1)
        | hr.batch(2),
        "parts of parts": (tables | hr.batch(2)).shard(1, 2).shard(2, 3),
        "tree": tree(),
        "sweep": find("sweep").example(),  # type: ignore[misc]  # as of a tree
        "op over a tree": tree() | hr.map(_second) | hr.batch(3),
        "op over a part": table(39).shard(1, 2) | hr.permute() | hr.map(_noisy),
        "laps of laps": (many(5) | hr.permute() | hr.repeat(2) | hr.skip(1) | hr.take(8)) | hr.permute() | hr.repeat(5),
    }
    return made


def _words_noisy(i: Any, rng: np.random.Generator) -> Any:
    return {"w": np.array(["a" * (1 + k % 7) for k in range(50)])[rng.integers(0, 50, len(i))], "b": i.astype(">i4")}


def _wider(columns: Any) -> Any:
    return {**columns, "w": columns["w"].astype("<U9")}


def _second(pair: Any) -> Any:
    return pair[1]


PLACES = (0, 1020, 2**15 - 4, 2**29 - 4, 10**9 - 3)


def endlessly(stream: Any) -> Any:
    """The stream, repeated where it has an end, so that there are items far away."""
    return stream | hr.repeat() if 0 < stream.size < inf else stream


def at_places(sent: bytes, seed: int, places: list[int], n: int) -> list[list[Any]]:
    """``n`` items from each place on, of each pickled stream, by number."""
    return [
        [stream.seeded(seed)[place + k] for place in places for k in range(n if stream.size else 0)]
        for stream in pickle.loads(sent)
    ]


def alike(a: list[Any], b: list[Any]) -> bool:
    return len(a) == len(b) and all(map(same, a, b))
