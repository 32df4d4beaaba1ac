"""What filters that are second-order sections share: they run, begin at rest, and go on where they are turned."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.signals.base import Array, Signal
from headrace.signals.cascade import run_from_rest
from headrace.signals.design import Response, response
from headrace.signals.history import narrow, wide
from headrace.signals.turned_filter import taken_over


class SosBase(Signal[Any]):
    """A cascade of second-order sections in double precision; a subclass says the sections in :meth:`sections`.

    It begins as though the first row had been there always. Turned while it runs, to another frequency or order, it goes on
    without a click, from the state that it most likely would have (:mod:`headrace.signals.turned_filter`). Needs scipy.
    """

    def keeps(self, old: Any) -> bool:
        return True

    def carry(self, old: Any, state: Any) -> Any:
        before, after = np.array(old.sections()), np.array(self.sections())
        return state if state is None or np.array_equal(before, after) else taken_over(before, after, state)

    def sections(self) -> Array:
        """Return the sections, ``(sections, 6)``."""
        raise NotImplementedError(f"{type(self).__name__} needs a method sections()")

    def response(self, points: int = 512) -> Response:
        """Return (frequencies, gain in dB, unwrapped phase)."""
        return response(self.sections(), getattr(self, "sample_rate", 2 * np.pi), points=points)

    def step(self, state: Any, *rows: Array) -> tuple[Array, Any]:
        x = rows[0]
        if not len(x):
            return np.empty(x.shape, narrow(x.dtype)), state
        sos = self.__dict__.get("_sos")
        if sos is None:
            sos = np.array(self.sections())
            self.fix(_sos=sos)
        inner = wide(x)
        found, after = run_from_rest(sos, inner, state, type(self).__name__)
        return found if x is inner else found.astype(narrow(x.dtype), copy=False), after
