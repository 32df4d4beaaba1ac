"""Numbers of classes: those that there are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.trees import LabelDecoder, LabelEncoder


def test_a_decoder_takes_what_the_encoder_gives() -> None:
    names = ["cat", "dog"]
    encode, decode = LabelEncoder(names), LabelDecoder(names)
    assert [decode(encode(name)) for name in names] == names
    assert decode(np.float32(1.0)) == decode(np.array([1])) == decode(1) == "dog"


@pytest.mark.parametrize(
    "number", [-1, 1.9, 2, True, "x", None, float("nan"), float("inf"), np.array([0, 1]), np.True_]
)
def test_a_decoder_refuses_what_is_no_number_of_a_class(number: Any) -> None:
    with pytest.raises(hr.DataError, match=r"from 0 to 1\.\n  Give") as caught:
        LabelDecoder(["cat", "dog"])(number)
    assert isinstance(caught.value, IndexError), "as documented"
