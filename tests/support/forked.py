"""What `headrace.testing.elsewhere` has of subprocess, for tests that look from a second process hundreds of times."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from support.warm import ran


class Forking:  # stands in for a module
    """The interpreter that is asked for is forked: one that has imported what any such imports first, and nothing else."""

    @staticmethod
    def run(command: Sequence[str], *, input: bytes, timeout: float, **_: Any) -> CompletedProcess[bytes]:
        assert "headrace.testing.elsewhere" in command[-1]
        script = Path(__file__).with_name("answer.py")
        return ran([sys.executable, str(script)], "headrace.testing.elsewhere", input=input, timeout=timeout)


@pytest.fixture(autouse=True)
def forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a conftest: the laws look from a forked process. In scripts/soak, see `ran`, it is a new interpreter."""
    monkeypatch.setattr(import_module("headrace.testing.elsewhere"), "subprocess", Forking)
