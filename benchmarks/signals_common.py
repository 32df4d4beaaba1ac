"""The documented notebook's graph, in headrace and as each peer writes it; the blocks that are run through it."""

from __future__ import annotations

import importlib
import logging
import os
import sys
import time
import warnings
from collections.abc import Callable
from itertools import cycle, islice
from typing import Any

import numpy as np
from harness import Lap, Side, Stopwatch

import headrace.signals as s

Columns = dict[str, np.ndarray]
Step = Callable[[Columns], Any]


def columns(n: int) -> Columns:
    rng = np.random.default_rng(0)
    t = 1.7e9 + np.arange(n) / 1000
    waves = {"sine_0": 5 * np.sin(2 * np.pi * 3 * t), "sine_1": 2 * np.sin(2 * np.pi * 7 * t)}
    return {"timestamp": t, **waves, "noise": rng.standard_normal(n)}


def cut(whole: Columns, size: int) -> list[Columns]:
    n = len(next(iter(whole.values())))
    return [{name: each[lo : lo + size] for name, each in whole.items()} for lo in range(0, n, size)]


# --- the graph --------------------------------------------------------------------------------------


def nodes(of: Any) -> list[Any]:
    """The nodes of the notebook, of headrace's signals or of Genki's functions: they are spelt alike."""
    return [
        of.Sum("sine_0", "sine_1", name="composite_sine"),
        of.Sum("composite_sine", "noise", name="wave_with_noise"),
        of.FourierTransform("wave_with_noise", name="wave_spectrum", window_size=256, window_overlap=128),
        of.SampleRate("timestamp", name="sample_rate"),
        of.MovingAverage("sample_rate", length=10, name="smooth_sample_rate"),
    ]


def headrace() -> Step:
    step: Step = s.Graph(nodes(s)).run()
    return step


def genki(functions: Any) -> Step:
    buffer = importlib.import_module("genki_signals.buffers").DataBuffer
    made = nodes(functions)
    return lambda block: functions.compute_signal_functions(buffer(data=block), made)


def ezmsg(sigproc: Any, *, detrend: bool = True) -> Step:
    """ezmsg-sigproc's transformers called one after the other, which is the least that a graph of them costs.

    Its detrend takes a running mean off, not a line; its window is periodic; otherwise the work is the same.
    """
    load = importlib.import_module
    axis_array = load("ezmsg.util.messages.axisarray").AxisArray
    window, spectrum, fir = (load(f"ezmsg.sigproc.{name}") for name in ("window", "spectrum", "filter"))
    trend = load("ezmsg.sigproc.detrend").DetrendTransformer(load("ezmsg.sigproc.ewma").EWMASettings(axis="time"))
    windows = window.WindowTransformer(
        window.WindowSettings(newaxis="win", window_dur=0.256, window_shift=0.128, zero_pad_until="none")
    )
    spectra = spectrum.SpectrumTransformer(
        spectrum.SpectrumSettings(
            axis="time",
            window=spectrum.WindowFunction.HANNING,
            transform=spectrum.SpectralTransform.RAW_COMPLEX,
            do_fftshift=False,
        )
    )
    mean = fir.FilterTransformer(fir.FilterSettings(axis="time", coefs=(np.ones(10) / 10, np.array([1.0]))))
    last, row = 0.0, 0

    def message(data: Any, key: str) -> Any:
        axes = {"time": axis_array.TimeAxis(fs=1000.0, offset=row / 1000)}
        return axis_array(data=data[:, None], dims=["time", "ch"], axes=axes, key=key)

    def step(block: Columns) -> Any:
        nonlocal last, row
        composite = block["sine_0"] + block["sine_1"]
        wave = message(composite + block["noise"], "wave")
        found = windows(trend(wave) if detrend else wave)
        if found.data.size:
            found = spectra(found)
        t = block["timestamp"]
        rate = 1 / np.diff(t, prepend=last)
        last = t[-1]
        smooth = mean(message(rate, "rate"))
        row += len(t)
        return composite, found, rate, smooth

    return step


# --- sides ------------------------------------------------------------------------------------------


def streaming(make: Callable[[], Step], blocks: list[Any], rows: int) -> Side:
    """Block after block, for ever, by one run; the unit is a row."""
    step, items = make(), cycle(blocks)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for block in islice(items, min(len(blocks), 2000)):
            step(block)
    chunk = max(1, 256 // rows)

    def run(seconds: float) -> Lap:
        n, end = 0, time.perf_counter() + seconds
        with warnings.catch_warnings(), np.errstate(all="ignore"), Stopwatch() as watch:
            while True:
                for block in islice(items, chunk):
                    step(block)
                n += chunk * rows
                if time.perf_counter() >= end:
                    break
        return watch.lap(n)

    return run


def at_once(make: Callable[[], Step], whole: Any, n: int) -> Side:
    """Everything in one block, from a fresh start; the unit is a row."""

    def run(_seconds: float) -> Lap:
        step = make()
        with warnings.catch_warnings(), np.errstate(all="ignore"), Stopwatch() as watch:
            kept = step(whole)
        del kept
        return watch.lap(n)

    return run


def peer(name: str, *, quick: bool) -> Any:
    """A peer's module; None where it cannot be imported, and in a quick run.

    Genki Signals wants other versions of its packages than we do: BENCH_PATH names where it is installed apart.
    """
    if quick:
        return None
    if (apart := os.environ.get("BENCH_PATH")) and apart not in sys.path:
        sys.path.append(apart)
    logging.disable(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return importlib.import_module(name)
        except ImportError:
            print(f"  {name} cannot be imported: it is left out")
            return None
