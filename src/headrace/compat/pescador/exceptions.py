"""Pescador's exceptions are headrace's: whatever headrace objects to is a ``PescadorError``."""

from headrace.errors import DataError
from headrace.errors import HeadraceError as PescadorError

__all__ = ["DataError", "PescadorError"]
