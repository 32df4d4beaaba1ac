"""Sums and products, and functions of values, against numpy and in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.errors import DataError, StreamConfigError
from headrace.signals.arithmetic import Difference, Multiply, Scale, Sum
from headrace.signals.elementwise import Abs, Clip, Exp, Logarithm, Pow
from headrace.signals.envelope import Envelope
from headrace.signals.graph import Graph

X = np.array([-2.0, 0.0, 0.5, 3.0])
XY = np.stack([X, 2 * X], axis=1)


@pytest.mark.parametrize(
    ("signal", "wanted"),
    [
        (Scale("x", "y", 2.5), 2.5 * X),
        (Abs("x", "y"), np.abs(X)),
        (Pow("x", "y"), X**2),
        (Pow("x", "y", 3), X**3),
        (Exp("x", "y"), np.exp(X)),
        (Exp("x", "y", 2), 2**X),
        (Clip("x", "y", -1, 1), np.clip(X, -1, 1)),
        (Clip("x", "y", min_value=0), np.maximum(X, 0)),
        (Clip("x", "y", max_value=0), np.minimum(X, 0)),
        (Clip("x", "y"), X),
    ],
)
def test_values(signal: Any, wanted: Any) -> None:
    assert signal(X).tolist() == wanted.tolist()
    assert signal(XY)[:, 0].tolist() == wanted.tolist()
    assert signal(X.astype(np.float32)).dtype == np.float32


def test_logarithms() -> None:
    assert Logarithm("x", "y")([1.0, np.e]).tolist() == [0.0, 1.0]
    assert Logarithm("x", "y", base=10)([1.0, 1000.0]) == pytest.approx([0.0, 3.0])
    assert Logarithm("x", "y")([0.0]).tolist() == [-np.inf]
    assert np.isnan(Logarithm("x", "y")([-1.0])).all()
    assert np.isnan(Pow("x", "y", 0.5)([-1.0])).all()


def test_two_and_more_inputs() -> None:
    a, b, c = np.array([1, 2]), np.array([10, 20]), np.array([100, 200])
    assert Sum("a", "b", "c", name="y")(a, b, c).tolist() == [111, 222]
    assert Sum(["a", "b"], name="y")(a, b).tolist() == [11, 22]
    assert Difference("a", "b", name="y")(a, b).tolist() == [-9, -18]
    assert Multiply("a", "b", name="y")(a, b).tolist() == [10, 40]


def test_a_sum_of_one_input_is_no_view_of_it() -> None:
    x = X.copy()
    y = Sum("x", name="y")(x)
    y[0] = 7
    assert x[0] == -2


# --- whole numbers ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("dtype", "wider"), [("i1", "i2"), ("i2", "i4"), ("i4", "i8")])
def test_the_absolute_value_of_the_least_whole_number(dtype: str, wider: str) -> None:
    least = np.iinfo(np.dtype(dtype)).min
    found = Abs("x", "y")(np.array([least, 5, -3], dtype))
    assert found.dtype == wider
    assert found.tolist() == [-int(least), 5, 3]
    assert Envelope("x", "y", 5.0, 100.0)(np.array([least, least], dtype)).round(6).tolist() == [-float(least)] * 2


def test_the_absolute_value_where_there_is_none_wider() -> None:
    limits = np.iinfo(np.int64)
    assert Abs("x", "y")(np.array([limits.min, -1])).tolist() == [limits.max, 1]
    assert np.isclose(Envelope("x", "y", 5.0, 100.0)(np.array([limits.min]))[0], 2.0**63)
    assert Abs("x", "y")(np.array([0, 200], np.uint8)).dtype == np.uint8


def test_sums_of_whole_numbers_wrap_as_those_of_numpy() -> None:
    a, b = np.array([100, -100], np.int8), np.array([100, -100], np.int8)
    with np.errstate(all="ignore"):
        assert Sum("a", "b", name="y")(a, b).tolist() == (a + b).tolist()
        assert Multiply("a", "b", "y")(a, b).tolist() == (a * b).tolist()
        assert Scale("x", "y", 2)(a).tolist() == (a * 2).tolist()
    assert Scale("x", "y", 2.0)(a).tolist() == [200.0, -200.0]


def test_whole_numbers_beyond_those_of_a_column() -> None:
    x = np.array([0, 200], np.uint8)
    for factor in (-1, 300):
        with pytest.raises(DataError, match="for rows of uint8"):
            Scale("x", "y", factor)(x)
    assert Clip("x", "y", -5, 300)(x).tolist() == [0, 200]
    assert Clip("x", "y", -5, 150)(x).tolist() == [0, 150]
    assert Clip("x", "y", -5, 300)(x).dtype == np.uint8
    with pytest.raises(DataError, match=r"Clip\(min_value=\) got 300 for rows of uint8"):
        Clip("x", "y", 300)(x)


def test_functions_of_few_bits_are_in_double_precision() -> None:
    x = np.array([1, 20], np.uint8)
    assert np.array_equal(Exp("x", "y")(x), np.exp([1.0, 20.0]))
    assert np.array_equal(Exp("x", "y", 10.0)(x), 10.0 ** np.array([1.0, 20.0]))
    assert np.array_equal(Logarithm("x", "y")(x.astype(np.int16)), np.log([1.0, 20.0]))
    assert Exp("x", "y")(x.astype(np.float16)).dtype == np.float16


def test_booleans_have_a_sum_and_no_difference() -> None:
    on = np.array([True, False])
    assert Sum("a", "b", name="y")(on, ~on).tolist() == [True, True]
    with pytest.raises(DataError, match="booleans"):
        Difference("a", "b", "y")(on, on)


@pytest.mark.parametrize("signal", [Sum("a", "b", name="y"), Difference("a", "b", "y"), Multiply("a", "b", "y")])
def test_shapes_must_match(signal: Any) -> None:
    with pytest.raises(
        DataError, match=r"'a', 'b', name='y'\) got inputs of shapes \(4,\), \(4, 2\), wanted one shape"
    ):
        signal(X, XY)


def any_(value: Any) -> Any:
    """Hide from the type checker that it is of another type."""
    return value


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Scale("x", "y", any_("2")), r"Scale\(scale_factor=\) got '2', wanted a number"),
        (lambda: Scale("x", "y", any_([1.0, 2.0])), "wanted a number"),
        (lambda: Pow("x", "y", any_("2")), r"Pow\(exponent=\) got '2', wanted a number"),
        (lambda: Exp("x", "y", -1), r"Exp\(base=\) got -1, wanted a number above 0"),
        (lambda: Logarithm("x", "y", 0), "wanted a number above 0"),
        (lambda: Logarithm("x", "y", 1), "got 1, wanted another"),
        (lambda: Clip("x", "y", 2, 1), "min_value=2 above max_value=1"),
        (lambda: Clip("x", "y", any_("a")), r"Clip\(min_value=\) got 'a'"),
        (lambda: Sum(name="y"), "got no input"),
        (lambda: Abs(3, "y"), "wanted the name of a signal"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_said_is_refused(make: Any, says: str) -> None:
    with pytest.raises(StreamConfigError, match=says):
        make()


def test_bounds_and_powers_may_be_knobs() -> None:
    assert Scale("x", "y", hr.Knob(2.0))(X).tolist() == (2 * X).tolist()
    low, power = hr.Knob(0.0), hr.Knob(2.0)
    run = Graph([Clip("x", name="c", min_value=low), Pow("x", name="p", exponent=power)]).run()
    assert run({"x": X})["c"].tolist() == [0.0, 0.0, 0.5, 3.0]
    low.set(1.0)
    power.set(1.0)
    made = run({"x": X})
    assert made["c"].tolist() == [1.0, 1.0, 1.0, 3.0]
    assert made["p"].tolist() == X.tolist()
    with pytest.raises(StreamConfigError):
        low.set("high")  # type: ignore[arg-type]
