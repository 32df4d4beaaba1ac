"""Decoders and encoders in a forked child: left alone.

A child has those of its parent, and not their threads: taking one down there would wait for them for ever, and an
encoder would write the end of its parent's file. So they are kept until the child ends.
"""

from __future__ import annotations

import ctypes
import os
from typing import Any, Protocol

from headrace.core.alive import Alive

_OPEN: Alive[Any] = Alive()


class Native(Protocol):
    """What has an open file of PyAV's; without one, ``container`` is None."""

    container: Any

    def native(self) -> tuple[Any, ...]:
        """Return all that it has of PyAV."""


def keep_in_children(coder: Native) -> None:
    """Note a decoder or an encoder that a child must not take down."""
    _OPEN.add(coder)


def _keep_in_child() -> None:
    for coder in list(_OPEN):
        for held in coder.native():
            if held is not None:
                ctypes.pythonapi.Py_IncRef(ctypes.py_object(held))
        coder.container = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_keep_in_child)
