"""What each column of a system is shown as: lines, a waterfall, a picture, or a word."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import Any, Final, Literal

import numpy as np

from headrace.plot.page.decimate import Array, Buckets

Kind = Literal["lines", "waterfall", "image", "text"]
LINES: Final = 32  # channels that can still be told apart as lines
BINS: Final = 256  # of a waterfall: more are pooled
PARTS: Final = 8  # waterfalls of one column
PIXELS: Final = 160 * 120  # of a picture: more are left out
BYTES: Final = 1 << 23  # that the buckets of one column take at most
LONGEST: Final = 1 << 17  # ... and how many there are


@dataclass
class Panel:
    """One place on the page, and what is known of it.

    Attributes
    ----------
    id : int
        Its number in frames.
    name : str
        The column, or ``name[part]``.
    kind : str
        ``"lines"``, ``"waterfall"``, ``"image"`` or ``"text"``.
    channels : int
        Lines, or bins of the waterfall.
    labels : tuple of str
        What the lines are called.
    dt, t0 : float or None, float
        Seconds from row to row, and the moment of row 0; None when rows come at uneven times.
    every : float
        Seconds from row to row, about.
    top : float or None
        The frequency of the highest bin, in Hz, where it is known.
    unit : str
        Of the values.
    """

    id: int
    name: str
    kind: Kind
    channels: int = 1
    labels: tuple[str, ...] = ()
    dt: float | None = None
    t0: float = 0.0
    every: float = 1.0
    top: float | None = None
    unit: str = ""
    part: int | None = None
    buckets: Buckets | None = None
    times: Buckets | None = None
    newest: Any = None
    rows: int = field(default=0)

    def told(self) -> dict[str, Any]:
        """Return what the page is told of it, as JSON values."""
        return {
            "id": self.id, "name": self.name, "kind": self.kind, "channels": self.channels, "labels": list(self.labels),
            "dt": self.dt, "t0": self.t0, "every": self.every,
            "top": self.top, "unit": self.unit,
        }  # fmt: skip


def kind_of(column: Array) -> Kind:
    """Return what a column is shown as, by its shape and dtype.

    Examples
    --------
    >>> kind_of(np.zeros((5, 3))), kind_of(np.zeros((5, 129), complex)), kind_of(np.zeros((5, 48, 64, 3)))
    ('lines', 'waterfall', 'image')
    """
    shape, kind = column.shape[1:], column.dtype.kind
    if kind not in "biufc" or prod(shape) == 0:
        return "text"
    if kind != "c" and len(shape) == 3 and shape[2] in (1, 3, 4) and min(shape[:2]) > 4:
        return "image"
    if kind != "c" and len(shape) == 2 and min(shape) > 8:
        return "image"
    if (kind == "c" and len(shape) in (1, 2) and shape[-1] > 1) or (len(shape) == 1 and shape[0] > LINES):
        return "waterfall"
    return "lines" if prod(shape) <= LINES else "text"


def panels_of(
    name: str, column: Array, start: int, *, dt: float | None, t0: float, every: float, seconds: float
) -> list[Panel]:
    """Return the places that a column takes on the page: one, or one for each channel of a spectrum.

    Parameters
    ----------
    name, column
        The column.
    start
        The number of the first place.
    dt, t0, every
        As those of a panel.
    seconds
        How long it is to be seen.
    """
    kind = kind_of(column)
    shape = column.shape[1:]
    even: dict[str, Any] = {"dt": dt, "t0": t0, "every": every}
    if kind in ("image", "text"):
        return [Panel(start, name, kind, **even)]
    if kind == "lines":
        channels = prod(shape)
        labels = tuple("_".join([name, *map(str, at)]) for at in np.ndindex(shape)) if shape else (name,)
        made = [Panel(start, name, kind, channels, labels, unit="abs" if column.dtype.kind == "c" else "", **even)]
    else:
        channels = min(shape[-1], BINS)
        parts: list[int | None] = list(range(min(shape[0], PARTS))) if len(shape) == 2 else [None]
        unit = "dB" if column.dtype.kind == "c" else ""
        made = [
            Panel(start + k, name if part is None else f"{name}[{part}]", kind, channels, unit=unit, part=part, **even)
            for k, part in enumerate(parts)
        ]
    for panel in made:
        wide = 16 if kind == "lines" else 4
        most = max(64, min(LONGEST, BYTES // (channels * wide)))
        size = max(1, int(np.ceil(1.25 * seconds / every / most)))
        capacity = max(64, min(most, int(1.25 * seconds / every / size) + 64))
        panel.buckets = (
            Buckets(channels, size, capacity) if kind == "lines"
            else Buckets(channels, size, capacity, low=False, dtype=np.float32)
        )  # fmt: skip
        if dt is None:
            panel.times = Buckets(1, size, capacity)
    return made


def values(panel: Panel, column: Array) -> Array:
    """Return what of a column a panel of lines or bins shows: ``(n, channels)``, floats."""
    if panel.kind == "lines":
        rows = column.reshape(len(column), -1)
        return np.abs(rows).astype(np.float64) if rows.dtype.kind == "c" else rows.astype(np.float64, copy=False)
    rows = column if panel.part is None else column[:, panel.part]
    if rows.dtype.kind == "c":  # decibels, as spectra are documented
        rows = 10 * np.log10(np.maximum(np.abs(rows), 1e-20))
    bins = rows.shape[1]
    if bins <= BINS:
        return rows.astype(np.float64, copy=False)
    edges = np.linspace(0, bins, BINS, endpoint=False).astype(np.intp)
    return np.fmax.reduceat(rows.astype(np.float64, copy=False), edges, axis=1)


def picture(column: Array) -> Array:
    """Return the newest picture of a column as uint8 ``(rows, columns, 3)``, with few enough pixels.

    Floats from 0 to 1, or bools, are taken as from black to white; other numbers are stretched.
    """
    image = column[-1]
    step = max(1, int(np.ceil(np.sqrt(image.shape[0] * image.shape[1] / PIXELS))))
    image = image[::step, ::step]
    if image.ndim == 2:
        image = image[:, :, None]
    image = np.repeat(image, 3, axis=2) if image.shape[2] == 1 else image[:, :, :3]
    if image.dtype == np.uint8:
        return np.ascontiguousarray(image)
    image = np.nan_to_num(image.astype(np.float64), posinf=0.0, neginf=0.0)
    low, high = min(0.0, float(image.min(initial=0))), max(float(image.max(initial=0)), 0.0)
    if low < 0 or high > 1:
        image = (image - low) / (high - low)
    return np.ascontiguousarray((255 * image).astype(np.uint8))


def word(column: Any) -> str:
    """Return the newest value of a column in a few words."""
    try:
        value = column[-1]
        shape = getattr(value, "shape", ())
        return str(value)[:200] if not shape or prod(shape) <= 8 else f"{value.dtype} of shape {shape}"
    except Exception:  # whatever an object of the user's does when it is printed
        return "?"
