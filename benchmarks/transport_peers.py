"""What `bench_transport` compares: each system as a function of (bytes of an item) to an endless iterable.

All draw from the same generator in one background process. The settings are those that did best for the peer.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np
from transport_common import copied, endless

AHEAD = 16  # items that a peer may have on the way, where it asks


def headrace(nbytes: int) -> Iterable[Any]:
    import headrace as hr

    return (hr.Streamer(endless, nbytes) | hr.background("process")).iterate()


def pescador(nbytes: int) -> Iterable[Any]:
    from pescador import Streamer, ZMQStreamer

    made: Iterable[Any] = ZMQStreamer(
        Streamer(endless, nbytes, True), timeout=0.5
    ).iterate()  # by default it closes in 5 s
    return made


def torch_tensors(nbytes: int) -> Iterator[Any]:
    for item in _torch(nbytes):
        yield {"X": item["X"].numpy(), "Y": item["Y"]}


def torch_arrays(nbytes: int) -> Iterable[Any]:
    return _torch(nbytes, collate_fn=_same)


def _torch(nbytes: int, **options: Any) -> Iterable[Any]:
    from torch.utils.data import DataLoader, IterableDataset

    class Endless(IterableDataset):  # type: ignore[type-arg, misc, unused-ignore]
        def __iter__(self) -> Iterator[Any]:
            return endless(nbytes)

    made: Iterable[Any] = DataLoader(Endless(), batch_size=None, num_workers=1, **options)
    return made


def _same(item: Any) -> Any:
    return item


class _Numbered:
    def __init__(self, nbytes: int) -> None:
        self.n = nbytes // 8

    def __call__(self, i: int) -> Any:
        return {"X": np.full(self.n, float(i)), "Y": np.asarray(i)}


def grain(nbytes: int) -> Iterable[Any]:
    import grain
    from absl import flags

    if not flags.FLAGS.is_parsed():
        flags.FLAGS.mark_as_parsed()
    items = grain.MapDataset.range(10**9).map(_Numbered(nbytes)).to_iter_dataset(grain.ReadOptions(1, AHEAD))
    shared = grain.experimental.DatasetOptions(min_shm_size=1 << 16)
    items = grain.experimental.WithOptionsIterDataset(items, shared)
    made: Iterable[Any] = items.mp_prefetch(grain.MultiprocessingOptions(1, AHEAD))
    return made


def spdl(nbytes: int, arena: str) -> Iterable[Any]:
    import spdl.pipeline as lib
    from spdl.pipeline import iterate_in_subprocess

    room, count = nbytes + (1 << 16), AHEAD + 8
    kept = lib.SharedMemorySegmentPool(room, count) if arena == "pool" else lib.SharedMemoryRingBuffer(room * count)
    made: Iterable[Any] = iterate_in_subprocess(partial(endless, nbytes), buffer_size=AHEAD, arena=kept)
    return made


def pipe(nbytes: int, method: str = "fork") -> Iterator[Any]:
    """A bare process that pickles what it makes into a pipe."""
    context: Any = multiprocessing.get_context(method)
    reader, writer = context.Pipe(False)
    process = context.Process(target=_send, args=(writer, nbytes), daemon=True)
    process.start()
    writer.close()
    try:
        while True:
            yield reader.recv()
    finally:
        reader.close()
        process.kill()
        process.join()


def _send(writer: Any, nbytes: int) -> None:
    for item in endless(nbytes):
        writer.send(item)


SYSTEMS: dict[str, Callable[[int], Iterable[Any]]] = {
    "headrace": headrace,
    "copy loop": copied,
    "pipe": pipe,
    "Pescador": pescador,
    "torch": torch_tensors,
    "torch, numpy": torch_arrays,
    "Grain": grain,
    "SPDL ring": partial(spdl, arena="ring"),
    "SPDL pool": partial(spdl, arena="pool"),
}
PEERS = tuple(name for name in SYSTEMS if name not in ("headrace", "copy loop"))
MODULES = {
    "pipe": "multiprocessing",
    "Pescador": "pescador",
    "torch": "torch",
    "torch, numpy": "torch",
    "Grain": "grain",
    "SPDL ring": "spdl.pipeline",
    "SPDL pool": "spdl.pipeline",
}


# --- work on both sides, and the first item -----------------------------------------------------------


def working(n: int, work: int) -> Iterator[Any]:
    """`n` items of 32 KB that cost work."""
    from transport_common import busy

    for i in range(n):
        busy(work)
        yield {"X": np.full(1 << 12, float(i)), "Y": i}


def numbered(i: int, work: int) -> Any:
    from transport_common import busy

    busy(work)
    return {"X": np.full(1 << 12, float(i)), "Y": i}


def recipe(method: str) -> Any:
    """The stream whose first item is timed."""
    import headrace as hr

    return hr.Streamer(endless, 1 << 10) | hr.background("process", start_method=method)
