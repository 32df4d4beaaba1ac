"""How each kind of picture reads a buffer: what is on its axes, and what its marks are."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.errors import DataError, StreamConfigError
from headrace.plot.live_data import Reader
from headrace.plot.marks import Array, Shown
from headrace.plot.pictures import pixels

FLOOR = 1e-20  # the smallest magnitude of a spectrum: 0 has no decibels


def chart(key: str, x_key: str | None = None) -> Reader:
    """Read a column as a line, ``(n,)``, or as lines, ``(lines, n)``, against the number of the row or another column."""

    def read(buffer: Any) -> tuple[Shown, ...]:
        y = lines(buffer[key], key)
        n = y.shape[-1]
        x = np.arange(n) if x_key is None else along(buffer, key, x_key, n)
        return (Shown(x, y, first=buffer.total - n),)

    return read


def spectrogram(key: str, sample_rate: float = 1, window_size: int | None = None) -> Reader:
    """Read the newest row of a spectrum as decibels against its frequencies.

    Without ``window_size`` it is taken from the number of bins, as for windows of an even number of rows.
    """
    for name, value in (("sample_rate", sample_rate), ("window_size", window_size)):
        if value is not None and not value > 0:
            raise StreamConfigError(
                f"plot_type='spectrogram' got {name}={value!r}, wanted more than 0.\n"
                "  sample_rate is rows a second, window_size that of the FourierTransform."
            )

    def read(buffer: Any) -> tuple[Shown, ...]:
        rows = numbers(buffer[key], key, complex_too=True)
        if rows.ndim < 2:
            raise DataError(
                f"plot_type='spectrogram' got {key!r} of shape {rows.shape}, wanted spectra, (n, bins).\n"
                "  FourierTransform(column, name=..., window_size=256) computes them."
            )
        bins = rows.shape[-1]
        size = 2 * (bins - 1) if window_size is None else int(window_size)
        if size // 2 + 1 != bins:
            raise DataError(
                f"plot_type='spectrogram' got window_size={size} for {key!r}, whose rows have {bins} bins, wanted "
                f"{2 * (bins - 1)} or {2 * bins - 1}.\n  Give that of the FourierTransform, or leave it out."
            )
        x = np.fft.rfftfreq(max(size, 1), 1 / sample_rate)
        if not len(rows):
            return (Shown(x[:0], x[:0]),)
        y = 10 * np.log10(np.maximum(np.abs(rows[-1]), FLOOR)).reshape(-1, bins)
        return (Shown(x, y[0] if len(y) == 1 else y),)

    return read


def trace_2d(key: str) -> Reader:
    """Read a column of points, ``(n, 2)``, as a line on a screen, whose second coordinate grows downwards."""

    def read(buffer: Any) -> tuple[Shown, ...]:
        rows = numbers(buffer[key], key)
        if rows.ndim != 2 or rows.shape[1] < 2:
            raise DataError(
                f"plot_type='trace2D' got {key!r} of shape {rows.shape}, wanted points, (n, 2).\n"
                "  Concatenate(x, y, name=...) makes points of two columns."
            )
        return (Shown(rows[:, 0], -(rows[:, 1].astype(np.float64) if rows.dtype.kind in "bu" else rows[:, 1])),)

    return read


def histogram(key: str, class_names: Any = None) -> Reader:
    """Read the newest row as the height of a bar for each class."""
    names = None if class_names is None else np.array([str(each) for each in class_names])

    def read(buffer: Any) -> tuple[Shown, ...]:
        rows = numbers(buffer[key], key)
        if rows.ndim != 2:
            raise DataError(
                f"plot_type='histogram' got {key!r} of shape {rows.shape}, wanted a number for each class, (n, classes).\n"
                "  A chart shows a column of numbers."
            )
        k = rows.shape[1]
        if names is not None and len(names) != k:
            raise DataError(
                f"plot_type='histogram' got {len(names)} class_names for {key!r}, whose rows have {k} numbers, wanted "
                f"{k}.\n  Name each class."
            )
        x = np.array([str(i) for i in range(k)]) if names is None else names
        return (Shown(x, rows[-1] if len(rows) else np.zeros(k)),)

    return read


def video(key: str) -> Reader:
    """Read the newest row as a picture, (rows, columns) or (rows, columns, 3)."""

    def read(buffer: Any) -> tuple[Shown, ...]:
        rows = buffer[key]
        if not len(rows):
            nothing = np.zeros((0, 0), np.uint8)
            return (Shown(np.zeros(2), np.zeros(2), nothing),)
        image = pixels(rows[-1], key)
        return (Shown(np.array([0.0, image.shape[1]]), np.array([0.0, image.shape[0]]), image),)

    return read


def lines(rows: Array, key: str) -> Array:
    """Return a column as a line, ``(n,)``, or as one for each number of its rows, ``(lines, n)``."""
    rows = numbers(rows, key)
    return rows if rows.ndim == 1 else rows.reshape(len(rows), int(np.prod(rows.shape[1:]))).T


def numbers(rows: Any, key: str, *, complex_too: bool = False) -> Array:
    """Return a column of numbers.

    Raises
    ------
    DataError
        When it is none.
    """
    found: Array = np.asarray(rows)
    if found.dtype.kind not in ("buifc" if complex_too else "buif"):
        advice = "plot_type='spectrogram' shows spectra" if found.dtype.kind == "c" else "only numbers can be drawn"
        raise DataError(f"plot got {key!r} of {found.dtype}, wanted real numbers.\n  To do: {advice}.")
    return found


def along(buffer: Any, key: str, x_key: str, n: int) -> Array:
    """Return the values of a column at the rows of another, ``(n,)``."""
    x = numbers(buffer[x_key], x_key)
    if x.ndim != 1:
        raise DataError(
            f"plot got x_key={x_key!r} of shape {x.shape}, wanted a number a row, ({len(x)},).\n"
            f"  Take one of its numbers: {x_key}_0."
        )
    if len(x) == n:
        return x
    found: Array = buffer.timestamps(key, x_key) if key in set(buffer) else x[max(len(x) - n, 0) :]
    return found
