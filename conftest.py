"""Shared by the doctests of src and by tests/ (which has a conftest of its own)."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _doctests_write_elsewhere(request: pytest.FixtureRequest) -> None:
    """A doctest that saves a file does so in a folder of its own, never in the checkout."""
    if isinstance(request.node, pytest.DoctestItem):
        request.getfixturevalue("monkeypatch").chdir(request.getfixturevalue("tmp_path"))
        assert list(Path.cwd().iterdir()) == []
