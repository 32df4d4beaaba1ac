"""The only coercion: whatever can make items becomes a stream here."""

from __future__ import annotations

from typing import Any

from headrace.core.registry import find
from headrace.core.stream import Stream


def as_stream(source: Any) -> Stream[Any]:
    """Return ``source`` if it is a stream, the recipe of a handle, or a ``Streamer`` over anything that makes items.

    A handle offers its recipe, as it is at that moment, through ``__recipe__()``.

    Raises
    ------
    StreamConfigError
        When no stream can be made of it.

    Examples
    --------
    >>> list(as_stream("ab"))
    ['a', 'b']
    """
    if isinstance(source, Stream):
        return source
    recipe = getattr(source, "__recipe__", None)
    if recipe is not None and not isinstance(source, type):
        return as_stream(recipe())
    made: Stream[Any] = find("streamer").make(source)
    return made
