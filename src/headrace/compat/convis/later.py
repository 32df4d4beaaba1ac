"""What of convis is not here yet: its names are there, and say so when they are used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from headrace.errors import HeadraceError


class LaterError(HeadraceError, AttributeError):
    """A name of convis was used that comes with a later version: for ``hasattr``, too, what is in it is not there."""


class What(NamedTuple):
    """What comes later, and what to do until then."""

    told: str
    instead: str


VISION = What("layers and the retina model come", "ProcessingStream takes any callable or torch module now.")
WINDOWS = What(
    "windows and sockets for frames come",
    "hr.serve hands a stream to other programs, and headrace.plot.preview shows one in a notebook or as a film.",
)
PUMPS = What("runners in a thread come", "hr.drain(ProcessingStream(input, model), output) pumps frames here and now.")


def not_yet(name: str, what: What) -> LaterError:
    """Return the error of a name that cannot be used yet.

    Examples
    --------
    >>> raise not_yet("convis.Retina", VISION)
    Traceback (most recent call last):
    headrace.compat.convis.later.LaterError: convis.Retina is not in this headrace: layers and the retina model come with a later version.
      ProcessingStream takes any callable or torch module now.
    """
    return LaterError(f"{name} is not in this headrace: {what.told} with a later version.\n  {what.instead}")


def kind(name: str, what: What) -> Any:
    """Return a class that says that it comes later when one is made; for ``isinstance`` and ``import`` it is there.

    Examples
    --------
    >>> Retina = kind("convis.Retina", VISION)
    >>> isinstance(7, Retina)
    False
    >>> Retina()
    Traceback (most recent call last):
    headrace.compat.convis.later.LaterError: convis.Retina is not in this headrace: layers and the retina model come with...
    """

    def new(cls: Any, *args: Any, **kwargs: Any) -> Any:
        raise not_yet(name, what)

    return type(name.rpartition(".")[2], (), {"__new__": new, "__doc__": f"What says that {what.told} later."})


def function(name: str, what: What) -> Callable[..., Any]:
    """Return a function that says that it comes later."""

    def later(*args: Any, **kwargs: Any) -> Any:
        raise not_yet(name, what)

    later.__name__ = later.__qualname__ = name.rpartition(".")[2]
    later.__doc__ = f"Say that {what.told} with a later version."
    return later


class Later:
    """A module whose names all come later.

    Examples
    --------
    >>> models = Later("convis.models", VISION)
    >>> hasattr(models, "Retina")
    False
    >>> models.Retina
    Traceback (most recent call last):
    headrace.compat.convis.later.LaterError: convis.models.Retina is not in this headrace: layers and the retina model...
    """

    def __init__(self, name: str, what: What) -> None:
        self._name, self._what = name, what

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what Python itself looks for: it is no name of convis
            raise AttributeError(name)
        raise not_yet(f"{self._name}.{name}", self._what)
