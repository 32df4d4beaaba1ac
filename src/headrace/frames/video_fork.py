"""Decoders in a forked child: left alone.

A child has the decoders of its parent, and not their threads: taking one down there would wait for them for ever. So
those are kept until the child ends.
"""

from __future__ import annotations

import ctypes
import os
from typing import Any
from weakref import WeakSet

_OPEN: WeakSet[Any] = WeakSet()


def keep_in_children(decoder: Any) -> None:
    """Note a :class:`~headrace.frames.video_decode.Decoder` that a child must not take down."""
    _OPEN.add(decoder)


def _keep_in_child() -> None:
    for decoder in list(_OPEN):
        for held in (decoder.container, decoder.stream, decoder._packets, decoder._ready):
            if held is not None:
                ctypes.pythonapi.Py_IncRef(ctypes.py_object(held))
        decoder.container = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_keep_in_child)
