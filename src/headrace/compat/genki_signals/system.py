"""The system, in both generations' forms: pulled with ``read``, pushed to feeds, with functions that remember."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from headrace.errors import StreamConfigError
from headrace.live import System as _System
from headrace.signals import Graph


class System(_System):
    """A source and the functions computed of it: :class:`headrace.live.System`, made with the documented arguments.

    Functions begin afresh with each start, whatever they were called with before, and may stand in any order. Feeds are
    called as soon as rows come, and not 25 times a second; ``update_rate`` bounds how often.

    Parameters
    ----------
    source
        A source with a clock of its own.
    functions
        What to compute: a list, or a :class:`headrace.signals.Graph`.
    update_rate
        How often a second, at most, the source is looked at.
    data_source, derived_signals
        The names of ``source`` and ``functions`` in the documented notebook.
    **options
        Of :class:`headrace.live.System`.

    Raises
    ------
    StreamConfigError
        When a parameter is missing or none of these, is given twice, or the functions do not fit together.

    Examples
    --------
    >>> import numpy as np
    >>> from headrace.compat.genki_signals.functions import Integrate
    >>> from headrace.live import Table
    >>> source = Table({"x": np.ones(4), "t": np.arange(4.0)}, lines_per_read=2)
    >>> with System(data_source=source, derived_signals=[Integrate("x", "t", name="sum")]) as system:
    ...     _ = system.join(10)
    >>> system.read()["sum"].tolist()
    [0.0, 1.0, 2.0, 3.0]
    """

    def __init__(
        self,
        source: Any = None,
        functions: Iterable[Any] | None = None,
        update_rate: float | None = None,
        *,
        data_source: Any = None,
        derived_signals: Iterable[Any] | None = None,
        **options: Any,
    ) -> None:
        if (source is not None and data_source is not None) or (functions is not None and derived_signals is not None):
            raise StreamConfigError(
                "System got source and data_source, or functions and derived_signals, wanted one of each pair.\n"
                "  They are two names of the same thing."
            )
        given = functions if functions is not None else derived_signals
        if given is not None and not isinstance(given, Graph):
            given = [_signal(each) for each in given]
        super().__init__(source if source is not None else data_source, given, update_rate, **options)

    @property
    def data_source(self) -> Any:
        """The source."""
        return self.source

    @property
    def derived_signals(self) -> list[Any]:
        """What is computed, in the order it is computed in."""
        return self.functions

    def add_derived_signal(self, signal: Any) -> None:
        super().add_derived_signal(_signal(signal))

    def remove_derived_signal(self, signal: Any) -> None:
        super().remove_derived_signal(_signal(signal))


def _signal(function: Any) -> Any:
    """Return what a function that remembers computes; anything else as it is."""
    return getattr(function, "signal", function)


__all__ = ["System"]
