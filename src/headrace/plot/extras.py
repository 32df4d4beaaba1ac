"""Packages of widgets, which need each other: what is missing of them is named with its extra, however deep it is."""

from __future__ import annotations

from types import ModuleType

from headrace.core.optional import optional
from headrace.errors import MissingExtraError


def installed(module: str, who: str) -> ModuleType:
    """Return a package of the extra ``plot`` that can be imported with all that it needs.

    Raises
    ------
    MissingExtraError
        When it is not installed, or a package that it imports is not.
    """
    try:
        return optional(module, "plot", who)
    except MissingExtraError:
        raise
    except ModuleNotFoundError as error:  # anywidget is there, and ipywidgets, which it imports, is not
        raise MissingExtraError(
            f"{who} needs the package {error.name}, which {module} imports and which is not installed.\n"
            "  Install it with: pip install 'headrace[plot]'"
        ) from error
