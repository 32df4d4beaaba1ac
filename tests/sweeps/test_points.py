"""The points of a sweep, and their addresses."""

from __future__ import annotations

import pickle
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import headrace as hr
from headrace.sweeps import Points, canonical, point_key
from headrace.sweeps.canonical import encoded
from headrace.testing import elsewhere

values = st.one_of(st.integers(0, 4), st.sampled_from("xyz"), st.booleans(), st.none(), st.just(float("nan")))


@st.composite
def described(draw: Any) -> Points:
    names = draw(st.permutations("abcde"))
    n_cases, n_combos, n_pairs = draw(st.integers(0, 2)), draw(st.integers(0, 2)), draw(st.integers(0, 1))
    of_cases, names = names[:n_cases], names[n_cases:]
    combos: dict[Any, Any] = {name: draw(st.lists(values, max_size=3, unique_by=encoded)) for name in names[:n_combos]}
    if n_pairs and len(names) - n_combos >= 2:
        combos[tuple(names[-2:])] = draw(st.lists(st.tuples(values, values), max_size=3))
    cases = draw(st.lists(st.fixed_dictionaries(dict.fromkeys(of_cases, values)), min_size=1, max_size=4))
    return Points(combos, cases if of_cases else None)


@given(described())
def test_every_way_to_ask_gives_the_same(points: Points) -> None:
    listed = [points[i] for i in range(len(points))]
    told = [repr(settings) for settings in listed]
    assert told == [repr(settings) for settings in points]
    assert told == [repr(dict(settings)) for settings in points.walk({}, range(len(points)))]
    assert list(points.keys()) == [point_key(settings) for settings in listed]
    for name in points.names:
        assert repr(points.column(name)) == repr([settings[name] for settings in listed])
    axes = points.axes
    assert list(axes) == list(points.names)
    places = points.places().tolist()
    for i, settings in enumerate(listed):
        place = points.place(i)
        for (name, axis), k in zip(axes.items(), place, strict=True):
            assert encoded(axis[k]) == encoded(settings[name])
        assert places[i] == (np.ravel_multi_index(place, points.shape) if place else 0)
    assert not points.is_grid or places == list(range(points.cells))
    assert pickle.loads(pickle.dumps(points)) == points


def test_the_order_is_that_of_evaluation() -> None:
    points = Points({"c": [1, 2]}, [{"a": 5}, {"a": 3}])
    assert list(points) == [{"a": a, "c": c} for a in (5, 3) for c in (1, 2)]
    assert points.axes == {"a": [3, 5], "c": [1, 2]}
    assert points[-1] == {"a": 3, "c": 2}
    assert points[1:3] == [{"a": 5, "c": 2}, {"a": 3, "c": 1}]


def test_a_billion_points_cost_their_axes() -> None:
    points = Points({name: range(1000) for name in "abc"})
    assert len(points) == 10**9
    assert points[123_456_789] == {"a": 123, "b": 456, "c": 789}
    assert points.place(123_456_789) == (123, 456, 789)


def test_constants_are_beside_the_settings_and_win() -> None:
    points = Points({"a": [1, 2]}, constants={"a": 9, "z": 0})
    assert points[0] == {"a": 1}
    assert [dict(settings) for settings in points.walk(points.constants)] == [{"a": 9, "z": 0}] * 2


def test_an_argument_in_cases_and_combos() -> None:
    with pytest.raises(hr.StreamConfigError, match=r"'a'.*\['a', 'b'\].*\['c', 'a'\]"):
        Points({"c": [1], "a": [2]}, [{"a": 1, "b": 2}])


def test_all_known_values_need_a_harvester() -> None:
    with pytest.raises(hr.StreamConfigError, match="harvester"):
        Points({"a": ...})


@pytest.mark.parametrize(("combos", "cases"), [({"a": []}, None), ({"a": [1], "b": []}, None), ({"a": [1]}, [])])
def test_no_points(combos: Any, cases: Any) -> None:
    """B20."""
    points = Points(combos, cases)
    assert len(points) == 0
    assert not [*points, *points.keys(), *points.walk({})]
    assert points.places().tolist() == []


def test_no_arguments_are_one_point() -> None:
    assert list(Points()) == [{}]
    assert list(Points().keys()) == [point_key({})]


def test_unsortable_cases_keep_the_order_in_which_they_came() -> None:
    """B20: the same in every process."""
    assert Points(cases=[{"a": "x"}, {"a": 2}, {"a": None}, {"a": 2}]).axes == {"a": ["x", 2, None]}
    points = Points(cases=[{"a": frozenset({k, "z"})} for k in "dbca"])
    assert elsewhere(_axes, points) == points.axes == {"a": [frozenset({k, "z"}) for k in "dbca"]}


def _axes(points: Points) -> Any:
    return points.axes


