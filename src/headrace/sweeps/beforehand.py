"""Whether what comes of a sweep can be kept: looked at before the first call, whose hour would be lost."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

import numpy as np

from headrace.errors import DataError, SinkError, StreamConfigError
from headrace.store.ledger import Ledger
from headrace.store.ledger_values import Packing
from headrace.sweeps.points import Points
from headrace.sweeps.said import short

_ALWAYS: Final = frozenset(
    (int, float, complex, bool, str, bytes, type(None), np.float64, np.float32, np.int64, np.int32, np.bool_, np.str_)
)


def check_keepable(ledger: Any, points: Points) -> None:
    """Raise when a ledger on disk cannot keep results at these points.

    Parameters
    ----------
    ledger
        What will keep them; one in memory keeps all.
    points
        Where the function will be called.

    Raises
    ------
    SinkError
        When nothing can be written there.
    StreamConfigError
        When a setting can be carried by a pickle only, and none is allowed.
    """
    if not isinstance(ledger, Ledger) or not len(points):
        return
    check_writable(ledger)
    if ledger.allow_pickle:
        return
    packing = Packing()
    for block in points.blocks:
        for name, column in zip(block.names, block.columns, strict=True):
            if _ALWAYS.issuperset(map(type, column)):
                continue
            for value in column:
                if type(value) not in _ALWAYS:
                    _check_value(packing, name, value)


def _check_value(packing: Packing, name: str, value: Any) -> None:
    try:
        packing.pack(value)
    except DataError as error:
        raise StreamConfigError(
            f"a harvest got {short(value)} for the argument {name!r}, which only a pickle can carry, wanted settings that can be "
            "kept.\n  Sweep over a name or a number and look the object up in the function; or pass allow_pickle=True, and "
            "read the data only where you trust who wrote it."
        ) from error


def check_writable(ledger: Ledger) -> None:
    """Raise when nothing can be written where a ledger is, or would be.

    Raises
    ------
    SinkError
        Naming the folder.
    """
    place = Path(os.path.abspath(ledger.path))
    while not place.exists() and place != place.parent:
        place = place.parent
    if ledger.readonly or not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        kind = "folder" if place.is_dir() else "file"
        raise SinkError(
            f"a harvest is to be kept in {ledger.path}, and the {kind} {place} cannot be written, wanted a folder that can."
            "\n  Nothing was run. Give it another data_name, or ask who owns the folder for the right to write there."
        )
