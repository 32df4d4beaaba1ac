"""Arrays become tensors: nothing of the caller's can be written to, nothing is copied that need not be."""

from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given

import headrace as hr
from headrace.core.items import leaves
from headrace.testing import strategies
from support.require import require

torch = require("torch")
as_tensors = hr.bridges.torch.as_tensors

KINDS = "?bBhHiIlLqQefdFD"


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_become_tensors_of_their_dtype(kind: str) -> None:
    array = np.ones((2, 3), kind)
    made = as_tensors(array)
    assert isinstance(made, torch.Tensor)
    assert made.numpy().dtype == array.dtype
    assert made.shape == (2, 3)


def test_a_writable_array_shares_its_memory() -> None:
    array = np.zeros((4, 6))
    for view in (array, array[::2], array[:, 1:3], array.T, np.asfortranarray(array)):
        assert np.shares_memory(as_tensors(view).numpy(), view)


def test_a_read_only_array_is_copied() -> None:
    array = np.zeros((4, 6))
    array.flags.writeable = False
    as_tensors(array).fill_(7)
    as_tensors(np.broadcast_to(np.zeros(3), (2, 3))).fill_(7)
    assert not array.any()


def test_a_row_of_a_source_cannot_be_written_through() -> None:
    data = np.zeros((3, 2))
    for item in hr.bridges.torch.dataset(hr.source({"X": data})):
        item["X"] += 1
    assert not data.any()


@pytest.mark.parametrize(
    "array",
    [
        pytest.param(np.arange(6)[::-1], id="backwards"),
        pytest.param(np.arange(6, dtype=">i4"), id="big-endian"),
        pytest.param(np.zeros(3, [("a", "i1"), ("b", "f8")])["b"], id="steps of no whole element"),
        pytest.param(np.frombuffer(bytearray(b"\0" * 17), "f8", offset=1), id="unaligned"),
        pytest.param(np.zeros((0, 3)), id="empty"),
        pytest.param(np.array(5.0), id="no axes"),
    ],
)
def test_whatever_the_layout_the_values_are_the_same(array: Any) -> None:
    made = as_tensors(array)
    assert isinstance(made, torch.Tensor)
    np.testing.assert_array_equal(made.numpy(), array)


@pytest.mark.parametrize(
    "leaf",
    [
        np.array(["a", "b"]),
        np.array([b"a"]),
        np.array([None]),
        np.array(["2026-01-01"], "M8[D]"),
        np.array([1], "m8[s]"),
        np.zeros(2, [("a", "i4")]),
        np.zeros(2, np.longdouble),
        np.ma.masked_array([1, 2], [True, False]),
        np.str_("a"),
        np.datetime64("2026-01-01"),
        "text",
        3,
        2.5,
        None,
    ],
    ids=repr,
)
def test_what_has_no_tensor_stays(leaf: Any) -> None:
    assert as_tensors(leaf) is leaf


Pair = namedtuple("Pair", ["a", "b"])


@dataclass
class Sample:
    signal: Any
    label: int


def test_structure_is_kept() -> None:
    a = np.arange(3.0)
    item = {"deep": ({"X": a}, "text"), "pair": Pair(a, 1), "sample": Sample(a, 2), "list": [a, 3], "number": a[1]}
    made = as_tensors(item)
    assert type(made) is dict
    assert type(made["deep"]) is tuple
    assert isinstance(made["deep"][0]["X"], torch.Tensor)
    assert made["deep"][1] == "text"
    assert type(made["pair"]) is Pair
    assert type(made["sample"]) is Sample
    assert made["sample"].label == 2
    assert [type(part) for part in made["list"]] == [torch.Tensor, int]
    assert made["number"].shape == ()
    assert made["number"].dtype == torch.float64
    assert item["deep"][0]["X"] is a, "the item is left as it was"


def test_a_batch_stays_one() -> None:
    made = as_tensors(hr.Batch(X=np.zeros((3, 2)), id=np.arange(3)))
    assert type(made) is hr.Batch
    assert made.n == 3


@given(strategies.items())
def test_any_item_keeps_its_paths_and_values(item: Any) -> None:
    made = as_tensors(item)
    before, after = leaves(item), leaves(made)
    assert [path for path, _ in before] == [path for path, _ in after]
    for (_, old), (_, new) in zip(before, after, strict=True):
        if isinstance(new, torch.Tensor):
            np.testing.assert_array_equal(new.numpy(), np.asarray(old))
        else:
            assert new is old or isinstance(old, list)
