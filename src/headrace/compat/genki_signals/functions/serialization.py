"""Functions as JSON: ``json.dumps(function, default=encode_signal_fn)`` and ``json.loads(text, object_hook=decode_signal_fn)``.

What JSON cannot hold, classes of one's own and models that are objects, is named in it and handed over when it is read:
``json.loads(text, object_hook=partial(decode_signal_fn, functions={"MyFunction": MyFunction}))``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from headrace.compat.genki_signals._functions import KNOWN, SignalFunction
from headrace.compat.genki_signals._own import Own
from headrace.errors import RegistryError
from headrace.signals.json import node_from_plain, node_to_plain, value_from_plain, value_to_plain
from headrace.signals.order import nearest

MARK = "__signal_function__"


def encode_signal_fn(obj: Any) -> Any:
    """Return a function of signals as a dict, and an array as a list.

    Raises
    ------
    TypeError
        For anything else.
    """
    if isinstance(obj, SignalFunction) and (
        isinstance(obj.signal, Own) or type(obj) is not KNOWN.get(type(obj).__name__)
    ):
        params = {name: value_to_plain(value) for name, value in obj.params.items()}
        inputs = list(obj.input_signals)
        return {MARK: True, "type": type(obj).__name__, "inputs": inputs, "name": obj.name, "params": params}
    if isinstance(obj, SignalFunction):
        node = node_to_plain(obj.signal)
        return {
            MARK: True,
            "type": type(obj).__name__,
            "inputs": node["inputs"],
            "name": obj.name,
            "params": node["params"],
        }
    if isinstance(obj, np.ndarray):
        return obj.tolist()
    raise TypeError(f"Object of type {type(obj).__name__} is not JSON serializable")


def decode_signal_fn(dct: dict[str, Any], functions: Mapping[str, Any] | None = None) -> Any:
    """Return the function that a dict of :func:`encode_signal_fn` describes, begun afresh; another dict as it is.

    Parameters
    ----------
    dct
        What ``json`` has read.
    functions
        Classes of one's own by their names; models and functions by ``"module:qualname"``, a model by that of its class.

    Raises
    ------
    RegistryError
        When it is of a type, or has a model, that is neither known nor among ``functions``.

    Examples
    --------
    >>> from headrace.compat.genki_signals.functions import Scale
    >>> decode_signal_fn(encode_signal_fn(Scale("x", "y", 2.0)))
    Scale('x', name='y', scale_factor=2.0)
    """
    if MARK not in dct:
        return dct
    given = dict(functions or {})
    mine = given.get(dct["type"])
    if mine is not None:
        params = {name: value_from_plain(value, given) for name, value in dct["params"].items()}
        return mine(*dct["inputs"], name=dct["name"], **params)
    cls = KNOWN.get(dct["type"])
    if cls is None:
        raise RegistryError(
            f"decode_signal_fn got the type {dct['type']!r}, which is not known. {nearest(dct['type'], KNOWN)}\n"
            f"  A class of your own is given with functions={{{dct['type']!r}: the class}}."
        )
    plain = {"type": cls.kind, "inputs": dct["inputs"], "name": dct["name"], "params": dct["params"]}
    return cls.of(node_from_plain(plain, given))


__all__ = ["decode_signal_fn", "encode_signal_fn"]
