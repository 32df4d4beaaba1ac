"""What `bench_streams` runs in fresh processes, so that nothing else is in their memory."""

from __future__ import annotations

import gc
import json
import tempfile
import tracemalloc
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np


def report(found: Any) -> None:
    print(json.dumps(found))


def rows_of(data: np.ndarray) -> Any:
    while True:
        for row in data:
            yield {"X": row}


def paths_of(path: str) -> Any:
    yield path


def _mux(module: str, n: int, nbytes: int) -> Any:
    library = import_module(module)
    arrays = [np.ones((nbytes // 64, 8)) for _ in range(n)]
    return library.StochasticMux([library.Streamer(rows_of, array) for array in arrays], 10, 8)


def working_set(module: str, n: int, nbytes: int) -> int:
    """Most bytes that Python and NumPy had allocated while 10 of `n` members ran for 2000 items."""
    stream = _mux(module, n, nbytes)
    tracemalloc.start()
    items = iter(stream)
    for _ in islice(items, 2000):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def _resident() -> int:
    pages = Path("/proc/self/statm")
    if pages.exists():
        import resource

        return int(pages.read_text().split()[1]) * resource.getpagesize()
    import psutil

    return int(psutil.Process().memory_info().rss)


def working_set_rss(module: str, n: int, nbytes: int) -> int:
    """The same, as the growth of resident memory."""
    stream = _mux(module, n, nbytes)
    gc.collect()
    before = _resident()
    items = iter(stream)
    for _ in islice(items, 2000):
        pass
    gc.collect()
    return _resident() - before


def memmap_argument(module: str) -> bool:
    """Whether a generator inside a running mux finds its memory-mapped argument on its file."""
    library = import_module(module)

    def look(data: Any) -> Any:
        while True:
            yield {"kept": isinstance(data, np.memmap) and data.filename is not None}

    with tempfile.TemporaryDirectory() as folder:
        np.save(f"{folder}/x.npy", np.arange(100.0))
        members = [library.Streamer(look, np.load(f"{folder}/x.npy", mmap_mode="r")) for _ in range(4)]
        return all(item["kept"] for item in islice(iter(library.StochasticMux(members, 2, 3)), 50))


def idle(module: str, n: int) -> dict[str, int]:
    """Bytes of `n` recipes with a path each, the paths counted apart."""
    library = import_module(module)
    library.Streamer(paths_of, "warm")
    tracemalloc.start()
    paths = [f"/data/archive/part-{i:06d}.npz" for i in range(n)]
    of_paths = tracemalloc.get_traced_memory()[0]
    streams = [library.Streamer(paths_of, path) for path in paths]
    gc.collect()
    total = tracemalloc.get_traced_memory()[0]
    assert len(streams) == n
    tracemalloc.stop()
    return {"paths": of_paths, "streams": total - of_paths}


def everything(module: str, n: int, nbytes: int, n_idle: int) -> dict[str, Any]:
    """All of the above; resident memory first, while nothing else has been in it."""
    rss = working_set_rss(module, n, nbytes)
    found = {"rss": rss, "peak": working_set(module, n, nbytes), "on file": memmap_argument(module)}
    return {**found, **idle(module, n_idle)}
