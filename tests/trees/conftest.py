"""The laws look from a second process, too: here it is forked, in scripts/soak and tests/testing it is a new interpreter."""

from __future__ import annotations

from importlib import import_module

import pytest

from support.warm import answering


@pytest.fixture(autouse=True)
def _forked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("headrace.testing.elsewhere"), "subprocess", answering)
