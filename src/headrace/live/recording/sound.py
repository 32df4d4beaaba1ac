"""What there is to know of ``.wav`` files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from headrace.errors import DataError

WAV_MOST: Final = (1 << 32) - 4096  # bytes: the file says its length in 32 bits
# By the bytes of a number.
DTYPES: Final[dict[int, np.dtype[Any]]] = {1: np.dtype("u1"), 2: np.dtype("<i2"), 4: np.dtype("<i4")}


def sound_in(columns: Mapping[str, Any], column: str | None, who: str) -> str:
    """Return which column is the sound.

    Raises
    ------
    DataError
        When that cannot be told.
    """
    if column is None:
        others = [name for name in columns if name != "timestamp"]
        column = "audio" if "audio" in columns else others[0] if len(others) == 1 else None
    if column is None or column not in columns:
        raise DataError(
            f"{who} got columns {', '.join(map(repr, columns))}, wanted "
            f"{'one of them' if column is None else repr(column)} as the sound.\n  Say which with column=."
        )
    return column
