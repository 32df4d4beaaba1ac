"""Blocks made of rows, batches and blocks."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import headrace as hr
from headrace.core.block import Block, Pace
from headrace.core.items import same
from headrace.errors import DataError, StreamConfigError
from headrace.ops.blocks import Blocks, blocks
from headrace.ops.rebatch import rows
from headrace.testing import check_stream

ROWS = [{"timestamp": i / 10, "x": i, "v": [i, -i]} for i in range(25)]
SLOW = Pace(Fraction(5, 2), Fraction(1))


def recorded(sizes: list[int]) -> tuple[list[Block], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return blocks of those sizes, with a column at a slower pace, and both columns whole."""
    n = sum(sizes)
    x, y, times = np.arange(n) * 1.5, np.arange(SLOW.rows_before(n)) * 10.0, np.arange(n) / 10
    made, at = [], 0
    for size in sizes:
        a, b = SLOW.rows_before(at), SLOW.rows_before(at + size)
        columns = {"x": x[at : at + size], "y": y[a:b]}
        before = times[at - 1].item() if at else None
        part = times[at : at + size]
        made.append(Block.of(columns, at, size, 10.0, {"y": SLOW}, {"y": Fraction(1)}, part, before))
        at += size
    return made, x, y


@pytest.mark.parametrize("n", [1, 4, 25, 100])
def test_rows_make_blocks_of_n_of_which_the_last_may_be_short(n: int) -> None:
    made = list(ROWS | blocks(n, rate=10.0))
    assert [block.n for block in made] == [n] * (25 // n) + [25 % n] * (25 % n > 0)
    assert [block.first for block in made] == list(range(0, 25, n))
    assert all(type(block) is Block and block.rate == 10.0 for block in made)
    assert np.concatenate([block["v"] for block in made]).tolist() == [row["v"] for row in ROWS]
    assert np.concatenate([block.timestamps("x") for block in made]).tolist() == [i / 10 for i in range(25)]


@given(sizes=st.lists(st.integers(0, 9), max_size=12), n=st.integers(1, 11))
def test_batches_and_blocks_are_cut_anew(sizes: list[int], n: int) -> None:
    ends = np.cumsum(sizes).tolist()
    parts = [np.arange(end - size, end) for size, end in zip(sizes, ends, strict=True)]
    for make in (lambda x: hr.Batch(x=x), lambda x: Block({"x": x})):
        made = list([make(part) for part in parts] | blocks(n))
        assert [block["x"].tolist() for block in made] == [
            list(range(a, min(a + n, sum(sizes)))) for a in range(0, sum(sizes), n)
        ]


@given(sizes=st.lists(st.integers(0, 9), max_size=12), n=st.integers(1, 11))
def test_a_slower_column_stays_with_its_rows(sizes: list[int], n: int) -> None:
    given_, x, y = recorded(sizes)
    made = list(given_ | blocks(n))
    assert sum(block.n for block in made) == len(x)
    for block in made:
        rows_of_y = block.numbers("y")
        assert block["y"].tolist() == y[rows_of_y.start : rows_of_y.stop].tolist()
        assert block["x"].tolist() == x[block.first : block.first + block.n].tolist()
        wanted = [float(SLOW.row(k)) / 10 for k in rows_of_y]
        assert np.allclose(block.timestamps("y"), wanted)
        assert (block.rate, block.latency("y")) == (10.0, Fraction(1))


def test_the_number_of_the_first_row_can_be_said_and_is_that_of_the_source_otherwise() -> None:
    assert [block.first for block in ROWS | blocks(10, first=100)] == [100, 110, 120]
    later = [Block({"x": np.arange(5)}, first=30), Block({"x": np.arange(5)}, first=35)]
    assert [block.first for block in later | blocks(4)] == [30, 34, 38]


def test_a_pass_goes_on_from_its_state_within_a_block_of_several_paces() -> None:
    given_, _, _ = recorded([7, 0, 9, 4, 10])
    stream = given_ | blocks(4)
    wanted = list(stream)
    for k in range(len(wanted)):
        with stream.open() as cursor:
            cursor.take(k)
            state = cursor.state()
        found = list(stream.open(at=state))
        assert all(map(same, found, wanted[k:]))
        assert [b.first for b in found] == [b.first for b in wanted[k:]]
        assert all(map(same, [b.timestamps("y") for b in found], [b.timestamps("y") for b in wanted[k:]]))


def test_the_laws() -> None:
    assert "resume" in check_stream(ROWS | blocks(4), processes=False).held
    assert "resume" in check_stream(hr.Streamer(ROWS) | hr.batch(6) | blocks(4), processes=False).held


def test_sizes_are_known_where_those_of_the_source_are() -> None:
    assert (hr.Streamer(range(10)) | hr.map(_row) | hr.batch(3) | blocks(4)).size == 3
    assert (hr.Streamer(ROWS) | blocks(4)).size is None


def _row(i: int) -> dict[str, int]:
    return {"x": i}


def test_rows_undoes_it() -> None:
    made = list(ROWS | blocks(4) | rows())
    assert [row["x"] for row in made] == list(range(25))
    with pytest.raises(DataError, match="one length"):
        list(recorded([9])[0] | rows())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((0,), "blocks\\(n\\)"), ((3, 0.0), "rate="), ((3, True), "rate="), ((3, None, 1.5), "first=")],
)
def test_arguments_that_cannot_be_used(arguments: Any, message: str) -> None:
    with pytest.raises(StreamConfigError, match=message):
        blocks(*arguments)


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([1, 2], "wanted rows, which are dicts"),
        ([{"x": {"y": 1}}], "no columns inside columns"),
        ([hr.Batch(x=np.zeros(2)), hr.Batch(y=np.zeros(2))], "cannot join blocks"),
        ([hr.Batch(x=np.zeros(2)), hr.Batch(x=np.zeros((2, 3)))], "column 'x'"),
        ([*recorded([3])[0], *recorded([3])[0]], "begins with row 0, wanted row 3"),
    ],
)
def test_what_makes_no_block(items: list[Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        list(Blocks(hr.Streamer(items), 4))


def test_an_item_that_is_no_row_can_be_skipped() -> None:
    with (hr.Streamer([{"x": 0}, 5, {"x": 2}]) | blocks(2)).open() as cursor:
        with pytest.raises(DataError):
            next(cursor)
        cursor.skip(1)
        assert next(cursor)["x"].tolist() == [0, 2]


def test_held_rows_that_came_at_once_go_on_from_a_state() -> None:
    bursts = Pace(Fraction(8), Fraction(7), 4)
    source = [
        Block({"x": np.arange(16) + 16 * i, "y": np.arange(8) + 8 * i}, first=16 * i, paces={"y": bursts})
        for i in range(3)
    ]
    stream = hr.Streamer(source) | blocks(7)
    wanted = [(block["y"].tolist(), block.paces, block.first) for block in stream]
    for at in range(len(wanted) + 1):
        cursor = stream.open()
        cursor.take(at)
        found = [(block["y"].tolist(), block.paces, block.first) for block in stream.open(at=cursor.state())]
        assert found == wanted[at:], at


def test_a_message_tells_rows_that_come_at_once() -> None:
    one = Block({"x": np.arange(8), "y": np.arange(4)}, paces={"y": Pace(Fraction(8), Fraction(7), 4)})
    two = Block({"x": np.arange(8), "y": np.arange(1)}, first=8, paces={"y": Pace(Fraction(8), Fraction(7))})
    with pytest.raises(DataError, match=r"y \(every 8 from 7 on, 4 at once\)"):
        list(hr.Streamer([one, two]) | blocks(9))
