"""What a trained model says about each window of rows, whatever the polling."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, ClassVar

import numpy as np

from headrace.core.block import ROWS, Pace
from headrace.core.registry import register
from headrace.errors import DataError
from headrace.signals.asking import a_model, one_row
from headrace.signals.base import Array, Turnable, positive, signal_class, turnable
from headrace.signals.checks import any_number, holding, whole_numbers, windows
from headrace.signals.contents import content_of
from headrace.signals.inference import ModelSignal


@register("signals.example_window_model", example=None, kind="function")
def example_window_model(x: Array) -> Array:
    """Return the mean of each half of a window, (batch, 2): for the laws."""
    half = x.shape[1] // 2
    means: Array = np.stack(
        [x[:, :half].mean(axis=(1, *range(2, x.ndim))), x[:, half:].mean(axis=(1, *range(2, x.ndim)))], -1
    )
    return means


@signal_class(
    lambda: WindowedInference(
        "x", name="y", model=example_window_model, window_size=8, window_overlap=3, columns=2, output_shape=()
    )
)
class WindowedInference(ModelSignal):
    """What a model says about each window of rows: one output row for each window, or several, which come together.

    Parameters
    ----------
    input_signal
        The input's name, ``(rows, ...)``; the model is given a batch of one window, ``(1, window_size, ...)``.
    name
        What to call the output.
    model
        As for :class:`Inference`, without a state.
    window_size, window_overlap
        Rows of a window, and how many of them are those of the one before.
    output_shape
        The shape of an output row. What the model says about a window is of this shape, or has an axis more, the last, for
        several rows: (1, 3, 16) are sixteen rows of shape (3,). By default all of it is one row.
    upsample
        Give a row for each input row: what was said about the last window, its several rows one after the other over the
        rows until the next.
    default_value
        What stands before the first window with ``upsample``.
    columns
        How many rows come for a window, where ``output_shape`` is given and the model does not say it (ONNX models do).
    output
        Which output of an ONNX model, by name, by default the first; which method of an estimator.

    Raises
    ------
    StreamConfigError
        For a window that cannot be, or a model that cannot be asked.
    MissingExtraError
        When it is an ONNX model and onnxruntime is not installed.
    DataError
        When the model gives something of another shape.

    Examples
    --------
    >>> import numpy as np
    >>> means = WindowedInference("x", name="m", model=lambda w: w.mean(axis=1), window_size=4, window_overlap=2)
    >>> means(np.arange(8.0)).tolist(), means.every, means.offset
    ([1.5, 3.5, 5.5], Fraction(2, 1), Fraction(3, 1))
    """

    input_signal: str
    name: str
    model: Any
    window_size: Turnable[int]
    window_overlap: Turnable[int] = turnable(0)
    output_shape: Turnable[tuple[int, ...] | None] = turnable(None)
    upsample: Turnable[bool] = turnable(False)
    default_value: Turnable[complex] = turnable(0)
    columns: Turnable[int | None] = turnable(None)
    output: str | None = None
    content: str = ""
    roles: ClassVar[tuple[str, ...]] = ("input_signal",)

    def check(self) -> None:
        who = "WindowedInference"
        size, overlap = windows(who, self.window_size, self.window_overlap)
        self.fix(default_value=any_number(f"{who}(default_value=)", self.default_value))
        self.fix(model=a_model(who, self.model), window_size=size, window_overlap=overlap, upsample=bool(self.upsample))
        self.fix(content=self.content or content_of(self.model))
        shape = self.output_shape
        if shape is not None:
            shape = whole_numbers(f"{who}(output_shape=)", shape)
            self.fix(output_shape=tuple(positive(f"{who}(output_shape=)", d, whole=True) for d in shape))
        if self.columns is not None:
            self.fix(columns=positive(f"{who}(columns=)", self.columns, whole=True))

    @property
    def _hop(self) -> int:
        return self.window_size - self.window_overlap

    @property
    def _columns(self) -> int:
        """How many rows there are for a window; a file is looked into, since only it knows."""
        if self.columns is not None or self.output_shape is None:
            return self.columns or 1
        if not isinstance(self.model, bytes) and not hasattr(self.model, "is_file"):
            return 1
        shape = self._asked.shape
        if shape is None or len(shape) != len(self.output_shape) + 2 or shape[-1] is None:
            return 1
        return shape[-1]

    @property
    def every(self) -> Fraction:
        return Fraction(1) if self.upsample else Fraction(self._hop)

    @property
    def offset(self) -> Fraction:
        return Fraction(0) if self.upsample else Fraction(self.window_size - 1)

    @property
    def latency(self) -> Fraction:
        """Return the way from the end of a window back to its middle; 0 with ``upsample``, where it changes from row to row."""
        return Fraction(0) if self.upsample else Fraction(self.window_size - 1, 2)

    @property
    def pace(self) -> Pace:
        return ROWS if self.upsample else Pace(self.every, self.offset, self._columns)

    def init(self, *head: Array) -> Any:
        """Return (rows of windows to come, how long ago the last was complete, what was said about it)."""
        x = head[0]
        said = self._said(np.zeros((self.window_size, *x.shape[1:]), x.dtype))
        if self.upsample:
            holding("WindowedInference(default_value=)", self.default_value, said.dtype)
        return np.empty((0, *x.shape[1:]), x.dtype), -1, np.zeros_like(said)

    def _said(self, window: Array) -> Array:
        y = one_row("WindowedInference", self._asked.batch(window[None]), 1)[0]
        shape = y.shape if self.output_shape is None else self.output_shape
        y = y[..., None] if y.shape == shape else y
        if y.shape[:-1] != shape or y.shape[-1] != self._columns:
            raise DataError(
                f"{self!r} got {y.shape} for a window, wanted {shape} or {(*shape, self._columns)}.\n"
                "  Say the shape of an output row with output_shape=, and how many come for a window with columns=."
            )
        return np.ascontiguousarray(np.moveaxis(y, -1, 0))

    def step(self, state: Any, *rows: Array) -> tuple[Array, Any]:
        held, age, last = state
        before = len(held)
        data = np.concatenate([held, rows[0]]) if before else rows[0]
        starts = range(0, len(data) - self.window_size + 1, self._hop)
        said = [self._said(data[at : at + self.window_size]) for at in starts]
        left = data[len(starts) * self._hop :].copy()
        if not self.upsample:
            return np.concatenate([last[:0], *said]), (left, -1, last)
        found, row, n = [last[:0]], 0, len(rows[0])
        for at, each in zip(starts, said, strict=True):
            end = at + self.window_size - 1 - before
            found.append(self._until(last, age, end - row))
            row, age, last = end, 0, each
        found.append(self._until(last, age, n - row))
        return np.concatenate(found), (left, age if age < 0 else age + n - row, last)

    def _until(self, last: Array, age: int, n: int) -> Array:
        """Return n rows of what was said about the last window, from ``age`` rows behind it on."""
        if age < 0:
            return np.full((n, *last.shape[1:]), self.default_value, last.dtype)
        rows: Array = last[np.arange(age, age + n) * len(last) // self._hop]
        return rows
