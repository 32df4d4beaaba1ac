"""How much memory is in use."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
from types import BuiltinFunctionType, FrameType, FunctionType, MethodType, ModuleType, TracebackType
from typing import Any, Final

import numpy as np

from headrace.core.optional import optional

_GB: Final = 1e9
_CODE: Final = (type, ModuleType, FunctionType, BuiltinFunctionType, MethodType, FrameType)


def getsizeof(obj: Any) -> int:
    """Return the bytes that an object and all it refers to take, each counted once.

    Modules, classes and functions that it refers to are not counted. Of a view of an array, the whole array is.

    Raises
    ------
    TypeError
        For a module, a class or a function.

    Examples
    --------
    >>> getsizeof([np.zeros(1000)] * 3) - getsizeof([np.zeros(1000)])
    16
    """
    if isinstance(obj, _CODE):
        raise TypeError(f"getsizeof got a {type(obj).__name__}, wanted data: it would reach half of the program.")
    seen: set[int] = set()
    total, waiting = 0, [obj]
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, _CODE):
            continue
        seen.add(id(one))
        total += sys.getsizeof(one)
        if isinstance(one, np.ndarray):  # which does not tell the collector what it refers to
            if one.base is not None:
                waiting.append(one.base)
            if one.dtype.hasobject:
                waiting.extend(one.ravel().tolist())
        waiting.extend(gc.get_referents(one))
    return total


class MemoryMonitor:
    """A context that watches how much memory the process takes, and remembers the most.

    Parameters
    ----------
    interval
        Seconds between two looks; what comes and goes between them is not seen.

    Attributes
    ----------
    peak : float
        The most so far, in GB (10^9 bytes).

    Examples
    --------
    >>> with MemoryMonitor() as monitor:
    ...     ones = np.ones(1000)
    >>> monitor.peak > 0
    True
    """

    def __init__(self, interval: float = 0.1) -> None:
        self.interval: float = interval
        self.peak: float = 0.0
        self._done: threading.Event | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to watch, from a peak of now. Twice is fine."""
        if self._thread is not None:
            return
        self.peak = 0.0
        self._look()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, args=(self._done,), name="headrace-memory", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look once more and stop watching. Twice is fine."""
        if self._thread is None or self._done is None:
            return
        self._look()
        self._done.set()
        self._thread.join()
        self._thread = None

    def _watch(self, done: threading.Event) -> None:
        while not done.wait(self.interval):
            self._look()

    def _look(self) -> None:
        self.peak = max(self.peak, _resident() / _GB)

    def __enter__(self) -> MemoryMonitor:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def get_peak_memory_usage() -> float:
    """Return the most memory that the process has taken since it began, in GB (10^9 bytes).

    Raises
    ------
    MissingExtraError
        On a system that does not tell, when psutil is not installed.

    Examples
    --------
    >>> get_peak_memory_usage() > 0
    True
    """
    told = _proc("/proc/self/status").get("VmHWM")  # of this program: the system's own count begins before exec
    if told is not None:
        return told / _GB
    if sys.platform != "win32":
        import resource

        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most * (1 if sys.platform == "darwin" else 1024) / _GB
    memory: Any = optional("psutil", "sweeps", "get_peak_memory_usage").Process().memory_info()
    return float(memory.peak_wset) / _GB


def report_memory() -> str:
    """Return a line about the memory of this process and of the machine; never raises."""
    try:
        process, used, total = _resident(), *_machine()
        return f"Process memory: {process / _GB:.2f}GB / Memory used: {used / _GB:.2f}GB / Total memory: {total / _GB:.2f}GB"
    except Exception as error:  # it is printed beside what matters, and must not stop that
        return f"failed to read memory: {error}"


def report_memory_gpu() -> str:
    """Return a line about the memory of each NVIDIA device; never raises."""
    query = ["nvidia-smi", "--query-gpu=index,memory.used,memory.total", "--format=csv,noheader,nounits"]
    try:
        told = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True).stdout
        rows = [[int(part) for part in line.split(",")] for line in told.splitlines() if line.strip()]
        each = [f"GPU {k}: {used * 2**20 / _GB:.2f}GB used of {total * 2**20 / _GB:.2f}GB" for k, used, total in rows]
        return " / ".join(each) or "no GPU"
    except Exception as error:  # as above
        return f"failed to read gpu memory: {error}"


def _resident() -> float:
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return float(optional("psutil", "sweeps", "memory").Process().memory_info().rss)


def _machine() -> tuple[float, float]:
    """Return the bytes in use and in all."""
    told = _proc("/proc/meminfo")
    if "MemAvailable" in told:
        return told["MemTotal"] - told["MemAvailable"], told["MemTotal"]
    memory = optional("psutil", "sweeps", "memory").virtual_memory()
    return float(memory.total - memory.available), float(memory.total)


def _proc(path: str) -> dict[str, float]:
    """Return the lines in kB of a file of the Linux kernel, in bytes."""
    try:
        with open(path, encoding="utf-8") as file:
            lines = [line.split() for line in file]
    except OSError:
        return {}
    return {line[0].rstrip(":"): int(line[1]) * 1024 for line in lines if len(line) == 3 and line[2] == "kB"}
