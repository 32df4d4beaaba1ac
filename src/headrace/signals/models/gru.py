"""A gated recurrent unit, then a softmax: what is going on, from one row to the next."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from headrace.core.plain import digest
from headrace.errors import DataError, StreamConfigError
from headrace.signals.base import Array

PARTS = ("rnn.weight_ih_l0", "rnn.weight_hh_l0", "rnn.bias_ih_l0", "rnn.bias_hh_l0", "out.weight", "out.bias")
_SIZES = ("input_size", "hidden_size", "output_size")


class SimpleGruModel:
    """Probabilities of classes from rows of features: scaled, a GRU, a linear layer, a softmax.

    Equations as torch.nn.GRU has them (Cho et al. 2014, with the reset behind the product), on numpy, in single precision.
    A model for :class:`headrace.signals.Inference` with ``stateful=True``.

    Parameters
    ----------
    weights
        ``rnn.weight_ih_l0`` (3 hidden, input), ``rnn.weight_hh_l0`` (3 hidden, hidden), their biases, ``out.weight``
        (output, hidden) and ``out.bias``, by the names that torch gives them.
    scaler_mean, scaler_std
        Of each feature, ``(input,)``.
    lr
        The rate it was trained with; for the record.

    Attributes
    ----------
    input_size, hidden_size, output_size : int
        The lengths of a row, of the state and of an output.

    Raises
    ------
    StreamConfigError
        When a weight is missing or of another shape.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> shapes = [(12, 2), (12, 4), (12,), (12,), (3, 4), (3,)]
    >>> model = SimpleGruModel({name: rng.normal(size=shape) for name, shape in zip(PARTS, shapes, strict=True)})
    >>> p, state = model.inference([[0.5, -1.0]], None)
    >>> p.shape, state.shape, round(float(p.sum()), 5)
    ((1, 3), (1, 4), 1.0)
    """

    input_size: int
    hidden_size: int
    output_size: int

    def __init__(
        self, weights: Mapping[str, Any], scaler_mean: Any = 0.0, scaler_std: Any = 1.0, lr: float | None = None
    ) -> None:
        missing = [name for name in PARTS if name not in weights]
        if missing:
            raise StreamConfigError(f"SimpleGruModel got no {', '.join(missing)}, wanted {', '.join(PARTS)}.")
        self.weights: dict[str, Array] = {name: np.array(weights[name], dtype=np.float32) for name in PARTS}
        w_in, w_state, w_out = (self.weights[name] for name in PARTS if "weight" in name)
        self.input_size, self.hidden_size, self.output_size = w_in.shape[1], w_state.shape[1], w_out.shape[0]
        h = self.hidden_size
        wanted = [(3 * h, self.input_size), (3 * h, h), (3 * h,), (3 * h,), (self.output_size, h), (self.output_size,)]
        if [each.shape for each in self.weights.values()] != wanted:
            got = ", ".join(f"{name} {each.shape}" for name, each in self.weights.items())
            raise StreamConfigError(f"SimpleGruModel got {got}, wanted {', '.join(map(str, wanted))}.")
        row = (self.input_size,)
        self.scaler_mean: Array = np.broadcast_to(np.asarray(scaler_mean, np.float32), row).copy()
        self.scaler_std: Array = np.broadcast_to(np.asarray(scaler_std, np.float32), row).copy()
        self.lr = lr
        self._turned = [np.ascontiguousarray(w.T) for w in (w_in, w_state, w_out)]

    @classmethod
    def load_from_checkpoint(cls, path: str | PathLike[str]) -> SimpleGruModel:
        """Return the model of a file that :meth:`save_checkpoint` wrote.

        Raises
        ------
        FileNotFoundError
            When there is none.
        StreamConfigError
            When it holds something else.
        """
        with np.load(Path(path), allow_pickle=False) as file:
            found = dict(file)
        lr = float(found["lr"]) if "lr" in found else None
        return cls(found, found.get("scaler_mean", 0.0), found.get("scaler_std", 1.0), lr)

    def save_checkpoint(self, path: str | PathLike[str]) -> None:
        """Write weights and hyperparameters to a file, in numpy's npz format."""
        more: Any = {name: getattr(self, name) for name in (*_SIZES, "scaler_mean", "scaler_std")}
        if self.lr is not None:
            more["lr"] = self.lr
        with Path(path).open("wb") as file:
            np.savez(file, **{**self.weights, **more})

    def inference(self, x: Any, state: Any = None) -> tuple[Array, Array]:
        """Return (probabilities, next state).

        Parameters
        ----------
        x
            One row for each of a batch, ``(batch, input)``, or several in time, ``(batch, rows, input)``.
        state
            What came back with the rows before, ``(batch, hidden)``; None before the first.

        Raises
        ------
        DataError
            When rows have another length.
        """
        x = np.asarray(x, dtype=np.float32)
        if x.ndim == 1:
            x = x[None]
        if x.ndim not in (2, 3) or x.shape[-1] != self.input_size:
            raise DataError(f"inference got rows of shape {x.shape[1:]}, wanted {self.input_size} numbers.")
        x = (x - self.scaler_mean) / self.scaler_std
        h = np.zeros((len(x), self.hidden_size), np.float32) if state is None else np.asarray(state, np.float32)
        for row in (x[:, k] for k in range(x.shape[1])) if x.ndim == 3 else (x,):
            h = self._next(row, h)
        score = h @ self._turned[2] + self.weights["out.bias"]
        power = np.exp(score - score.max(axis=1, keepdims=True))
        return power / power.sum(axis=1, keepdims=True), h

    def _next(self, x: Array, h: Array) -> Array:
        of_x = x @ self._turned[0] + self.weights["rnn.bias_ih_l0"]
        of_h = h @ self._turned[1] + self.weights["rnn.bias_hh_l0"]
        n = self.hidden_size
        gates = 0.5 * np.tanh(0.5 * (of_x[:, : 2 * n] + of_h[:, : 2 * n])) + 0.5  # the logistic function
        reset, keep = gates[:, :n], gates[:, n:]
        fresh = np.tanh(of_x[:, 2 * n :] + reset * of_h[:, 2 * n :])
        following: Array = (1 - keep) * fresh + keep * h
        return following

    def __plain__(self) -> Any:
        data = b"".join(each.tobytes() for each in (*self.weights.values(), self.scaler_mean, self.scaler_std))
        return {"SimpleGruModel": [self.input_size, self.hidden_size, self.output_size], "weights": digest(data)}

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name}={getattr(self, name)}" for name in _SIZES)
        return f"SimpleGruModel({sizes})"
