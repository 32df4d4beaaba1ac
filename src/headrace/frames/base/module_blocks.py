"""Blocks on their way into a torch module and out of a model: as they are, or not at all."""

from __future__ import annotations

import os
import sys
from typing import Any

import numpy as np

from headrace.errors import DataError
from headrace.frames.base.layout import Array, as_array, framed
from headrace.frames.base.narrow import first_wrong, told

_AXES = {3: ("frame", "row", "col"), 5: ("batch", "channel", "frame", "row", "col")}
_THREADED = {os.getpid()}  # processes in which torch has its threads, or was told to do without


def module_block(block: Any, module: Any) -> Any:
    """Return a block as a float32 tensor ``[batch, channel, time, row, col]`` on a torch module's device.

    Parameters
    ----------
    block
        ``[time, row, col]`` or ``[batch, channel, time, row, col]``, an array or a tensor.
    module
        A torch module.

    Raises
    ------
    DataError
        For what is no number, and for values that would change: whole numbers beyond 2**24 that float32 does not hold,
        floats beyond its largest.
    """
    torch: Any = sys.modules["torch"]
    if os.getpid() not in _THREADED:  # forked from a process that may have computed: OpenMP would wait for its threads
        from headrace.parallel.worker import compute_alone  # only here: it takes 40 ms to import, and forks are few

        compute_alone()
        _THREADED.add(os.getpid())
    if not isinstance(block, torch.Tensor) or block.dtype not in (torch.float32, torch.float16, torch.bfloat16):
        block = torch.from_numpy(_float32(as_array(block)))
    block = block.to(torch.float32)
    if block.ndim == 3:
        block = block[None, None]
    some = next(module.parameters(), None)
    return block if some is None else block.to(some.device)


def _float32(block: Array) -> Array:
    if block.dtype.kind not in "buif":
        raise DataError(
            f"ProcessingStream got a block of {block.dtype}, wanted numbers: a torch module is handed float32.\n"
            "  Convert it with pre=."
        )
    single = np.dtype(np.float32)
    with np.errstate(over="ignore"):
        made = np.array(block, single)  # a copy: a module may work in place
    if block.dtype.itemsize > 2 and block.dtype != single and (wrong := first_wrong(block, single)) is not None:
        axes = _AXES.get(block.ndim) or tuple(f"axis {k}" for k in range(block.ndim))
        raise DataError(
            f"ProcessingStream got {told(block, single, wrong, axes)}, as a torch module is handed it.\n"
            "  Bring them into its range with pre=, or hr.map before."
        )
    return made


def given_frames(made: Any, who: str) -> Array:
    """Return what a model made as columns of frames.

    Parameters
    ----------
    made
        ``[time, row, col]`` or ``[batch, channel, time, row, col]``, an array or a tensor; one frame ``[row, col]``.
    who
        What messages begin with.

    Raises
    ------
    DataError
        For anything else. Of four axes nobody can tell whether the channels are before or behind the time, or last.

    Examples
    --------
    >>> given_frames(np.zeros((1, 3, 7, 20, 30)), "ProcessingStream").shape
    (7, 20, 30, 3)
    >>> given_frames(np.zeros((7, 3, 20, 30)), "ProcessingStream")
    Traceback (most recent call last):
    headrace.errors.DataError: ProcessingStream got four axes, (7, 3, 20, 30), wanted [time, row, col] or [batch, channel, time, row, col].
      block.swapaxes(0, 1)[None] makes the latter of [time, channel, row, col], block[None] of [channel, time, row, col].
    """
    array = as_array(made)
    if array.ndim == 4:
        raise DataError(
            f"{who} got four axes, {array.shape}, wanted [time, row, col] or [batch, channel, time, row, col].\n"
            "  block.swapaxes(0, 1)[None] makes the latter of [time, channel, row, col], block[None] of [channel, time, row, col]."
        )
    return framed(array, who)
