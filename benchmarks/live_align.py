"""The section `align` of bench_live: what is left of a device clock's drift and of the jitter of its way."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from harness import Bench

from headrace.live.devices.align import ClockFit
from headrace.live.devices.device_time import DeviceTime, EvenTime

RATE, JITTER, AFTER = 100.0, 0.005, 30.0


def arrivals(seed: int, ppm: float, seconds: float) -> tuple[Any, Any, Any]:
    """Device times, the true host times, and when each arrived: normal jitter, and tenths of seconds held up."""
    rng = np.random.default_rng(seed)
    device = np.arange(int(RATE * seconds)) / RATE
    true = 5000.0 + device * (1 + ppm * 1e-6)
    host = true + rng.normal(0.0, JITTER, len(device))
    for start in rng.integers(0, len(device), int(seconds / 2)):  # a twentieth of all rows
        stop = min(len(device), int(start + RATE / 10))
        host[start:stop] = np.maximum(host[start:stop], true[stop - 1] + rng.uniform(0.0, 0.05))
    return device, true, host


def residual(device: Any, told: Any, true: Any) -> float:
    """Milliseconds, the 99th percentile from AFTER on."""
    return float(1e3 * np.percentile(np.abs(told - true)[device >= AFTER], 99))


def by_line(device: Any, host: Any, every: int = 10) -> Any:
    """What the line tells of each chunk when it comes."""
    fit, told = ClockFit(), []
    for lo in range(0, len(device), every):
        fit.update(device[lo : lo + every], host[lo : lo + every])
        told.append(fit.to_host(device[lo : lo + every]))
    return np.concatenate(told)


def by_rows(times: Any, device: Any, host: Any) -> Any:
    """What a linked device tells of each row when it comes, rows one by one."""
    found = [times.moments({"t": device[k : k + 1]}, 1, float(host[k])) for k in range(len(device))]
    return np.concatenate(found)


def align(bench: Bench) -> None:
    """Device clocks at +-100 ppm, 5 ms jitter with bursts: residual from 30 s on"""
    seconds, runs = float(bench.size(60, 32)), bench.size(10, 1)
    for ppm in (-100.0, 100.0):
        lines, rows, counts, spans = [], [], [], []
        for seed in range(runs):
            device, true, host = arrivals(seed + (1000 if ppm > 0 else 0), ppm, seconds)
            lines.append(residual(device, by_line(device, host), true))
            start = time.process_time()
            told = by_rows(DeviceTime("t"), device, host)
            spans.append(1e6 * (time.process_time() - start) / len(device))
            rows.append(residual(device, told, true))
            counts.append(residual(device, by_rows(EvenTime(RATE), device, host), true))
        case = f"{ppm:+.0f} ppm, {1e3 * JITTER:.0f} ms jitter and bursts: p99 after {AFTER:.0f} s"
        note = f"{runs} runs of {seconds:.0f} s"
        bench.within("5", f"ClockFit, {case}", np.array(lines), 1, "ms", note=note)
        bench.within("5", f"a device with times of its own, {case}", np.array(rows), 1, "ms", note=note)
        bench.within("-", f"a device whose rows are counted, {case}", np.array(counts), None, "ms", note=note)
        bench.within("-", f"a row timed one by one, {ppm:+.0f} ppm", np.array(spans), None, "us")
