from __future__ import annotations

import csv as csv_format
import gzip
import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import headrace as hr
from headrace.core import same
from headrace.core.describe import dump
from headrace.errors import DataError, StreamConfigError

HARD = [
    {"text": "plain", "k": 0, "x": 0.5},
    {"text": "a, comma", "k": -3, "x": 1.0},
    {"text": 'a "quote"', "k": 2, "x": 1e-300},
    {"text": "two\nlines", "k": 3, "x": math.inf},
    {"text": "two\r\n\r\nlines", "k": 4, "x": 2.5},
    {"text": "löß ω \u2028", "k": 5, "x": 0.1},
    {"text": "", "k": 10**15, "x": -1.5},
]


def write(path: Path, rows: list[dict[str, Any]], **how: Any) -> None:
    with open(path, "w", newline="", encoding=how.pop("encoding", "utf-8")) as file:
        out = csv_format.DictWriter(file, list(rows[0]), **how)
        out.writeheader()
        out.writerows(rows)


@pytest.fixture
def hard(tmp_path: Path) -> Path:
    write(tmp_path / "hard.csv", HARD)
    return tmp_path / "hard.csv"


def test_records_come_back_as_they_were(hard: Path) -> None:
    assert same(list(hr.csv(hard)), HARD)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["utf-8", "utf-8-sig"])
def test_line_ends_and_byte_order_marks(end: str, mark: str, tmp_path: Path) -> None:
    write(tmp_path / "a.csv", HARD, lineterminator=end, encoding=mark)
    assert same(list(hr.csv(tmp_path / "a.csv")), HARD)
    (tmp_path / "b.csv").write_bytes(f"a{end}{end}1{end}{end}2".encode(mark))
    assert list(hr.csv(tmp_path / "b.csv")) == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize("order", ["sequential", "shuffled", "random"])
@pytest.mark.parametrize("packed", [False, True])
def test_every_cut(order: Any, packed: bool, hard: Path, cuts_change_nothing: Callable[..., list[Any]]) -> None:
    path = hard
    if packed:
        path = hard.with_suffix(".csv.gz")
        path.write_bytes(gzip.compress(hard.read_bytes()))
    items = cuts_change_nothing(hr.csv(path, order=order), len(HARD))
    found = Counter(item["k"] for item in items)
    assert set(found) <= {row["k"] for row in HARD}
    if order != "random":
        assert set(found.values()) == {1}
        assert len(found) == len(HARD)
    assert all(item in HARD for item in items)


