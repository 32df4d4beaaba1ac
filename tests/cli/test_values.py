"""What a command line says of values."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from headrace.cli.sweep import names_of
from headrace.cli.values import assigned, cases_in, scalar, values
from headrace.errors import HeadraceWarning, StreamConfigError


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("1,2,3", [1, 2, 3]),
        ("-1,+2", [-1, 2]),
        ("0.5,1e-3,.5,2.", [0.5, 0.001, 0.5, 2.0]),
        ("0:1:3", [0.0, 0.5, 1.0]),
        ("1:0:3", [1.0, 0.5, 0.0]),
        ("0:1:1", [0.0]),
        ("0:1:2,7", [0.0, 1.0, 7]),
        ("1:100:3:log", [1.0, 10.0, 100.0]),
        ("8..11", [8, 9, 10, 11]),
        ("-2..0", [-2, -1, 0]),
        ("adam,sgd", ["adam", "sgd"]),
        ("'1','0:1:3','a,b'", ["1", "0:1:3", "a,b"]),
        ('"don\'t",x', ["don't", "x"]),
        ("''", [""]),
        ("True,False,None", [True, False, None]),
        ("007,'12:30:x',a:b", ["007", "12:30:x", "a:b"]),
        ("...", ...),
        ("it's", ["it's"]),
        (" 4 , 5,0:1:3 , 'a b' ", [4, 5, 0.0, 0.5, 1.0, "a b"]),
    ],
)
def test_values(text: str, made: Any) -> None:
    found = values(text)
    assert found == made
    if made is not ...:
        assert [type(value) for value in found] == [type(value) for value in made]


def test_not_finite() -> None:
    assert math.isnan(scalar("nan"))
    assert [scalar("inf"), scalar("-inf")] == [math.inf, -math.inf]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,,2", "nothing between two commas"),
        (",", "nothing between"),
        ("0:1:0", "at least 1"),
        ("0:1:2.5", "at least 1"),
        ("0:1:3:log", "above 0"),
        ("5..1", "empty range"),
        ("1e-4:1e-1:4:lg", "is no range"),
        ("1:2", "is no range"),
        ("0:1:x", "is no range"),
        ("-1:1:4:log", "above 0"),
        ("'a,b", "not closed"),
    ],
)
def test_what_cannot_be_read_is_told(text: str, message: str) -> None:
    with pytest.raises(StreamConfigError, match=message):
        values(text)


@pytest.mark.parametrize("text", ["true", "False ", "none", "0x10", "[1]", "(1)", "{2}"])
def test_what_looks_like_something_else_is_told(text: str) -> None:
    if text.strip() == "False":
        assert values(text) == [False]
        return
    with pytest.warns(HeadraceWarning, match="is taken as a text"):
        assert values(text) == [text]
    assert values(f"'{text}'") == [text]


def test_assignments() -> None:
    assert assigned(["a=1,2", "b==x"], "--combo") == {"a": "1,2", "b": "=x"}
    for bad in (["a"], ["=1"], ["a="], ["a b=1"], ["a=1", "a=2"]):
        with pytest.raises(StreamConfigError, match="--combo got"):
            assigned(bad, "--combo")


def test_cases(tmp_path: Path) -> None:
    file = tmp_path / "cases.csv"
    file.write_text('a,b,c\n1,0.5,adam\n\n2, 1e-3,"a,b"\n')
    assert cases_in(str(file)) == [{"a": 1, "b": 0.5, "c": "adam"}, {"a": 2, "b": 0.001, "c": "a,b"}]
    file.write_text("a,b\n")
    assert cases_in(str(file)) == []
    for text, message in (
        ("", "first line"),
        ("a,b\n1\n", "1 values in row 1"),
        ("1,2\n3,4\n", "first line"),
        ("a,a\n1,2\n", "twice"),
    ):
        file.write_text(text)
        with pytest.raises(StreamConfigError, match=message):
            cases_in(str(file))
    with pytest.raises(StreamConfigError, match="cannot be read"):
        cases_in(str(tmp_path / "none.csv"))


@pytest.mark.parametrize(
    ("text", "names", "dims"),
    [
        ("loss", "loss", {}),
        ("loss, accuracy", ["loss", "accuracy"], {}),
        ("curve[t]", "curve", {"curve": ("t",)}),
        ("a[u, v],b", ["a", "b"], {"a": ("u", "v")}),
        ("-", None, {}),
    ],
)
def test_names_of_results(text: str, names: Any, dims: Any) -> None:
    assert names_of(text) == (names, dims)


@pytest.mark.parametrize("text", ["", "a,", "a[", "a b", "a[]"])
def test_names_that_are_none(text: str) -> None:
    with pytest.raises(StreamConfigError, match="--returns got"):
        names_of(text)
