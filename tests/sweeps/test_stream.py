"""A sweep as a stream of (settings, result)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.sweeps import Runner
from headrace.testing import check_stream


def draw(a: int, b: float, scale: float = 1.0, *, rng: Any) -> Any:
    return a + b + scale * rng.normal(size=2)


RUNNER = Runner(draw, "y", var_dims="t", constants={"scale": 2.0}, seed=5, verbosity=0)
COMBOS = {"a": [1, 2, 3], "b": [0.5, 1.5, 2.5, 3.5]}


def test_items_are_settings_and_results() -> None:
    stream = RUNNER.stream(COMBOS)
    assert len(stream) == 12
    settings, result = stream[5]
    assert settings == {"a": 2, "b": 1.5}
    values = RUNNER.run_combos(COMBOS)["y"].values.reshape(12, 2)
    np.testing.assert_array_equal(result, values[5])
    np.testing.assert_array_equal([y for _, y in stream], values)
    columns = stream[2:7]
    assert columns[0]["a"].tolist() == [1, 1, 2, 2, 2]
    np.testing.assert_array_equal(columns[1], values[2:7])


def test_it_keeps_the_laws_with_cases_and_containers_for_values() -> None:
    cases = [{"a": [1, 2], "b": np.arange(2)}, {"a": [3], "b": np.zeros(1)}]
    stream = Runner(_total, "y").stream({"c": [{"k": 1}, {"k": 2}]}, cases)
    assert check_stream(stream, processes=False).held


def _total(a: Any, b: Any, c: Any) -> float:
    return float(sum(a) + b.sum() + c["k"])


def test_it_shards_shuffles_and_resumes() -> None:
    stream = RUNNER.stream(COMBOS)
    whole = [repr(item) for item in stream]
    parts = [[repr(item) for item in stream.shard(i, 3)] for i in range(3)]
    assert sorted(item for part in parts for item in part) == sorted(whole)
    shuffled = stream | hr.permute()
    assert sorted(repr(item) for item in shuffled.seeded(1)) == sorted(whole)
    with stream.open() as cursor:
        cursor.take(5)
        state = cursor.state()
    assert [repr(item) for item in stream.open(at=state)] == whole[5:]


@pytest.mark.parametrize("where", ["thread", "process"])
def test_in_the_background(where: Any) -> None:
    stream = RUNNER.stream(COMBOS)
    found = list(stream | hr.background(where, workers=2))
    assert [repr(item) for item in found] == [repr(item) for item in stream]


def test_as_they_finish() -> None:
    stream = RUNNER.stream(COMBOS)
    found = list(stream | hr.background("process", workers=2, ordered=False))
    assert sorted(map(repr, found)) == sorted(map(repr, stream))


def test_laps_draw_numbers_of_their_own() -> None:
    stream = RUNNER.stream({"a": [1], "b": [0.5]}) | hr.repeat()
    values = {item[1].tobytes() for item in stream.iterate(5)}
    assert len(values) == 5


def test_it_takes_the_runner_as_it_is_now() -> None:
    runner = Runner(draw, "y", constants={"scale": 0.0})
    stream = runner.stream({"a": [1], "b": [1.0]})
    runner.constants = {"scale": 5.0}
    assert stream[0][1].tolist() == [2.0, 2.0]
    assert runner.stream({"a": [1], "b": [1.0]}).fingerprint != stream.fingerprint


def test_seeds() -> None:
    one = RUNNER.stream(COMBOS)[0][1]
    assert RUNNER.stream(COMBOS, seed=5)[0][1].tolist() == one.tolist()
    assert RUNNER.stream(COMBOS, seed=6)[0][1].tolist() != one.tolist()
    assert RUNNER.stream(COMBOS).seeded(6)[0][1].tolist() == RUNNER.stream(COMBOS, seed=6)[0][1].tolist()


def test_an_error_names_its_arguments_and_loses_nothing() -> None:
    def fails(a: int) -> int:
        if a == 2:
            raise RuntimeError("no")
        return a

    with Runner(fails, "y").stream({"a": range(5)}).open() as cursor:
        assert len(cursor.take(2)) == 2
        for _ in range(2):
            with pytest.raises(RuntimeError) as caught:
                next(cursor)
        assert "fails(a=2)" in "".join(caught.value.__notes__)
        assert "item 2 of root/sweep" in "".join(caught.value.__notes__)
        cursor.skip()
        assert [a for _, a in cursor] == [3, 4]


def test_what_a_user_does_to_an_item_reaches_no_other() -> None:
    values = [[1, 2], [3]]
    stream = Runner(_len, "y").stream({"a": values})
    for settings, _ in stream:
        settings["a"].clear()
    assert [n for _, n in stream] == [2, 1]
    assert values == [[1, 2], [3]]


def _len(a: list[int]) -> int:
    return len(a)


def test_streams_and_trees_inside_a_swept_function() -> None:
    def mean(n: int, weight: float, *, rng: Any) -> float:
        mixed = hr.mix({"a": hr.source([1.0]), "b": hr.source([0.0])}, weights=[weight, 1 - weight])
        return float(np.mean(list(mixed.seeded(int(rng.integers(1 << 30))).iterate(n))))

    runner = Runner(mean, "mean", verbosity=0)
    found = runner.run_combos({"n": [200], "weight": [0.1, 0.9]})
    assert found["mean"].values[0, 0] < 0.3 < 0.7 < found["mean"].values[0, 1]
    assert runner.run_combos({"n": [200], "weight": [0.1, 0.9]}, parallel=2).identical(found)
