"""Which frames a model was at, in the error of one that failed.

A model that fails for a block that was asked for is not tried with the frames of it one by one: its error is that of the
block, and tells which frames these were. What fails in the source is another matter: the frames before that are made.
"""

from __future__ import annotations

from headrace.core.indexed import Places, numbers
from headrace.core.notes import note_once


def tell(error: Exception, at: Places) -> None:
    """Say in a note which frames a model was at.

    Examples
    --------
    >>> error = ValueError("what")
    >>> tell(error, range(4, 7)), error.__notes__
    (None, ['  the model was handed frames 4 to 6'])
    """
    if len(at) == 1:
        which = f"frame {at[0]}"
    elif isinstance(at, range) and at.step == 1:
        which = f"frames {at[0]} to {at[-1]}"
    else:
        which = f"frames {', '.join(map(str, numbers(at[:9]).tolist()))}{', ...' if len(at) > 9 else ''}"
    note_once(error, f"  the model was handed {which}")
