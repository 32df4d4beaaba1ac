"""Every item once, in an order of its own for each seed and each lap."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.testing import check_op
from support.counts import heavy


def numbers(n: int = 100) -> Any:
    return hr.source(np.arange(n))


@pytest.mark.parametrize("n", [0, 1, 2, 3, 5, 64, 100, 1023, 1025])
def test_every_item_once(n: int) -> None:
    stream = numbers(n) | hr.permute()
    for seed in range(5):
        assert sorted(stream.seeded(seed)) == list(range(n))
    assert len(stream) == n


def orders(stream: Any, seed: int, epochs: int, n: int) -> Any:
    return stream.block(hr.Key(seed), 0, epochs * n).reshape(epochs, n)


def test_no_two_epochs_of_any_seeds_are_alike() -> None:
    """10 000 pairs (seed, epoch): epoch e + 1 of seed s is not epoch e of seed s + 1, nor any other."""
    n, seeds, epochs = 40, 100, max(10, heavy(100 * 50) // 10)
    stream = numbers(n) | hr.permute() | hr.repeat()
    found = {
        order.tobytes(): (seed, epoch)
        for seed in range(seeds)
        for epoch, order in enumerate(orders(stream, seed, 100, n))
    }
    assert len(found) == seeds * 100
    assert epochs


def test_laps_are_independent() -> None:
    """Where an item stands in one lap says nothing of the next: as many fixed points as chance gives, one a lap."""
    n, laps = 30, 400
    found = orders(numbers(n) | hr.permute() | hr.repeat(), 3, laps, n)
    assert (np.sort(found, axis=1) == np.arange(n)).all()
    fixed = (found[1:] == found[:-1]).sum(1)
    assert 0.7 < fixed.mean() < 1.3
    together = Counter((found[:, 0] * n + found[:, 1]).tolist())
    assert max(together.values()) <= 6, "no pair at the front again and again"
    front = np.bincount(found[:, 0], minlength=n)
    assert front.min() >= 2
    assert front.max() <= 32


def test_seeds_next_to_each_other_are_independent() -> None:
    n = 30
    found = np.array([orders(numbers(n) | hr.permute(), seed, 1, n)[0] for seed in range(300)])
    fixed = (found[1:] == found[:-1]).sum(1)
    assert 0.7 < fixed.mean() < 1.3


def test_parts_cover_an_epoch() -> None:
    stream = (numbers(101) | hr.permute() | hr.repeat(3)).seeded(5)
    for n in (2, 3, 7):
        parts = [list(stream.shard(i, n)) for i in range(n)]
        assert [parts[k % n][k // n] for k in range(303)] == list(stream)


def test_it_needs_numbers_and_an_end() -> None:
    with pytest.raises(hr.StreamConfigError, match=r"no numbers, because of streamer.*\n.*hr.shuffle"):
        hr.Streamer(range(5)) | hr.map(abs) | hr.permute()
    with pytest.raises(hr.StreamConfigError, match=r"permute\(\) \| repeat\(\)"):
        numbers() | hr.repeat() | hr.permute()
    with pytest.raises(hr.StreamConfigError, match="2\\*\\*62"):
        hr.functional(lambda i: i) | hr.permute()


def test_of_huge_streams() -> None:
    stream = (hr.functional(lambda i: i, size=10**15) | hr.permute()).seeded(1)
    assert len({stream[i] for i in range(100)}) == 100
    assert stream[10**15 - 1] < 10**15


def test_a_new_op_below_or_above_changes_no_order() -> None:
    plain = list((numbers() | hr.permute()).seeded(3))
    assert list((numbers() | hr.permute() | hr.map(int)).seeded(3)) == plain
    assert np.concatenate(list((numbers() | hr.permute() | hr.batch(7)).seeded(3))).tolist() == plain
    assert list((numbers() | hr.permute() | hr.take(20)).seeded(3)) == plain[:20]


def test_the_laws() -> None:
    report = check_op(hr.permute(), numbers(40), ahead=None, processes=False)
    assert "a failed item by number" in report.held


def test_a_seed_of_its_own() -> None:
    stream = hr.source(range(20)) | hr.permute(seed=3)
    assert list(stream) == list(stream) == [stream[i] for i in range(20)]
    assert list(stream) != list(hr.source(range(20)) | hr.permute(random_state=4))


@pytest.mark.parametrize("n", [3, 100, 5000])
def test_reads_in_any_pieces_are_the_items(n: int) -> None:
    """Places are found ahead while reads follow each other: across laps, after jumps and back."""
    stream = (numbers(n) | hr.permute() | hr.repeat()).seeded(5)
    expected: Any = stream[: 4 * 5000]
    with stream.open() as cursor:
        for step in (1, 7, 2, 300, 1, 2000, 3, 5000):
            assert cursor.read(step).tolist() == expected[cursor.position - step : cursor.position].tolist()
        state = cursor.state()
        assert cursor.skip(40) == 40
        assert next(cursor) == expected[cursor.position - 1]
        assert cursor.read(500).tolist() == expected[cursor.position - 500 : cursor.position].tolist()
        cursor.restore(state)
        assert cursor.read(90).tolist() == expected[cursor.position - 90 : cursor.position].tolist()


def test_batches_of_a_permuted_list_are_those_of_its_items() -> None:
    rows: list[Any] = [{"X": np.full(3, i), "y": i} for i in range(70)]
    stream = (hr.source(rows) | hr.permute() | hr.repeat()).seeded(2)
    items, batches = list(stream(200)), list((stream | hr.batch(40))(5))
    assert [y for batch in batches for y in batch["y"].tolist()] == [item["y"] for item in items]
    assert np.array_equal(np.concatenate([batch["X"] for batch in batches]), [item["X"] for item in items])
    batches[0]["X"][:] = -1
    assert rows[0]["X"].tolist() == [0, 0, 0]
