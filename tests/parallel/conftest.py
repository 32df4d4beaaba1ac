"""Tests of processes ask for ``nothing_left``: whatever happens in them, nothing may be left over."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from parallel.left import Held


@pytest.fixture
def nothing_left() -> Iterator[None]:
    """Fail the test that leaves a process, a descriptor, a thread or a mapping behind."""
    held = Held()
    yield
    held.check()
