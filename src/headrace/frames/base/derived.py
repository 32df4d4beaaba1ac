"""Classes of the user's that are derived from a stream of frames, and have a ``get`` of their own."""

from __future__ import annotations

from typing import Any

from headrace.core.notes import warn
from headrace.errors import StreamConfigError

_WHOLE = "derive it from headrace.compat.convis.streams.Stream, whose frames are what get gives"


def check_get(kind: type[Any], *, alone: bool) -> None:
    """Say what a class with a ``get`` of its own is to define: what goes through its frames asks a recipe, not ``get``.

    Parameters
    ----------
    kind
        The class.
    alone
        Whether it was made without a source.

    Raises
    ------
    StreamConfigError
        When it was: there are no frames then. Beside a source there is a warning.
    """
    owner = next(base for base in kind.__mro__ if "get" in vars(base))
    if owner.__module__.partition(".")[0] == "headrace":
        return
    if alone:
        raise StreamConfigError(
            f"{kind.__name__} got a get(n) of its own and no source, wanted the source that for, len, seek, [i] and | take "
            "frames from.\n  Hand it to super().__init__(source), such as hr.functional(frame_of_number, size=100); or "
            f"{_WHOLE}."
        )
    warn(
        f"{kind.__name__} got a get(n) of its own beside its source, wanted one place that frames come from: for, read, [i] and "
        f"| take those of the source.\n  Change the source, super().__init__(source | hr.map(f)); or {_WHOLE}."
    )
