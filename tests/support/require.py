"""Optional things: a test that needs one asks for it by name."""

from __future__ import annotations

import importlib
import os
import shutil
from typing import Any

import pytest

# What people call it -> the commands that show it is there. Any other name is a Python package.
PROGRAMS: dict[str, tuple[str, ...]] = {
    "chromium": ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
    "graphviz": ("dot",),
    "xvfb": ("Xvfb",),
    "pulseaudio": ("pulseaudio",),
    "ffmpeg": ("ffmpeg",),
    "node": ("node",),
}


def demanded() -> set[str]:
    """The names in HEADRACE_REQUIRE: on a machine that claims to have them, a skip would be a hole."""
    return {name.strip() for name in os.environ.get("HEADRACE_REQUIRE", "").split(",") if name.strip()}


def require(name: str) -> Any:
    """The module `name`, or the path of the program `name`; skips when it is missing, fails when it is demanded.

    Works in a test, in a fixture and at the top of a module, where it skips the whole module.
    """
    if name in PROGRAMS:
        for command in PROGRAMS[name]:
            if path := shutil.which(command):
                return path
        return _missing(name, "the program is not on PATH")
    package = name.partition(".")[0]
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        # Only absence is a reason to skip: a package that is there and broken is a failure.
        if error.name is None or error.name.partition(".")[0] != package:
            raise
        return _missing(package, "the package is not installed")


def _missing(name: str, why: str) -> None:
    if name in demanded():
        pytest.fail(f"{name}: {why}, and HEADRACE_REQUIRE names it", pytrace=False)
    pytest.skip(f"{name}: {why}", allow_module_level=True)