class Colour(Enum):
    RED = 1


SAME: list[list[Any]] = [
    [1, 1.0, np.int8(1), np.float32(1), np.uint64(1), 1 + 0j, Fraction(2, 2), Decimal("1.00"), np.longdouble(1)],
    [0.5, np.float32(0.5), Fraction(1, 2), Decimal("0.5"), np.complex64(0.5)],
    [0, -0.0, np.int64(0)],
    [True, np.True_],
    [float("nan"), np.float32("nan"), Decimal("nan")],
    [float("inf"), np.float32("inf"), Decimal("inf")],
    ["a", np.str_("a")],
    [b"a", np.bytes_(b"a"), bytearray(b"a")],
    [None],
    [datetime(2020, 1, 2), date(2020, 1, 2), np.datetime64("2020-01-02"), np.datetime64("2020-01-02T00:00", "ns")],
    [datetime(2020, 1, 2, tzinfo=UTC), datetime(2020, 1, 2, 1, tzinfo=timezone(timedelta(hours=1)))],
    [timedelta(seconds=1), np.timedelta64(1000, "ms")],
    [[1, 2], (1.0, 2), range(1, 3)],
    [np.array([1, 2]), np.array([1.0, 2.0]), np.array([1, 2], dtype=">i2"), np.array([1, 2], dtype=complex)],
    [np.array([0.5, np.nan]), np.array([0.5, -np.nan])],
    [np.array([[1, 2]])],
    [np.array(["a", "b"]), np.array(["a", "b"], dtype=object)],
    [{"k": 1, "l": [2]}, {"l": (2.0,), "k": True + 0}],
    [{1, 2}, frozenset((2, 1))],
    [Path("x/y")],
    [Colour.RED],
    [len],
    [partial(int, base=2)],
    [10**400],
    [hr.functional(abs, 3)],
]


@pytest.mark.parametrize("alike", SAME, ids=lambda alike: repr(alike[0])[:30])
def test_equal_values_have_one_address(alike: list[Any]) -> None:
    assert len({encoded(value) for value in alike}) == 1
    for others in SAME:
        if others is not alike:
            assert encoded(others[0]) != encoded(alike[0])


def test_pandas_moments_are_moments() -> None:
    pd = pytest.importorskip("pandas")
    assert encoded(pd.Timestamp("2020-01-02")) == encoded(datetime(2020, 1, 2))
    nanos = np.datetime64("2020-01-02T00:00:00.123456789", "ns")
    assert encoded(pd.Timestamp(nanos)) == encoded(nanos)
    assert encoded(pd.Timedelta(1500, "ns")) == encoded(np.timedelta64(1500, "ns"))
    assert encoded(pd.NaT) == encoded(np.datetime64("NaT", "us"))
    assert encoded(pd.NaT) != encoded(float("nan"))


def test_addresses_are_the_same_in_another_process() -> None:
    given = [alike[0] for alike in SAME]
    assert elsewhere(_addresses, given) == _addresses(given)


def _addresses(given: list[Any]) -> list[bytes]:
    return [encoded(value) for value in given]


def test_addresses_are_a_format() -> None:
    """Ledgers hold them: a change here makes every point of every harvest unknown."""
    settings = {"b": 0.25, "a": [1, "x", None, True], "t": np.datetime64("2020-01-01"), "m": np.eye(2)}
    assert canonical({"b": 0.25, "a": 1}) == b"1:a=2:n1;1:b=5:n0.25;"
    assert point_key({"a": 1}).hex() == "e62f61300d49b35e77b1470bdfe45e0f"
    assert point_key(settings).hex() == FORMAT
    assert point_key({}).hex() == "cae66941d9efbd404e4d88758ea67670"


FORMAT = "d10a840632b971d93d473612a06ca36f"


def test_parts_cannot_be_taken_for_each_other() -> None:
    assert canonical({"a": "1;1:b=2"}) != canonical({"a": "1", "b": 2})
    assert encoded(["ab", "c"]) != encoded(["a", "bc"])
    assert encoded([["a"], "b"]) != encoded([["a", "b"]])


def test_lambdas_count_by_code() -> None:
    assert encoded(lambda x: x) != encoded(lambda x: x + 1)


def test_a_value_in_a_circle_is_refused() -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(hr.StreamConfigError, match="deep"):
        canonical({"a": circle})


def test_what_cannot_be_told_by_its_content_is_refused() -> None:
    with pytest.raises(hr.StreamConfigError, match="content"):
        canonical({"a": (i for i in range(3))})


def test_equal_points_have_equal_fingerprints() -> None:
    def stream(*values: Any) -> Any:
        return hr.sweeps.Runner(_axes, "y").stream({"points": list(values)})

    assert stream(1, 2).fingerprint == stream(1, 2).fingerprint != stream(1, 3).fingerprint
