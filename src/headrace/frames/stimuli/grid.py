"""The field of a stimulus: its frames, rows and columns, and the numbers among its options."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from headrace.errors import StreamConfigError
from headrace.frames.base.layout import Array
from headrace.frames.base.options import check_number, whole_number

EDGE = 1e-9  # a pixel on the edge is inside, whatever is rounded
THIN = 1e-12  # widths that are divided by
_MOST = 1 << 40  # values of an array


def numbers_of(who: str, **values: Any) -> list[float]:
    """Return options as floats, or raise StreamConfigError for the first that is no number."""
    return [check_number(who, name, value) for name, value in values.items()]


def lengths(who: str, values: Mapping[str, Any], least: Mapping[str, int] | None = None) -> list[int]:
    """Return the lengths of an array's axes, by name; raises StreamConfigError for what are none, and beyond any memory."""
    found = [whole_number(who, name, value, (least or {}).get(name, 1)) for name, value in values.items()]
    if prod(found) > _MOST:
        raise StreamConfigError(
            f"{who}({', '.join(values)}) got {' x '.join(map(str, found))}, wanted what fits into memory.\n"
            "  Make them in parts."
        )
    return found


def grid(who: str, t: Any, x: Any, y: Any) -> tuple[Array, Array, Array]:
    """Return numbers of frames ``(t, 1, 1)``, and places of rows ``(1, x, 1)`` and of columns ``(1, 1, y)``.

    Rows and columns run from -1 to 1 across the field.
    """
    t, x, y = lengths(who, {"t": t, "x": x, "y": y}, {"t": 0})
    # The middle of one row alone is the middle of the field.
    rows, cols = (np.linspace(-1, 1, n) if n > 1 else np.zeros(1) for n in (x, y))
    return np.arange(float(t)).reshape(-1, 1, 1), rows.reshape(1, -1, 1), cols.reshape(1, 1, -1)
