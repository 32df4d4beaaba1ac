"""Printing a composition, and JSON and back."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.core.describe import dump
from headrace.core.registry import register
from headrace.errors import RegistryError


def double(i: int) -> int:
    return 2 * i


def noisy(i: int, rng: np.random.Generator) -> float:
    return i + float(rng.random())


def test_the_tree_says_what_each_node_is() -> None:
    text = str(hr.Streamer(range(9)) | hr.map(double) | hr.batch(2))
    assert text.splitlines() == [
        "batch(n=2)  size 5 · cursor · resumes exactly",
        "   ! its items have no numbers, because of streamer(range(0, 9))",
        "└─ map(double)  size 9 · cursor · resumes exactly",
        "      ! double takes no rng: it is assumed to give the same items each time",
        "   └─ streamer(range(0, 9))  size 9 · cursor · resumes exactly",
    ]


def test_it_says_what_cannot_resume_and_what_is_not_known() -> None:
    def source() -> Any:
        yield 1

    assert "size not known · cursor · resumes by replay" in str(hr.Streamer(source))
    once = hr.describe(hr.Streamer(iter("ab")))
    assert once.resume == "none"
    assert "cannot resume" in str(once)
    assert "it can be drawn once" in str(once)


def test_seeds_and_long_values_are_shown_short() -> None:
    assert repr(hr.Streamer("ab").seeded(7)) == "streamer('ab', seed=7)"
    assert len(repr(hr.Streamer("x" * 1000))) < 80
    assert "array(float64, (3, 4))" in repr(hr.Streamer(np.zeros((3, 4))))


def test_describing_runs_nothing() -> None:
    def source() -> Any:
        raise AssertionError
        yield

    assert "source" in str(hr.Streamer(source) | hr.batch(2))


# --- JSON ---------------------------------------------------------------------------------------

PLAIN: list[hr.Stream[Any]] = [
    hr.Streamer("abc"),
    hr.Streamer(range(3)) | hr.batch(2) | hr.skip(1),
    hr.Streamer([{"X": (1, 2.5, None, True), "y": "a"}]).seeded(2**100),
    hr.Streamer(np.arange(6, dtype=">i2").reshape(2, 3)),
    hr.Streamer(hr.Streamer(range(3)), 7, cycle=True),
    hr.Streamer([np.float32(0.1), np.float64(0.1), np.str_("a"), np.datetime64("2020-01-01")]),
]


@pytest.mark.parametrize("stream", PLAIN, ids=repr)
def test_there_and_back(stream: hr.Stream[Any]) -> None:
    text = dump(stream)
    again = hr.load(text)
    assert again == stream
    assert again.fingerprint == stream.fingerprint
    assert dump(again) == text
    key = hr.Key(1)
    assert all(map(hr.core.same, again.open(key).take(9), stream.open(key).take(9)))


def test_a_function_comes_back_only_when_it_is_handed_over() -> None:
    stream = hr.Streamer(range(3)) | hr.map(double)
    name = f"{__name__}:double"
    text = dump(stream)
    assert json.loads(text)["with"]["function"] == {"function": name}
    with pytest.raises(RegistryError, match=r"neither in functions= nor registered"):
        hr.load(text)
    assert hr.load(text, functions={name: double}) == stream
    assert list(hr.load(text, functions={name: lambda i: -i})) == [0, -1, -2]


def test_a_registered_function_comes_back_by_itself() -> None:
    def known(i: int) -> int:
        return i + 1

    known.__qualname__ = "known_of_test_describe"
    register("known_of_test_describe", example=None, kind="function")(known)
    assert list(hr.load(dump(hr.Streamer(range(3)) | hr.map(known)))) == [1, 2, 3]


@pytest.mark.parametrize("name", ["os:system", "builtins:exec", "subprocess:run", "antigravity:geohash"])
def test_nothing_is_imported_because_a_description_says_so(name: str) -> None:
    import sys

    text = json.dumps({"make": "map", "with": {"source": {"make": "streamer", "with": {"source": "ab", "args": {"tuple": []}, "kwargs": {"dict": {}}}}, "function": {"function": name}}})  # fmt: skip
    with pytest.raises(RegistryError, match=name):
        hr.load(text)
    assert "antigravity" not in sys.modules


def test_an_unknown_component_is_named() -> None:
    with pytest.raises(RegistryError, match="no component is called 'nothing_like_it'"):
        hr.load('{"make": "nothing_like_it", "with": {}}')


def test_what_is_no_stream_is_refused() -> None:
    with pytest.raises(hr.StreamConfigError, match="wanted that of a stream"):
        hr.load("[1, 2]")


@pytest.mark.parametrize(
    ("stream", "where"),
    [
        (hr.Streamer(iter("ab")), "streamer.source"),
        (hr.Streamer([object()]), r"streamer.source\[0\]"),
        (hr.Streamer(np.zeros(2**18)), "streamer.source"),
        (hr.Streamer([b"ab"]), r"streamer.source\[0\]"),
        (hr.Streamer("ab", {1: 2}), r"streamer.args\[0\]"),
        (hr.Streamer(np.array([None])), "streamer.source"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_written_is_named(stream: hr.Stream[Any], where: str) -> None:
    with pytest.raises(hr.StreamConfigError, match=rf"{where} got .* cannot be written as JSON"):
        dump(stream)