@given(st.lists(st.tuples(st.text(st.characters(codec="utf-8", exclude_characters="\r\0")), st.integers()), min_size=1))
def test_any_text_comes_back_from_any_place(tmp_path_factory: pytest.TempPathFactory, rows: list[Any]) -> None:
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    write(path, [{"text": text, "k": k} for text, k in rows])
    stream = hr.csv(path, dtypes={"text": str})
    with stream.open() as cursor:
        assert [(item["text"], item["k"]) for item in cursor.take(len(rows) // 2)] == rows[: len(rows) // 2]
        state = cursor.state()
    with stream.open(at=state) as cursor:
        assert [(item["text"], item["k"]) for item in cursor] == rows[len(rows) // 2 :]


def test_a_state_names_the_byte_and_is_used(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a\n" + "".join(f"{i}\n" for i in range(10, 60)))
    stream = hr.csv(tmp_path / "a.csv")
    with stream.open() as cursor:
        cursor.take(30)
        state = cursor.state()
    assert state["at"] == {"count": 30, "offset": 2 + 3 * 30, "line": 31}


def test_types_are_told_from_the_first_records_or_given(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("i,f,s,m,u\n1,1,a,,1_0\n-2,2.5,3,4,2\n")
    first, second = hr.csv(path)
    assert same(first, {"i": 1, "f": 1.0, "s": "a", "m": math.nan, "u": "1_0"})
    assert same(second, {"i": -2, "f": 2.5, "s": "3", "m": 4.0, "u": "2"})
    given_types = {"i": "float32", "f": str, "m": float, "s": str, "u": "U5"}
    first = next(iter(hr.csv(path, ["i", "f", "u"], given_types)))
    assert same(first, {"i": np.float32(1), "f": "1", "u": "1_0"})
    path.write_text("t,b,z\n2024-01-02,True,1+2j\n2024-01-03,0,2\n")
    rows = list(hr.csv(path, dtypes={"t": "M8[D]", "b": bool, "z": complex}))
    assert [row["b"] for row in rows] == [True, False]
    assert rows[0]["t"] == np.datetime64("2024-01-02")
    assert rows[0]["z"] == 1 + 2j


@pytest.mark.parametrize(
    ("field", "type_", "match"),
    [
        ('""', int, "got a missing value in column 'a' on line 122, wanted int.\n.*dtypes={'a': float}"),
        ("2.5", int, "got '2.5' in column 'a' on line 122, wanted int.\n.*dtypes={'a': float}"),
        ("x", float, "got 'x' in column 'a' on line 122, wanted float.\n.*dtypes={'a': str}"),
        ("maybe", bool, "got 'maybe' in column 'a' on line 122, wanted bool"),
        ("1,2", int, "got 2 fields on line 122, wanted 1: a"),
        ("300", "u1", "got '300' in column 'a' on line 122"),
        ('"open', int, "unexpected end of data"),
    ],
)
@pytest.mark.parametrize("order", ["sequential", "shuffled"])
def test_a_bad_record_names_its_line_and_can_be_passed(
    field: str, type_: Any, match: str, order: Any, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a\n" + "1\n" * 120 + field + "\n" + "0\n" * 5)
    stream = hr.csv(path, dtypes={"a": type_}, order=order)
    error = csv_format.Error if field == '"open' else DataError
    found, broken = [], 0
    with stream.open(hr.Key(1)) as cursor:
        while True:
            try:
                found.append(next(cursor)["a"])
            except StopIteration:
                break
            except error:
                with pytest.raises(error, match=match) as caught:
                    next(cursor)
                assert f"  file: {path}" in caught.value.__notes__
                assert cursor.skip() == 1
                broken += 1
    assert broken == 1
    if field != '"open':  # the quote runs to the end of the file
        assert sorted(found) == [0] * 5 + [1] * 120
        assert order == "shuffled" or found[-5:] == [0] * 5


def test_names_and_delimiters(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1;2\n3;4\n")
    stream = hr.csv(tmp_path / "a.csv", names=("x", "y"), delimiter=";")
    assert list(stream) == [{"x": 1, "y": 2}, {"x": 3, "y": 4}]
    assert list(hr.csv(tmp_path / "a.csv", "y", names=["x", "y"], delimiter=";")) == [{"y": 2}, {"y": 4}]
    (tmp_path / "l.csv").write_bytes("a\nlöß\n".encode("latin-1"))
    assert list(hr.csv(tmp_path / "l.csv", encoding="latin-1")) == [{"a": "löß"}]
    with pytest.raises(UnicodeDecodeError):
        list(hr.csv(tmp_path / "l.csv"))


def test_nothing_to_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("")
    with pytest.raises(DataError, match=r"has no line.*\n.*names="):
        list(hr.csv(path))
    assert list(hr.csv(path, names=["x"])) == []
    path.write_text("x,y\n")
    for order in ("sequential", "shuffled", "random"):
        assert list(hr.csv(path, order=order)) == []
    with pytest.raises(DataError, match=r"no column 'z'.*\n.*columns are x, y"):
        list(hr.csv(path, "z"))
    path.write_text("x,x\n1,2\n")
    with pytest.raises(DataError, match="two columns named 'x'"):
        list(hr.csv(path))
    with hr.csv(path).open() as cursor:
        with pytest.raises(DataError):
            next(cursor)
        assert cursor.skip() == 1
        assert cursor.take(1) == []
        assert cursor.state()["at"]["offset"] == -1


def test_a_bad_option_is_refused(hard: Path) -> None:
    for wrong, match in [
        ({"order": "up"}, "order="),
        ({"delimiter": ";;"}, "delimiter"),
        ({"encoding": "utf-16"}, "encoding.*\n.*UTF-16"),
        ({"encoding": "klingon"}, "encoding"),
        ({"dtypes": {"k": object}}, "dtypes.*'k'"),
        ({"dtypes": int}, "dtypes"),
        ({"columns": []}, "columns"),
        ({"names": ["a", "a"]}, "names"),
    ]:
        with pytest.raises(StreamConfigError, match=match):
            hr.csv(hard, **wrong)  # type: ignore[arg-type]
    with pytest.raises(StreamConfigError, match="no file"):
        hr.csv(hard.with_name("none.csv"))


def test_sizes_n_and_json(hard: Path) -> None:
    assert hr.csv(hard).size is None
    assert hr.csv(hard, order="random").size == math.inf
    assert len(hr.csv(hard, order="random", n=30)) == len(list(hr.csv(hard, order="random", n=30))) == 30
    assert same(list(hr.csv(hard, n=3)), HARD[:3])
    stream = hr.csv(hard, ["k"], {"k": "f4"}, "shuffled")
    assert hr.load(dump(stream)) == stream


def test_descriptors_and_far_places(hard: Path, open_here: Callable[[], list[str]]) -> None:
    for order in ("sequential", "shuffled", "random"):
        cursor = hr.csv(hard, order=order).open(hr.Key(1))
        assert open_here() == []
        cursor.take(3)
        assert len(open_here()) == 1
        cursor.close()
        assert open_here() == []
    with hr.csv(hard, order="random").seeded(1).open(at=10**9) as cursor:
        assert cursor.position == 10**9
        assert next(cursor) in HARD
