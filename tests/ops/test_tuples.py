"""Fields as tuples."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.core import same

ITEMS = [{"X": np.full(2, i), "y": i, "id": f"song{i}"} for i in range(5)]


def test_tuples_of_a_stream_or_as_an_op() -> None:
    expected = [(item["X"], item["y"]) for item in ITEMS]
    for stream in (hr.tuples(ITEMS, "X", "y"), hr.Streamer(ITEMS) | hr.tuples("X", "y"), ITEMS | hr.tuples("X", "y")):
        assert all(map(same, stream, expected))
        assert len(stream) == 5
    assert list(hr.tuples(ITEMS, "id")) == [(item["id"],) for item in ITEMS]
    assert list(hr.tuples([{0: "a", (1, 2): "b"}], 0, (1, 2))) == [("a", "b")]


def test_tuples_of_batches() -> None:
    X, y = next(hr.tuples(hr.Streamer(ITEMS) | hr.batch(3), "X", "y").open())
    assert X.shape == (3, 2)
    assert y.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("inputs", "outputs", "expected"),
    [
        ("y", "id", (0, "song0")),
        ("y", None, (0, None)),
        (None, "y", (None, 0)),
        (["y"], ["id", "y"], ([0], ["song0", 0])),
        (("id", "y"), "y", (["song0", 0], 0)),
        ([], "y", (None, 0)),
    ],
)
def test_keras_tuples(inputs: Any, outputs: Any, expected: Any) -> None:
    for stream in (
        hr.keras_tuples(ITEMS, inputs, outputs),
        hr.keras_tuples(ITEMS, inputs=inputs, outputs=outputs),
        ITEMS | hr.keras_tuples(inputs=inputs, outputs=outputs),
    ):
        first, *rest = stream
        assert first == expected
        assert len(rest) == 4


def test_keras_tuples_as_an_op_with_positional_keys() -> None:
    assert next((ITEMS | hr.keras_tuples("y", "id")).open()) == (0, "song0")
    assert next((ITEMS | hr.keras_tuples(["y"], "id")).open()) == ([0], "song0")


@pytest.mark.parametrize(
    "make",
    [
        lambda: hr.tuples(),  # type: ignore[call-overload]
        lambda: hr.tuples(ITEMS),
        lambda: hr.keras_tuples(ITEMS),
        lambda: hr.keras_tuples(ITEMS, [], []),
        lambda: hr.keras_tuples(),
        lambda: hr.keras_tuples(ITEMS, 5),
        lambda: hr.keras_tuples("a", "b", "c"),
        lambda: hr.tuples(5, "X"),
    ],
)
def test_what_cannot_work_is_refused_at_once(make: Any) -> None:
    with pytest.raises(hr.StreamConfigError):
        make()


@pytest.mark.parametrize("over", [lambda s: hr.tuples(s, "X", "y"), lambda s: hr.keras_tuples(s, ["X"], "y")])
def test_an_item_without_the_field_or_no_dict(over: Any) -> None:
    with over([{"X": 0, "y": 0}, {"X": 1, "z": 1}, 5, {"X": 2, "y": 2}]).open() as cursor:
        next(cursor)
        with pytest.raises(KeyError, match=r"without \['y'\]; its fields are \['X', 'z'\]") as missing:
            next(cursor)
        assert "while drawing item 1" in missing.value.__notes__[0]
        cursor.skip()
        with pytest.raises(hr.DataError, match="got a int, wanted a dict"):
            next(cursor)
        cursor.skip()
        assert next(cursor)[1] == 2
