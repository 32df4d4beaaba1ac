"""Streams on sockets that each consumer gets whole: item for item, from any place."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

import headrace as hr
from headrace.testing import check_stream
from headrace.testing import strategies as some
from parallel.left import MARKS
from parallel.served import KEY, alike, deep, each, rows
from support.counts import heavy

pytestmark = MARKS


def test_it_is_a_stream_like_any_other() -> None:
    with each(rows()) as server:
        stream = hr.connect(server.address)
        assert len(stream) == 60
        assert stream.resume == "exact"
        assert "functional" in str(stream)
        report = check_stream(hr.connect(server.address), items=100, processes=False)
        assert "resume" in report.held
    with each(deep()) as server:
        stream = hr.connect(server.address)
        assert stream.resume == "replay"
        assert stream.size == float("inf")
        check_stream(stream, items=40, processes=False)


@settings(max_examples=heavy(1000))
@given(stream=some.streams())
def test_item_for_item_as_inline(stream: hr.Stream[Any]) -> None:
    expected = stream.open(KEY).take(60)
    with each(stream) as server, hr.connect(server.address).open(KEY) as cursor:
        assert alike(cursor.take(60), expected)


def test_ops_over_it_and_laps_of_it() -> None:
    inline = rows(20).seeded(3)
    with each(rows(20)) as server:
        stream = hr.connect(server.address).seeded(3)
        assert alike(list(stream.cycle(50)), list(inline.cycle(50)))
        batches = list(stream | hr.batch(8))
        assert alike(batches, list(inline | hr.batch(8)))
        mixed = hr.ShuffledMux([stream, hr.connect(server.address)], seed=1) | hr.take(20)
        assert alike(list(mixed), list(hr.ShuffledMux([inline, rows(20)], seed=1) | hr.take(20)))


@pytest.mark.parametrize("make", [rows, deep])
def test_it_resumes_anywhere(make: Any) -> None:
    expected = make().open(KEY).take(60)
    chance = random.Random(2)
    with each(make()) as server:
        stream = hr.connect(server.address)
        for _ in range(heavy(1000)):
            cut = chance.randrange(50)
            with stream.open(KEY, at=chance.randrange(cut + 1)) as cursor:
                cursor.take(cut - cursor.position)
                state = json.loads(json.dumps(cursor.state()))
            with stream.open(at=state) as cursor:
                assert cursor.position == cut
                assert alike(cursor.take(8), expected[cut : cut + 8])


def test_a_far_place_is_not_reached_by_drawing() -> None:
    with each(hr.functional(lambda i: i * i, size=10**9)) as server:
        with hr.connect(server.address).open(at=10**8) as cursor:
            assert next(cursor) == 10**16
            assert cursor.skip(10**7) == 10**7
            assert next(cursor) == (10**8 + 10**7 + 1) ** 2
            assert cursor.skip(10**10) == 10**9 - cursor.count + cursor.skip(0) + (10**9 - 10**8 - 10**7 - 2)
            assert cursor.take(3) == []
        assert server.stats().items < 100_000


def test_a_state_of_another_stream_is_refused() -> None:
    with each(rows()) as server, hr.connect(server.address).open(KEY) as cursor:
        cursor.take(3)
        state = cursor.state()
    with each(hr.Streamer(range(9))) as server:
        stream = hr.connect(server.address)
        with stream.open(at=state) as cursor, pytest.raises(hr.StateMismatchError, match="another stream"):
            next(cursor)


def test_what_runs_once_cannot_be_resumed() -> None:
    with each(iter(range(20_000))) as server, hr.connect(server.address).open() as cursor:
        assert cursor.take(5) == [0, 1, 2, 3, 4]
        with pytest.raises(hr.ResumeError):
            cursor.state()


def test_an_empty_stream_and_one_of_empty_items() -> None:
    with each([]) as server:
        assert list(hr.connect(server.address)) == []
    with each([{}, (), None]) as server:
        assert list(hr.connect(server.address)) == [{}, (), None]


def test_items_belong_to_who_draws_them() -> None:
    with each([{"X": np.arange(4.0), "big": np.zeros(100_000)}] * 3) as server:
        for item in hr.connect(server.address):
            item["X"][:] = item["big"][:] = 7
            item["new"] = 1
        assert [item["X"].tolist() for item in hr.connect(server.address)] == [[0, 1, 2, 3]] * 3


def test_through_a_folder_of_ones_own(folder: Path) -> None:
    address = f"ipc://{folder}/s"
    with hr.serve(rows(), address, consumers="each", block=False) as server:
        assert alike(list(hr.connect(server.address).seeded(1)), list(rows().seeded(1)))
    assert not list(folder.iterdir())
    folder.chmod(0o755)
    with pytest.raises(hr.StreamConfigError, match="that others can open"):
        hr.serve(rows(), address, block=False)
    with pytest.raises(hr.StreamConfigError, match="1 to 100 bytes"):
        hr.serve(rows(), "ipc:///" + "x" * 200, block=False)
    with pytest.raises(hr.StreamConfigError, match="cannot be seen"):
        hr.serve(rows(), "ipc:///no/such/folder", block=False)
