"""Models of several libraries, asked alike: a batch of rows, or one row and a state."""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from headrace.core.optional import optional
from headrace.errors import DataError, StreamConfigError
from headrace.signals.base import Array

_METHODS = ("predict_proba", "predict", "transform")  # of an estimator, the first it has
_TYPES = {"float": "float32", "double": "float64", "float16": "float16", "bool": "bool"}


class Asked(NamedTuple):
    """A model at work.

    Attributes
    ----------
    batch : callable
        ``batch(rows)``, of shape (n, ...), gives an array of n rows.
    step : callable
        ``step(row, state)``, of a batch of one row, gives (batch of one row, next state).
    start : object
        The state before the first row: None, an array, or a tuple of them.
    size : int or None
        The only batch that it takes, where there is one.
    shape : tuple or None
        The shape of what it gives for a batch, with None for a length that is not fixed; None when it does not say.
    """

    batch: Callable[[Array], Array]
    step: Callable[[Array, Any], tuple[Array, Any]]
    start: Any
    size: int | None = None
    shape: tuple[int | None, ...] | None = None


def a_model(who: str, model: Any) -> Any:
    """Return a model as a description keeps it: a path of a file, the bytes of one, or the object it is.

    Raises
    ------
    StreamConfigError
        When it cannot be asked, or would not give the same answer twice.
    """
    if isinstance(model, str | PathLike):
        return Path(model)
    if isinstance(model, bytes | bytearray | memoryview):
        return bytes(model)
    if not (callable(model) or hasattr(model, "inference") or _method(model)):
        raise StreamConfigError(
            f"{who}(model=) got {model!r}, wanted an ONNX file (its path or bytes), a torch module, an estimator with\n"
            f"  {', '.join(_METHODS)}, an object with inference(x, state), or a function of a batch of rows."
        )
    if getattr(model, "training", False) and hasattr(model, "modules") and any(map(_draws, model.modules())):
        raise StreamConfigError(
            f"{who}(model=) got a {type(model).__name__} in training mode, whose dropout or batch norm depends on the "
            "batch.\n  Call model.eval() first."
        )
    return model


def _draws(module: Any) -> bool:
    return (
        "Dropout" in type(module).__name__
        or "BatchNorm" in type(module).__name__
        or bool(getattr(module, "dropout", 0))
    )


def _method(model: Any) -> str | None:
    return next((name for name in _METHODS if hasattr(model, name)), None)


def told(model: Any) -> str:
    """Return a model as it is printed."""
    if isinstance(model, bytes):
        return f"<{len(model)} bytes>"
    if isinstance(model, Path):
        return repr(str(model))
    return str(getattr(model, "__qualname__", f"<{type(model).__name__}>"))


def asked(who: str, model: Any, output: str | None, *, stateful: bool) -> Asked:
    """Return a model at work: a session, or the object itself.

    Parameters
    ----------
    who
        For errors.
    model
        As :func:`a_model` gives it.
    output
        Which output of an ONNX model, or which method of an estimator.
    stateful
        Whether it takes a state and gives the next one.

    Raises
    ------
    MissingExtraError
        When onnxruntime is not installed.
    StreamConfigError
        When there is no such file or output, or the model takes a state and is not to have one, or the reverse.
    """
    if isinstance(model, Path | bytes):
        return _onnx(who, model, output, stateful)
    if hasattr(model, "named_parameters"):
        return _torch(model, stateful)
    if hasattr(model, "inference"):
        return _plain(model.inference, lambda x: model.inference(x, None)[0])
    if output is not None or (_method(model) and not callable(model)):
        name = output or str(_method(model))
        if not hasattr(model, name):
            raise StreamConfigError(
                f"{who}(output=) got {name!r}, which {type(model).__name__} has not as a method.\n"
                "  Leave it out, or name one that it has."
            )
        method = getattr(model, name)
        return _plain(model, lambda x: method(x.reshape(len(x), -1)))
    return _plain(model, model)


def _plain(step: Callable[..., Any], batch: Callable[..., Any]) -> Asked:
    """Return a function at work: what it is given it may write to, and what it gives it may use again."""

    def one(x: Array, state: Any) -> tuple[Array, Any]:
        y, following = step(np.array(x), kept(state))
        return np.array(y), kept(following)

    return Asked(lambda x: np.array(batch(np.array(x))), one, None)


# --- torch ------------------------------------------------------------------------------------------


