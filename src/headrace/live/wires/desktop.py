"""The mouse and the keyboard of a desktop, through pynput, which connects to the screen when it is imported."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from headrace.core.optional import optional
from headrace.errors import StreamConfigError


def desktop(module: str, who: str) -> ModuleType:
    """Return ``pynput.mouse`` or ``pynput.keyboard``.

    Raises
    ------
    MissingExtraError
        When pynput is not installed.
    StreamConfigError
        When there is no desktop to connect to.
    """
    if find_spec("pynput") is None:
        return optional("pynput", "sensors", who)  # says what to install
    try:
        return import_module(f"pynput.{module}")
    except ImportError as error:
        raise unreachable(who, error) from error


def connected(make: Callable[[], Any], who: str) -> Any:
    """Return what ``make`` makes, which connects to the desktop.

    Raises
    ------
    StreamConfigError
        When it cannot.
    """
    try:
        return make()
    except Exception as error:
        raise unreachable(who, error) from error


def unreachable(who: str, error: BaseException | None) -> StreamConfigError:
    """Return what to raise where there is no desktop."""
    why = (str(error) or repr(error)).splitlines()[0]
    if sys.platform.startswith("linux"):
        display = os.environ.get("DISPLAY")
        got = f"DISPLAY={display!r}" if display else "no DISPLAY"
        return StreamConfigError(
            f"{who} got {got}, wanted an X server to connect to: {why}\n"
            "  Start it from a desktop session, or give it a screen of its own: xvfb-run python ..."
        )
    return StreamConfigError(
        f"{who} got no desktop, wanted one to connect to: {why}\n"
        "  Start it from a desktop session; macOS asks for leave under Privacy & Security, Accessibility."
    )
