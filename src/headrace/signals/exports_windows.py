"""How windows, spectra and what is made of spectra are exported; Fourier transforms as products with real matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from headrace.signals.base import Array
from headrace.signals.export import State, exports
from headrace.signals.exports import real, row_of
from headrace.signals.spectral import FourierTransform, InverseFourierTransform, Spectrogram, hann, ramp
from headrace.signals.tensors import T, Tensors
from headrace.signals.windowed import Windows


def windows_start(node: Any, *heads: Array) -> dict[str, Array]:
    """Return what is known of windows before the first row."""
    found = {"past": row_of(heads[0])[:0]}
    if node.upsample:
        out = node.init(*heads)[2]
        last = np.stack([out.real, out.imag], -1) if out.dtype.kind == "c" else out
        found |= {"last": last.astype(np.float64), "row": np.zeros(1)}
    return found


def in_time(t: Tensors, node: Any, state: State, rows: T, x: T, made: T) -> Any:
    """Return what came of windows, a row for each input row if asked for, and the next state."""
    size, hop = node.window_size, node.hop
    after = {"past": t.behind(rows, size, hop)}
    if not node.upsample:
        return made, after
    one, row = t.const(1.0), state["row"]

    def complete(n: T) -> T:
        """Return how many windows are complete after n rows."""
        turns = t.div(t.sub(n, t.const(float(size))), t.const(float(hop)))
        return t.op("Max", t.add(t.op("Floor", turns), one), t.const(0.0))

    shown = t.concat([state["last"], made])
    at = t.sub(complete(t.add(t.numbers(x), row)), complete(row))
    return t.take(shown, at), {**after, "last": t.cut(shown, -1), "row": t.add(row, t.rows(x))}


@exports(Windows, start=windows_start)
def _windows(t: Tensors, node: Any, state: State, x: T) -> Any:
    rows = t.concat([state["past"], x])
    return in_time(t, node, state, rows, x, t.windows(rows, node.window_size, node.hop))


def _spectra(t: Tensors, node: Any, rows: T) -> T:
    """Return the spectra of windows of rows, ``(windows, ..., frequencies, 2)``."""
    size, features = node.window_size, t.heads[0].shape[1:]
    found = t.windows(rows, size, node.hop)
    axes = [0, *range(2, 2 + len(features)), 1]
    found = t.transpose(found, axes)
    last = len(axes) - 1
    if node.detrend_type is not None:
        for _ in range(2):  # the second time takes off what the first has rounded
            found = t.sub(found, t.reduce("Mean", found, last, keep=True))
        if node.detrend_type == "linear" and size > 1:
            line = t.const(np.array(ramp(size)))
            slope = t.div(t.reduce("Sum", t.mul(found, line), last, keep=True), t.const(size * (size * size - 1) / 12))
            found = t.sub(found, t.mul(slope, line))
    found = t.matmul(found, t.const(_matrix(size)))
    return t.reshape(found, [-1, *features, size // 2 + 1, 2])


def _matrix(size: int) -> Array:
    """Return what a window is multiplied with: Hann's, then real and imaginary parts of the transform over its size."""
    turns = np.outer(np.arange(size), np.arange(size // 2 + 1)) % size * (2 * np.pi / size)
    pairs = np.stack([np.cos(turns), -np.sin(turns)], -1).reshape(size, -1)
    made: Array = pairs * (hann(size) / size)[:, None]
    return made


@exports(FourierTransform, start=windows_start, fits=real)
def _fourier_transform(t: Tensors, node: Any, state: State, x: T) -> Any:
    rows = t.concat([state["past"], x])
    return in_time(t, node, state, rows, x, _spectra(t, node, rows))


@exports(Spectrogram, start=windows_start, fits=real)
def _spectrogram(t: Tensors, node: Any, state: State, x: T) -> Any:
    rows = t.concat([state["past"], x])
    spectra = _spectra(t, node, rows)
    power = t.reduce("Sum", t.mul(spectra, spectra), t.heads[0].ndim + 1)
    if node.decibel:
        power = t.op("Max", power, t.const(1e-20))
        power = t.mul(t.op("Log", power), t.const(10 / np.log(10)))
    return in_time(t, node, state, rows, x, power)


# --- back to time -----------------------------------------------------------------------------------


def _inverse_start(node: Any, *heads: Array) -> dict[str, Array]:
    parts = -(-node.window_size // node.hop) - 1
    width = int(np.prod(heads[0].shape[1:-1], dtype=int))
    return {"sums": np.zeros((parts, node.hop, width)), "weights": np.zeros((parts, node.hop, 1))}


def _back(node: Any, pairs: bool) -> Array:
    """Return what a spectrum is multiplied with: the transform back, times the window."""
    size = node.window_size
    unit = np.eye(size // 2 + 1, dtype=complex)
    both = np.stack([unit, 1j * unit], axis=1) if pairs else unit[:, None]
    made: Array = np.fft.irfft(both, size).reshape(-1, size) * (hann(size) * size)
    return made


@exports(InverseFourierTransform, start=_inverse_start)
def _inverse(t: Tensors, node: Any, state: State, x: T) -> Any:
    head, hop = t.heads[0], node.hop
    inner, pairs, parts = head.shape[1:-1], head.dtype.kind == "c", -(-node.window_size // hop)
    width = int(np.prod(inner, dtype=int))
    matrix = _back(node, pairs)
    none, one = (t.tall(t.filled(x, value), 3) for value in (0.0, 1.0))
    frames = t.matmul(t.reshape(x, [-1, width, len(matrix)]), t.const(matrix))
    if more := parts * hop - node.window_size:
        frames = t.concat([frames, t.add(none, t.const(np.zeros((1, width, more))))], axis=2)
    pieces = t.transpose(t.reshape(frames, [-1, width, parts, hop]), [0, 2, 3, 1])
    squares = np.zeros((parts, hop, 1))
    squares.reshape(-1)[: node.window_size] = hann(node.window_size) ** 2
    total = t.concat([state["sums"], t.add(none, t.const(np.zeros((1, hop, width))))])
    weight = t.concat([state["weights"], t.add(none, t.const(np.zeros((1, hop, 1))))])
    for part in reversed(range(parts)):  # so that to every row, earlier windows are added first
        piece = t.reshape(t.cut(pieces, part, part + 1, axis=1), [-1, hop, width])
        total = t.add(total, _shifted(t, piece, part, parts, (hop, width)))
        weight = t.add(weight, _shifted(t, t.mul(one, t.const(squares[part][None])), part, parts, (hop, 1)))
    after = {"sums": t.cut(total, -(parts - 1)), "weights": t.cut(weight, -(parts - 1))} if parts > 1 else state
    if parts > 1:
        total, weight = (t.cut(each, 0, -(parts - 1)) for each in (total, weight))
    there = t.less(t.const(1e-12), weight)
    made = t.where(there, t.div(total, t.where(there, weight, t.const(1.0))), t.const(0.0))
    return t.reshape(made, [-1, *inner]), after


def _shifted(t: Tensors, piece: T, part: int, parts: int, row: Sequence[int]) -> T:
    """Return a column of such rows ``part`` rows later, ``parts - 1`` rows longer."""
    ends = (t.const(np.zeros((k, *row))) for k in (part, parts - 1 - part))
    return t.concat([next(ends), piece, next(ends)])
