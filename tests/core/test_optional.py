"""Optional packages."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from headrace.core.optional import optional
from headrace.errors import HeadraceError, MissingExtraError


def test_what_is_there_is_returned() -> None:
    assert optional("json.decoder", "x", "me").JSONDecoder


def test_what_is_missing_names_the_extra() -> None:
    with pytest.raises(MissingExtraError, match=r"ZarrSink needs the package no_such_thing") as caught:
        optional("no_such_thing.part", "store", "ZarrSink")
    assert "pip install 'headrace[store]'" in str(caught.value)
    assert isinstance(caught.value, ImportError)
    assert isinstance(caught.value, HeadraceError)


def test_a_package_that_is_there_and_broken_says_so_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_package_of_test.py").write_text("import a_package_it_needs_that_is_absent\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="a_package_it_needs_that_is_absent") as caught:
        optional("broken_package_of_test", "store", "ZarrSink")
    assert not isinstance(caught.value, MissingExtraError)
    assert "broken_package_of_test" not in sys.modules
