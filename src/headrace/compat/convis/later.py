"""What of convis is not here yet, and what to do until then."""

from __future__ import annotations

from typing import NamedTuple

from headrace.errors import HeadraceError


class What(NamedTuple):
    """What comes later, and what to do until then."""

    told: str
    instead: str


VISION = What("layers and the retina model come", "ProcessingStream takes any callable or torch module now.")
STREAMS = What("it comes", "headrace.frames lists the streams there are.")
WINDOWS = What("windows and sockets for frames come", "hr.serve hands a stream to other programs now.")


def not_yet(name: str, what: What) -> HeadraceError:
    """Return the error of a name that cannot be used yet.

    Examples
    --------
    >>> raise not_yet("convis.Retina", VISION)
    Traceback (most recent call last):
    headrace.errors.HeadraceError: convis.Retina is not in this headrace: layers and the retina model come with a later version.
      ProcessingStream takes any callable or torch module now.
    """
    return HeadraceError(f"{name} is not in this headrace: {what.told} with a later version.\n  {what.instead}")
