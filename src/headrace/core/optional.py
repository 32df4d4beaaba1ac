"""Optional packages are imported inside functions, through here."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from headrace.errors import MissingExtraError


def optional(module: str, extra: str, who: str) -> ModuleType:
    """Return ``module``, or say which extra to install.

    Raises
    ------
    MissingExtraError
        When the package is not installed.

    Examples
    --------
    >>> optional("no_such_package", "store", "ZarrSink")
    Traceback (most recent call last):
    headrace.errors.MissingExtraError: ZarrSink needs the package no_such_package, which is not installed.
      Install it with: pip install 'headrace[store]'
    """
    try:
        return import_module(module)
    except ImportError as error:
        if error.name is not None and module.partition(".")[0] != error.name.partition(".")[0]:
            raise  # the package is there, and broken: its own error says how
        raise MissingExtraError(
            f"{who} needs the package {module.partition('.')[0]}, which is not installed.\n"
            f"  Install it with: pip install 'headrace[{extra}]'"
        ) from None
