"""Misspelt keywords."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from functools import wraps
from typing import Any

from headrace.errors import StreamConfigError


def autocorrect_kwargs(func: Callable[..., Any] | None = None, valid_kwargs: Iterable[str] | None = None) -> Any:
    """Return a function that says which keyword was meant when it is given one that it does not know.

    Parameters
    ----------
    func
        Without it, a decorator.
    valid_kwargs
        What it knows; by default its parameters.

    Raises
    ------
    StreamConfigError
        From the function: which keywords it got that it does not know, and which are spelt alike.

    Examples
    --------
    >>> @autocorrect_kwargs
    ... def draw(color="red", **others):
    ...     return color
    >>> draw(colour="blue")
    Traceback (most recent call last):
    headrace.errors.StreamConfigError: draw got the keyword 'colour', which it does not know.
      Did you mean color=?
    """
    if func is None:
        return lambda func: autocorrect_kwargs(func, valid_kwargs)
    parameters = inspect.signature(func).parameters.values()
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    known = set(valid_kwargs or ()) | {p.name for p in parameters if p.kind not in positional}

    @wraps(func)
    def checked(*args: Any, **kwargs: Any) -> Any:
        wrong = [name for name in kwargs if name not in known]
        if wrong:
            near = get_close_matches(wrong[0], sorted(known), n=3)
            told = f"Did you mean {'=, '.join(near)}=?" if near else f"It knows {', '.join(sorted(known))}."
            raise StreamConfigError(f"{func.__name__} got the keyword {wrong[0]!r}, which it does not know.\n  {told}")
        return func(*args, **kwargs)

    return checked
