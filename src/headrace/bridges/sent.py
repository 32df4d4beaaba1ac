"""A stream as bytes that another process can load."""

from __future__ import annotations

import pickle
import sys
from typing import Any

from headrace.core.stream import Stream


def recipe_bytes(stream: Stream[Any]) -> bytes:
    """Return a stream as bytes that a worker can load: by reference where it can import what there is, else by value.

    Where the main module is no file (a notebook, a prompt), no other process can import functions from it.
    """
    if getattr(sys.modules.get("__main__"), "__file__", None) is not None:
        try:
            return pickle.dumps(stream, 5)
        except (pickle.PicklingError, AttributeError, TypeError):  # a lambda, mostly
            pass
    import cloudpickle  # slower to import than the rest of this file, and not always wanted

    by_value: bytes = cloudpickle.dumps(stream, 5)
    return by_value
