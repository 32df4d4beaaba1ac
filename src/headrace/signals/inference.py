"""What a trained model says about each row, whatever the polling."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from headrace.core.registry import register
from headrace.errors import StreamConfigError
from headrace.signals.asking import Asked, a_model, asked, kept, one_row, told
from headrace.signals.base import Array, Signal, Turnable, positive, signal_class, turnable
from headrace.signals.contents import content_of


class ModelSignal(Signal[Any]):
    """A signal with a model; its session is made when it is first asked, and stays out of pickles.

    ``content`` says what the model consists of where no name or file does; it is found out when the signal is made, so
    that a state of one model is not one of another, and JSON is read with the model it was written with.
    """

    model: Any
    output: str | None
    content: str

    def contents(self) -> dict[str, Any]:
        return {"model": self.model} if self.content else {}

    @property
    def stored(self) -> dict[str, Any]:
        return {name: value for name, value in super().stored.items() if name != "content" or value}

    @property
    def settings(self) -> dict[str, Any]:
        return {name: value for name, value in super().stored.items() if name != "content"}

    @classmethod
    def from_params(cls, params: dict[str, Any]) -> Any:
        return super().from_params({name: value for name, value in params.items() if name != "content"})

    @property
    def _asked(self) -> Asked:
        found: Asked | None = self.__dict__.get("_session")
        if found is None:
            who, stateful = type(self).__name__, getattr(self, "stateful", False)
            found = asked(who, self.model, self.output, stateful=stateful)
            self.fix(_session=found)
        return found

    def __repr__(self) -> str:
        more = {name: value for name, value in self.settings.items() if name != "model" and value is not None}
        shown = [*map(repr, self.inputs), f"name={self.name!r}", f"model={told(self.model)}"]
        return f"{type(self).__name__}({', '.join([*shown, *(f'{k}={v!r}' for k, v in more.items())])})"


@register("signals.example_model", example=None, kind="function")
def example_model(x: Array, state: Any = None) -> Any:
    """Return the sum of the squares of each row; with a state, that of all rows so far, and it: for the laws."""
    y = np.square(x.reshape(len(x), -1)).sum(axis=1)
    return y if state is None else (y + state, y + state)


@signal_class(lambda: Inference("x", name="y", model=example_model, stateful=True, init_state=np.zeros(1)))
class Inference(ModelSignal):
    """What a model says about each row: one output row for each input row, in order, whatever the polling.

    A model takes a batch, axis 0, and gives one. Without a state it is asked about ``chunk`` rows at a time: always a batch
    of that size, each row at its place in it and the places of rows that have not come yet filled up, since the size of a
    batch and the place in it change the last bits of products of matrices. A large chunk makes recordings quick and single
    rows slow. With a state it is asked row by row.

    Parameters
    ----------
    input_signal
        The input's name. Its rows are given to ONNX models and torch modules in the dtype they want, axes of length 1 put
        behind the batch where an ONNX model wants more.
    name
        What to call the output, of the shape of an output row.
    model
        An ONNX file, by its path or bytes: inputs are (batch,) or (batch, state, ...), outputs alike. A torch module or a
        function: of (batch,), or of (batch, state) giving (output, next state). An object with ``inference(x, state)``. A
        scikit-learn estimator: its ``predict_proba``, ``predict`` or ``transform``. It gives the same for the same input,
        and is also asked about rows of zeros, to see what it gives.
    stateful
        Whether it takes a state and gives the next.
    init_state
        The first state: an array or a tuple of them. By default zeros for ONNX, else None.
    chunk
        Rows in a batch; by default the only size that the model takes, or 1.
    output
        Which output of an ONNX model, by name, by default the first; which method of an estimator.

    Raises
    ------
    StreamConfigError
        When the model cannot be asked, or there is no such file, output or method.
    MissingExtraError
        When it is an ONNX model and onnxruntime is not installed.
    DataError
        When the model does not give a row for a row.

    Examples
    --------
    >>> import numpy as np
    >>> energy = Inference("acc", name="energy", model=lambda rows: np.square(rows).sum(axis=1))
    >>> energy([[3.0, 4.0], [1.0, 0.0]]).tolist()
    [25.0, 1.0]
    >>> counter = Inference("x", name="n", model=lambda x, n: (n + 1, n + 1), stateful=True, init_state=np.zeros(1))
    >>> counter([5.0, 5.0, 5.0]).tolist()
    [1.0, 2.0, 3.0]
    """

    input_signal: str
    name: str
    model: Any
    stateful: Turnable[bool] = turnable(False)
    init_state: Any = None
    chunk: Turnable[int | None] = turnable(None)
    output: str | None = None
    content: str = ""
    roles: ClassVar[tuple[str, ...]] = ("input_signal",)

    def check(self) -> None:
        self.fix(model=a_model("Inference", self.model), stateful=bool(self.stateful))
        self.fix(content=self.content or content_of(self.model))
        if self.init_state is not None:
            self.fix(init_state=_arrays(self.init_state))
            if not self.stateful:
                raise StreamConfigError(
                    "Inference(init_state=) got a state for a model without one.\n  Say stateful=True."
                )
        if self.chunk is not None:
            self.fix(chunk=positive("Inference(chunk=)", self.chunk, whole=True))
            if self.stateful and self.chunk != 1:
                raise StreamConfigError(
                    f"Inference(chunk={self.chunk}): a model with a state is asked row by row.\n  Leave chunk= out."
                )

    @property
    def _size(self) -> int:
        size = self._asked.size
        if size is not None and self.chunk not in (None, size):
            raise StreamConfigError(
                f"Inference(chunk={self.chunk}) got a model that takes batches of {size} rows only.\n"
                "  Leave chunk= out, or give that."
            )
        return size or self.chunk or 1

    def init(self, *head: Array) -> Any:
        """Return (the row's place in its batch, the model's state, an output of no row)."""
        row = np.zeros((1, *head[0].shape[1:]), head[0].dtype)
        if self.stateful:
            start = self._asked.start if self.init_state is None else self.init_state
            y, _ = self._asked.step(row, start)
            return 0, kept(start), one_row("Inference", y, 1)[:0].copy()
        y = self._asked.batch(np.repeat(row, self._size, axis=0))
        return 0, None, one_row("Inference", y, self._size)[:0].copy()

    def step(self, state: Any, *rows: Array) -> tuple[Array, Any]:
        place, inner, like = state
        x, found = rows[0], [like]
        if self.stateful:
            step = self._asked.step
            for k in range(len(x)):
                y, inner = step(x[k : k + 1], inner)
                found.append(one_row("Inference", y, 1))
            return np.concatenate(found), (0, kept(inner), like)
        size, at, batch = self._size, 0, self._asked.batch
        while at < len(x):
            n = min(size - place, len(x) - at)
            part = x[at : at + n]
            if n < size:
                part = np.repeat(x[at : at + 1], size, axis=0)  # a row that is there is a row that the model can take
                part[place : place + n] = x[at : at + n]
            found.append(one_row("Inference", batch(part), size)[place : place + n])
            at, place = at + n, (place + n) % size
        return np.concatenate(found), (place, None, like)


def _arrays(state: Any) -> Any:
    if isinstance(state, tuple | list) and not all(np.ndim(part) == 0 for part in state):
        return tuple(map(_arrays, state))
    return np.array(state.detach().cpu() if hasattr(state, "detach") else state)