def _torch(model: Any, stateful: bool) -> Asked:
    import torch  # it is there: we hold a module of it

    weight = next((p for p in model.parameters() if p.is_floating_point()), None)
    dtype, device = (torch.float32, "cpu") if weight is None else (weight.dtype, weight.device)
    call = getattr(model, "inference", model)
    bare = call if call is model else lambda x: call(x, None)[0]

    def tensor(x: Array) -> Any:
        made = torch.from_numpy(np.array(x))
        return made.to(device=device, dtype=dtype if made.is_floating_point() else made.dtype)

    def batch(x: Array) -> Array:
        with torch.no_grad():
            return np.asarray(kept(bare(tensor(x))))

    def step(x: Array, state: Any) -> tuple[Array, Any]:
        with torch.no_grad():
            y, following = call(tensor(x), _mapped(state, tensor))
        return np.asarray(kept(y)), kept(following)

    return Asked(batch, step, None)


def _mapped(state: Any, change: Callable[[Array], Any]) -> Any:
    if isinstance(state, tuple):
        return tuple(_mapped(part, change) for part in state)
    return change(state) if isinstance(state, np.ndarray) else state


def kept(state: Any) -> Any:
    """Return a model's state as a value: arrays of its own, and tuples of them."""
    if isinstance(state, tuple | list):
        return tuple(map(kept, state))
    if isinstance(state, dict):
        return {name: kept(part) for name, part in state.items()}
    if hasattr(state, "detach"):
        state = state.detach().cpu().numpy()
    return state.copy() if isinstance(state, np.ndarray) else state


# --- ONNX -------------------------------------------------------------------------------------------


def _onnx(who: str, model: Path | bytes, output: str | None, stateful: bool) -> Asked:
    runtime = optional("onnxruntime", "infer", who)
    if isinstance(model, Path) and not model.is_file():
        raise StreamConfigError(
            f"{who}(model=) got {str(model)!r}, and there is no such file.\n  Paths are relative to {Path.cwd()}."
        )
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = (
        1  # rows are small, and threads cost more than they bring
    )
    options.log_severity_level = 3
    session = runtime.InferenceSession(
        model if isinstance(model, bytes) else str(model), options, providers=["CPUExecutionProvider"]
    )
    inputs, outputs = session.get_inputs(), session.get_outputs()
    first, *states = inputs
    if stateful != bool(states):
        has = f"inputs {', '.join(repr(each.name) for each in inputs)}"
        raise StreamConfigError(
            f"{who}(stateful={stateful}) got a model with {has}, wanted "
            f"{'one input and a state or more' if stateful else 'one input'}.\n  Say stateful={not stateful}."
        )
    known = [each.name for each in outputs]
    if output is not None and output not in known:
        raise StreamConfigError(
            f"{who}(output=) got {output!r}, and the model gives {', '.join(map(repr, known))}.\n  Name one of these."
        )
    place = known.index(output) if output is not None else 0
    if len(outputs) < 1 + len(states):
        raise StreamConfigError(
            f"{who} got a model of {len(inputs)} inputs and {len(outputs)} outputs, wanted the next of each of its states "
            "among the outputs, behind the first.\n  Export the model with its next state, or say stateful=False."
        )
    wanted, types = [known[place], *known[1 : 1 + len(states)]], [_dtype(each) for each in inputs]
    rank = len(first.shape or ())

    def fed(x: Array) -> Array:
        if x.ndim < rank:  # a scalar row is a row of one feature; a missing axis of time is of length 1
            x = x.reshape(len(x), *[1] * (rank - x.ndim), *x.shape[1:])
        return np.ascontiguousarray(x, dtype=types[0])

    def batch(x: Array) -> Array:
        found: Array = session.run(wanted[:1], {first.name: fed(x)})[0]
        return found

    def step(x: Array, state: Any) -> tuple[Array, Any]:
        parts = state if len(states) > 1 else (state,)
        feeds = {each.name: np.asarray(p, dtype=t) for each, p, t in zip(states, parts, types[1:], strict=True)}
        y, *following = session.run(wanted, {first.name: fed(x), **feeds})
        return y, tuple(following) if len(states) > 1 else following[0]

    zeros = tuple(np.zeros(_sizes(each.shape), t) for each, t in zip(states, types[1:], strict=True))
    sizes = tuple(d if isinstance(d, int) else None for d in outputs[place].shape or ()) or None
    size = first.shape[0] if rank and isinstance(first.shape[0], int) else None
    return Asked(batch, step, zeros if len(zeros) > 1 else zeros[0] if zeros else None, size, sizes)


def _dtype(value: Any) -> str:
    name = str(value.type).removeprefix("tensor(").removesuffix(")")
    return _TYPES.get(name, name)


def _sizes(shape: Any) -> tuple[int, ...]:
    return tuple(d if isinstance(d, int) else 1 for d in shape or ())


def one_row(who: str, y: Array, n: int) -> Array:
    """Return what a model gave for n rows.

    Raises
    ------
    DataError
        When it is not of n rows.
    """
    if y.ndim == 0 or len(y) != n:
        raise DataError(
            f"{who} got an output of shape {y.shape} for a batch of {n} rows, wanted {n} rows.\n"
            "  The first axis of what a model takes and gives is that of the batch."
        )
    return y
