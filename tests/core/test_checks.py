"""What counts as a number: one rule for all rooms."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from headrace.core.checks import integer, number, whole_number
from headrace.errors import StreamConfigError


def test_whole_numbers_of_python_and_numpy_become_ints() -> None:
    for value in (3, np.uint8(3), np.int64(3), np.array(3)):
        assert type(integer(value)) is int
        assert whole_number("x", value, 3) == 3


@pytest.mark.parametrize("wrong", [True, np.True_, 2.5, "3", None, np.array([3]), float("nan"), float("inf"), [3]])
def test_all_others_are_refused(wrong: Any) -> None:
    with pytest.raises(TypeError):
        integer(wrong)
    with pytest.raises(StreamConfigError, match=r"get\(n\) got .*, wanted a whole number\.\n  Give an int\."):
        whole_number("get(n)", wrong)


def test_the_message_says_what_to_write() -> None:
    for value in (3.0, np.float32(3)):
        with pytest.raises(StreamConfigError, match=r"wanted a whole number of rows of at least 1\.\n  Write 3\."):
            whole_number("x", value, 1, things="rows")
    with pytest.raises(StreamConfigError, match=r"^x got n=-3, wanted a whole number of at least 0\.$"):
        whole_number("x", -3, 0, name="n")


def test_numbers_of_python_and_numpy_become_floats() -> None:
    for value in (3, 3.0, np.float32(3), np.int8(3), np.array(3.0), Fraction(3)):
        found = number("x", value, 3, 3)
        assert type(found) is float
        assert found == 3


@pytest.mark.parametrize(
    "wrong",
    [
        "0.3",
        b"3",
        True,
        np.True_,
        None,
        1j,
        np.complex64(1),
        [1.0],
        np.array([1.0]),
        np.nan,
        -np.inf,
        10**400,
        10**5000,
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_number_is_told(wrong: object) -> None:
    with pytest.raises(StreamConfigError, match=r"^x\(a=\) got .*, wanted a number\.\n  Give a plain number\.$"):
        number("x(a=)", wrong)


def test_bounds_of_a_number_are_told() -> None:
    with pytest.raises(StreamConfigError, match="wanted a number of at least 0"):
        number("x", -1, 0)
    with pytest.raises(StreamConfigError, match="wanted a chance from 0 to 1"):
        number("x", 2, 0, 1, what="a chance")
    with pytest.raises(StreamConfigError, match=r"wanted seconds, more than 0\.\n  Later\."):
        number("x", 0, above=0, what="seconds", advice="Later.")
    with pytest.raises(StreamConfigError, match="more than 1 and at most 2"):
        number("x", 3, above=1, most=2)
