"""Saves that are killed at every touch of the file system: `python killed_save.py ENGINE HOW WHAT FOLDER [ROUNDS [STEP]]`.

A touch is one of Python's audit events or a call of fsync, each of which comes before what it names. HOW is `kill`,
`interrupt` (a Ctrl-C there) or `random` (a kill at any moment). After each the dataset must be the old one or the new
one, and the next save must work. With STEP, every so manieth touch has its turn. WHAT is `save`, `merge` or `inplace`, which writes as most programs do. Prints what
came of it as JSON. Each round is a fork of this process, which itself writes only once, before them.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5netcdf
import numpy as np
import xarray as xr
import zarr

from headrace.store import dataset_path, load_ds, save_ds, save_merge_ds

TOUCHES = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.listdir", "os.scandir", "os.chmod"}
_ = h5netcdf, zarr  # imported before the forks


def dataset(version: int, size: int) -> Any:
    data = {name: ("x", np.full(size, version)) for name in "ab"}
    names = np.array([f"v{version}"] * 3 + [None], object)
    return xr.Dataset(
        {**data, "s": ("k", names)}, coords={"x": np.arange(size)}, attrs={"version": version, "opts": {}}
    )


def write(what: str, engine: str, path: Path, version: int, size: int) -> None:
    ds = dataset(version, size)
    if what == "save":
        save_ds(ds, path, engine)
    elif what == "merge":
        save_merge_ds(ds, path, True, engine=engine)
    elif engine == "zarr":
        ds.drop_vars("s").to_zarr(dataset_path(path, engine), mode="w", consolidated=False)
    else:
        ds.drop_vars("s").to_netcdf(dataset_path(path, engine), engine=engine)


def touching(folder: str, last: int, how: str) -> Callable[[], int]:
    """Count touches of a folder and end at one of them."""
    seen = 0

    def touched() -> None:
        nonlocal seen
        seen += 1
        if seen == last:
            if how == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            os.kill(os.getpid(), signal.SIGINT)  # whose exception comes in the main thread, as a Ctrl-C does

    def hook(event: str, args: tuple[Any, ...]) -> None:
        named = event in TOUCHES and args and isinstance(args[0], str | os.PathLike)
        if named and os.path.abspath(os.fspath(args[0])).startswith(folder):
            touched()

    def synced(fd: Any) -> None:
        touched()

    os.fsync = synced  # it guards against a crash of the machine; a kill of the process loses nothing written
    sys.addaudithook(hook)
    return lambda: seen


def begun(act: Callable[[], int | None]) -> int:
    pid = os.fork()
    if pid == 0:
        code = 99
        try:
            code = act() or 0
        except KeyboardInterrupt:
            code = 3
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return pid


def forked(act: Callable[[], int | None]) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(begun(act), 0)[1])


def seen(what: str, engine: str, path: Path, before: int, size: int) -> int:
    """0: the old dataset is there, 1: the new one, 2: neither. Then save another, which must be there alone."""
    try:
        found = load_ds(path, engine)
        version = int(found.attrs["version"]) if what != "merge" else int(found.a.values[0])
        wanted = dataset(version, size)
        if not all(found[name].equals(wanted[name]) for name in found.variables):
            return 2
        if version not in (before, before + 1):
            return 2
        write(what, engine, path, before + 2, size)
        again = load_ds(path, engine)
        alone = [p.name for p in path.parent.iterdir()] == [dataset_path(path, engine).name]
        return version - before if int(again.a.values[0]) == before + 2 and alone else 2
    except Exception as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 2


def main() -> int:
    engine, how, what, folder = sys.argv[1:5]
    rounds = int(sys.argv[5]) if len(sys.argv) > 5 else 10_000
    step = int(sys.argv[6]) if len(sys.argv) > 6 else 1
    path = Path(folder).resolve() / "d"
    size = 200_000 if how == "random" else 20
    draw = random.Random(7)
    came: Counter[str] = Counter()
    version, span = 0, 0.3
    with tempfile.TemporaryDirectory() as warm:  # what is imported here, the forks have
        write("save", "h5netcdf", Path(warm) / "d", version, size)
        seen("merge", "h5netcdf", Path(warm) / "d", version, size)
    forked(lambda: write(what, engine, path, version, size))
    for n in range(1, rounds + 1, step):

        def act(n: int = n, version: int = version) -> int:
            if how != "random":
                touching(str(path.parent), n, how)
            write(what, engine, path, version + 1, size)
            return 0

        if how == "random":
            pid = begun(act)
            time.sleep(draw.uniform(0, span))
            os.kill(pid, signal.SIGKILL)
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        else:
            code = forked(act)
        came[
            "killed"
            if code == -signal.SIGKILL
            else "interrupted"
            if code == 3
            else "whole"
            if code == 0
            else f"code {code}"
        ] += 1
        found = forked(lambda v=version: seen(what, engine, path, v, size))  # type: ignore[misc]  # a default
        came[{0: "old", 1: "new"}.get(found, "lost")] += 1
        if found not in (0, 1) and what != "inplace":
            came[f"at {n}"] = 1
            break
        if found not in (0, 1):
            forked(lambda v=version: write(what, engine, path, v + 2, size))  # type: ignore[misc]  # a default
        version += 2
        if code == 0 and how != "random":
            break
    print(json.dumps(came))
    return 0


if __name__ == "__main__":
    sys.exit(main())
