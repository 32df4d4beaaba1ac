"""Functions as JSON: ``json.dumps(function, default=encode_signal_fn)`` and ``json.loads(text, object_hook=decode_signal_fn)``."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.compat.genki_signals._functions import KNOWN, SignalFunction
from headrace.errors import RegistryError
from headrace.signals.json import node_from_plain, node_to_plain
from headrace.signals.order import nearest

MARK = "__signal_function__"


def encode_signal_fn(obj: Any) -> Any:
    """Return a function of signals as a dict, and an array as a list.

    Raises
    ------
    TypeError
        For anything else.
    """
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


def decode_signal_fn(dct: dict[str, Any]) -> Any:
    """Return the function that a dict of :func:`encode_signal_fn` describes, begun afresh; another dict as it is.

    Raises
    ------
    RegistryError
        When it is of a type that is not known.
    """
    if MARK not in dct:
        return dct
    cls = KNOWN.get(dct["type"])
    if cls is None:
        raise RegistryError(
            f"decode_signal_fn got the type {dct['type']!r}, which is not known. {nearest(dct['type'], KNOWN)}"
        )
    return cls.of(
        node_from_plain({"type": cls.kind, "inputs": dct["inputs"], "name": dct["name"], "params": dct["params"]})
    )


__all__ = ["decode_signal_fn", "encode_signal_fn"]
