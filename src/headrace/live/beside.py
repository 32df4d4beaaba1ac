"""Functions that are asked for their values whenever a device's rows come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from headrace.errors import DataError, StreamConfigError
from headrace.live.calls import takes_time


class Beside:
    """Functions whose values stand beside the rows of a device.

    They are asked once for rows that come together. A device beside another is merged:
    :class:`~headrace.live.merge.Merge`.

    Parameters
    ----------
    sources
        Functions ``f(t)`` of the seconds since the start, or ``f()``, by name; of a list, by the names they have. One
        that gives a dict makes a column ``name_key`` of each of its values.

    Raises
    ------
    StreamConfigError
        When one is no function.

    Examples
    --------
    >>> Beside({"key": lambda: 1}).beside({"x": np.zeros(2)}, 2, t=0.0)
    {'x': array([0., 0.]), 'key': array([1, 1])}
    """

    def __init__(self, sources: Mapping[str, Any] | Sequence[Any] | None = None) -> None:
        named = (
            dict(sources)
            if isinstance(sources, Mapping)
            else {_name(each): each for each in ([] if sources is None else sources)}
        )
        if not isinstance(sources, Mapping) and len(named) != len(sources or ()):
            raise StreamConfigError(
                f"a device got {len(sources or ())} sources beside it with the names {list(named)}, wanted one each.\n"
                "  Give a dict of them by name."
            )
        self.sources: dict[str, Any] = named
        self._calls = [(name, each, takes_time(each, name)) for name, each in named.items()]
        self._started: list[Any] = []

    def start(self) -> None:
        """Start those that can be."""
        for source in self.sources.values():
            start = getattr(source, "start", None)
            if callable(start):
                try:
                    start()
                except BaseException:
                    self.stop()
                    raise
                self._started.append(source)

    def stop(self) -> None:
        """Stop those that were started; what one of them raises is raised when all are stopped."""
        failed: Exception | None = None
        while self._started:
            try:
                stop = getattr(self._started.pop(), "stop", None)
                if callable(stop):
                    stop()
            except Exception as error:
                failed = failed or error
        if failed is not None:
            raise failed

    def beside(self, columns: dict[str, Any], n: int, t: float) -> dict[str, Any]:
        """Return columns of ``n`` rows, and the values beside them, each ``n`` times.

        Raises
        ------
        DataError
            When a name is taken.
        """
        for name, source, timed in self._calls:
            value = source(t) if timed else source()
            parts = (
                {f"{name}_{key}": each for key, each in value.items()} if isinstance(value, Mapping) else {name: value}
            )
            for key, part in parts.items():
                if key in columns:
                    raise DataError(
                        f"a device got two values for column {key!r}, wanted a name for each.\n"
                        "  Call the source beside it something else."
                    )
                array = np.asarray(part)
                columns[key] = np.broadcast_to(array, (n, *array.shape)).copy()
        return columns


def _name(source: Any) -> str:
    name = getattr(source, "name", None) or getattr(source, "__name__", None) or type(source).__name__
    return str(name)
