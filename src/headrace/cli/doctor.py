"""``headrace doctor``: which extras work here, and whether the machine does what headrace asks of it."""

from __future__ import annotations

import os
import platform
import re
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from importlib import import_module, metadata
from pathlib import Path

# Where a package is imported under another name than it is installed.
_MODULES = {
    "scikit-learn": "sklearn",
    "pillow": "PIL",
    "pywavelets": "pywt",
    "pyserial": "serial",
    "opencv-python": "cv2",
    "netcdf4": "netCDF4",
}
_SHOWN = (
    "demo",
    "sweeps",
    "store",
    "signals",
    "sensors",
    "frames",
    "video",
    "infer",
    "torch",
    "keras",
    "sklearn",
    "huggingface",
    "plot",
    "live",
    "cluster",
)


def arguments(parser: ArgumentParser) -> None:
    """Say what the command line may hold."""


def main(args: Namespace) -> int:
    """Print what works here. What is missing is no failure: extras are optional."""
    from headrace import __version__

    print(f"headrace {__version__}, Python {platform.python_version()}, {platform.platform()}, {os.cpu_count()} CPUs")
    for name in ("numpy", "tqdm"):
        print(f"  {name} {metadata.version(name)}")
    for extra, packages in extras().items():
        told = {name: _state(name) for name in packages}
        bad = [name for name, state in told.items() if state.startswith("!")]
        missing = [name for name, state in told.items() if not state]
        verdict = "works" if not bad and not missing else f"pip install 'headrace[{extra}]'" if missing else "is broken"
        print(f"{extra}: {verdict}")
        for name, state in told.items():
            print(f"  {name} {state.lstrip('!') or 'is not installed'}")
    print("this machine:")
    for what, check in CHECKS.items():
        try:
            print(f"  {what}: {check()}")
        except Exception as error:  # that is what we are here to find out
            print(f"  {what}: does not work: {type(error).__name__}: {error}")
    return 0


def extras() -> dict[str, list[str]]:
    """Return the packages of each extra, as they were declared when headrace was installed."""
    try:
        declared = metadata.requires("headrace") or []
    except metadata.PackageNotFoundError:
        declared = []
    found: dict[str, list[str]] = {name: [] for name in _SHOWN}
    for line in declared:
        package = re.match(r"[A-Za-z0-9_.-]+", line)
        extra = re.search(r"extra\s*==\s*['\"]([\w-]+)['\"]", line)
        if package and extra and extra[1] in found and not package[0].startswith("headrace"):
            found[extra[1]].append(package[0])
    return {name: packages for name, packages in found.items() if packages}


def _state(package: str) -> str:
    """Return a package's version, "" when it is missing, "!" and the error when it does not import."""
    try:
        version = metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
    try:
        import_module(_MODULES.get(package, package.replace("-", "_")))
    except Exception as error:  # foreign packages raise whatever they like
        said = (str(error).strip().splitlines() or [""])[0]
        return f"!{version} does not import: {type(error).__name__}: {said}"
    return version


def _memory_map() -> str:
    import numpy as np

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.npy"
        np.save(path, np.arange(1000))
        total = int(np.load(path, mmap_mode="r").sum())
    return "ok" if total == 499500 else "gives wrong numbers"


def _shared_memory() -> str:
    from multiprocessing.shared_memory import SharedMemory

    block = SharedMemory(create=True, size=1 << 16)
    try:
        assert block.buf is not None
        block.buf[:4] = b"head"
        return "ok" if bytes(block.buf[:4]) == b"head" else "gives wrong bytes"
    finally:
        block.close()
        block.unlink()


def _threads() -> str:
    from threading import Thread

    ran: list[int] = []
    thread = Thread(target=ran.append, args=(1,))
    thread.start()
    thread.join(10)
    gil = getattr(sys, "_is_gil_enabled", lambda: True)()
    return f"{'ok' if ran else 'do not run'}, {'with' if gil else 'without'} the interpreter lock"


def _locks() -> str:
    from headrace.store.files import FolderLock

    with tempfile.TemporaryDirectory() as folder:
        FolderLock(Path(folder)).release()
    return "ok"


def _numbers() -> str:
    from headrace.core import Key

    first = int(Key(7).rng().integers(1 << 32))
    return "ok" if first == FIRST else f"Key(7) begins with {first}, elsewhere with {FIRST}"


FIRST = 211047061
CHECKS: dict[str, Callable[[], str]] = {
    "memory-mapped files": _memory_map,
    "shared memory": _shared_memory,
    "threads": _threads,
    "file locks": _locks,
    "the same random numbers as elsewhere": _numbers,
}
