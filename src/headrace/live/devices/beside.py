"""Functions that are asked for their values whenever a device's rows come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from headrace.errors import DataError, StreamConfigError
from headrace.live.devices.calls import named, takes_time
from headrace.live.devices.together import Together


class Beside:
    """Functions whose values stand beside the rows of a device.

    They are asked once for rows that come together. A device beside another is merged:
    :class:`~headrace.live.Merge`.

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
        given = (
            dict(sources)
            if isinstance(sources, Mapping)
            else {_name(each): each for each in ([] if sources is None else sources)}
        )
        if not isinstance(sources, Mapping) and len(given) != len(sources or ()):
            raise StreamConfigError(
                f"a device got {len(sources or ())} sources beside it with the names {list(given)}, wanted one each.\n"
                "  Give a dict of them by name."
            )
        self.sources: dict[str, Any] = given
        self._calls = [(name, each, takes_time(each, name)) for name, each in given.items()]
        self._together = Together()

    def start(self) -> None:
        """Start those that have a ``start`` and do not run yet; if one cannot be, none runs."""
        try:
            self._together.start(self.sources.values())
        except BaseException as error:
            for another in self._together.stop():
                error.add_note(f"  and stopping the others raised {another!r}")
            raise

    def stop(self) -> None:
        """Stop those that were started; what one of them raises is raised when all are stopped."""
        failed = self._together.stop()
        if failed:
            for another in failed[1:]:
                failed[0].add_note(f"  and stopping another raised {another!r}")
            raise failed[0]

    def beside(self, columns: dict[str, Any], n: int, t: float) -> dict[str, Any]:
        """Return columns of ``n`` rows, and the values beside them, each ``n`` times.

        Raises
        ------
        DataError
            When a name is taken.
        Exception
            What one of them raises, with its name in a note.
        """
        for name, source, timed in self._calls:
            try:
                value = source(t) if timed else source()
            except Exception as error:
                error.add_note(f"  while asking follower {name!r}")
                raise
            parts = (
                {named(name, key): each for key, each in value.items()} if isinstance(value, Mapping) else {name: value}
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
