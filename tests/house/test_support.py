"""The helpers of the tests do what the tests rely on."""

from __future__ import annotations

import os

import pytest

from support.counts import heavy
from support.require import require


def test_require_gives_the_module() -> None:
    assert require("json").dumps([1]) == "[1]"
    assert require("os.path") is os.path


def test_require_skips_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEADRACE_REQUIRE", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no_such_package: the package is not installed"):
        require("no_such_package.part")


def test_require_fails_for_what_is_demanded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_REQUIRE", "json, no_such_package,graphviz")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(pytest.fail.Exception, match="HEADRACE_REQUIRE names it"):
        require("no_such_package")
    with pytest.raises(pytest.fail.Exception, match="graphviz: the program is not on PATH"):
        require("graphviz")


def test_heavy_counts_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEADRACE_SOAK", raising=False)
    assert [heavy(n) for n in (1, 49, 50, 1000)] == [1, 1, 1, 20]
    monkeypatch.setenv("HEADRACE_SOAK", "1")
    assert heavy(1000) == 1000
