"""What counts as a whole number: one rule for all rooms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from headrace.core.checks import integer, whole_number
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
