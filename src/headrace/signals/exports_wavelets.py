"""How wavelets are exported: the discrete transform of a window as a product with one matrix, a bank as weighted sums."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.signals.base import Array
from headrace.signals.export import State, exports
from headrace.signals.exports import real, row_of, width_of
from headrace.signals.exports_filters import last_rows
from headrace.signals.exports_windows import in_time, windows_start
from headrace.signals.tensors import T, Tensors
from headrace.signals.wavelets import WaveletBands, WaveletBank, WaveletTransform, bank_weights

_LONG = 256  # weights beyond which sums are a product of windows and weights, and not written out


def _coefficients(t: Tensors, node: Any, rows: T) -> tuple[T, list[int]]:
    """Return (the coefficients of windows of rows, ``(windows, ..., coefficients)``, how many there are in each band)."""
    bands = node.bands(np.eye(node.window_size))  # linear, in every mode: what becomes of each row of a window
    axes = t.heads[0].ndim
    windows = t.transpose(t.windows(rows, node.window_size, node.hop), [0, *range(2, axes + 1), 1])
    matrix = np.ascontiguousarray(np.concatenate(bands, axis=1))
    return t.matmul(windows, t.const(matrix)), [band.shape[1] for band in bands]


@exports(WaveletTransform, start=windows_start, fits=real)
def _transform(t: Tensors, node: Any, state: State, x: T) -> Any:
    rows = t.concat([state["past"], x])
    return in_time(t, node, state, rows, x, _coefficients(t, node, rows)[0])


@exports(WaveletBands, start=windows_start, fits=real)
def _bands(t: Tensors, node: Any, state: State, x: T) -> Any:
    rows = t.concat([state["past"], x])
    made, sizes = _coefficients(t, node, rows)
    squares, last, at, powers = t.mul(made, made), t.heads[0].ndim, 0, []
    for size in sizes:
        powers.append(t.reduce("Sum", t.cut(squares, at, at + size, axis=last), last, keep=True))
        at += size
    return in_time(t, node, state, rows, x, t.div(t.concat(powers, axis=last), t.const(float(node.window_size))))


# --- a bank -----------------------------------------------------------------------------------------


def _weights(node: Any) -> Array:
    """Return the weights, ``(taps, scales)`` or, of a complex wavelet, ``(taps, scales, 2)``."""
    bank = bank_weights(node.wavelet, node.scales).T
    return np.stack([bank.real, bank.imag], -1) if bank.dtype.kind == "c" else bank


def _bank_start(node: Any, *heads: Array) -> dict[str, Array]:
    return {"past": np.repeat(row_of(heads[0]), len(_weights(node)) - 1, axis=0), "begun": np.zeros(1)}


@exports(WaveletBank, start=_bank_start, fits=real)
def _wavelet_bank(t: Tensors, node: Any, state: State, x: T) -> Any:
    head, weights = t.heads[0], _weights(node)
    n, width, more = len(weights), width_of(head), list(weights.shape[1:])
    past = t.where(t.started(state["begun"], head.ndim), state["past"], t.first(x, t.const(row_of(head))))
    rows = t.concat([past, x])
    flat, taps = t.reshape(rows, [-1, width, 1]), np.ascontiguousarray(weights).reshape(n, -1)
    if n > _LONG:
        windows = t.transpose(t.windows(t.reshape(flat, [-1, width]), n), [0, 2, 1])
        made = t.matmul(windows, t.const(np.ascontiguousarray(taps[::-1])))
    else:
        made = None
        for j, tap in enumerate(taps):
            part = t.mul(t.cut(flat, n - 1 - j, -j if j else None), t.const(tap))
            if not tap.all():  # a narrow wavelet does not see that row, even if it is NaN
                part = t.where(t.const(tap != 0), part, t.const(0.0))
            made = part if made is None else t.add(made, part)
    made = t.reshape(made, [-1, *head.shape[1:], *more])
    return made, {"past": last_rows(t, rows, n - 1), "begun": t.begun(state["begun"], x)}
