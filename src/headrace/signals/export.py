"""How each kind of signal is written in tensors.

A kind of signal is written once, in the operations of :class:`headrace.signals.tensors.Tensors`, and comes out as torch and
as ONNX. Kinds that have not been written so are refused by name, before anything is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, NamedTuple, TypeVar

F = TypeVar("F", bound=Callable[..., Any])
State = dict[str, Any]
Start = Callable[..., Mapping[str, Any]]


class Exporter(NamedTuple):
    """How a kind of signal is written in tensors.

    Attributes
    ----------
    write : callable
        ``write(t, node, state, *columns)``, with ``t`` the operations and columns in double precision, gives the output
        column, or (output column, next state) where there is a state.
    start : callable or None
        ``start(node, *heads)`` gives the state before the first row, arrays by name; ``heads`` are columns of no row.
    targets : tuple of str
        What it can be written for.
    fits : callable or None
        ``fits(node, *heads)`` says why this one cannot be written, or gives None.
    """

    write: Callable[..., Any]
    start: Start | None
    targets: tuple[str, ...]
    fits: Callable[..., str | None] | None


_known: dict[tuple[Any, str], Exporter] = {}
TARGETS = ("torch", "onnx")
_BUILT_IN = (
    "exports",
    "exports_correlate",
    "exports_events",
    "exports_filters",
    "exports_geometry",
    "exports_gyroscope",
    "exports_models",
    "exports_modulation",
    "exports_moving",
    "exports_orientation",
    "exports_resample",
    "exports_shape",
    "exports_wavelets",
    "exports_windows",
)


def exports(
    kind: Any,
    *,
    start: Start | None = None,
    targets: tuple[str, ...] = TARGETS,
    fits: Callable[..., str | None] | None = None,
) -> Callable[[F], F]:
    """Return a decorator that makes a function the way in which a kind of signal is exported.

    Parameters
    ----------
    kind
        The class.
    start, targets, fits
        As in :class:`Exporter`.

    Examples
    --------
    >>> import numpy as np
    >>> from headrace.signals.base import Signal, signal_class
    >>> @signal_class(lambda: Half("x", "y"), name="docs.Half")
    ... class Half(Signal):
    ...     x: str
    ...     name: str
    ...
    ...     def step(self, state, *rows):
    ...         return rows[0] / 2, None
    >>> @exports(Half)
    ... def half(t, node, state, x):
    ...     return t.div(x, t.const(2.0))
    """

    def known(write: F) -> F:
        for target in targets:
            _known[kind, target] = Exporter(write, start, targets, fits)
        return write

    return known


def exporter_of(node: Any, target: str) -> Exporter | None:
    """Return how a signal is exported, or None when nobody has said it."""
    for module in _BUILT_IN:  # which fill the registry
        import_module(f"headrace.signals.{module}")
    return next((_known[kind, target] for kind in type(node).__mro__ if (kind, target) in _known), None)
