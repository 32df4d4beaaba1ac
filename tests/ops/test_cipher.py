"""Orders of the cipher against what is known of random permutations, and that they are permutations at all.

A statistic gives p-values. Seeds are fixed, so a test fails always or never: had they been chosen at random, each p
below 1e-6 would be a false alarm once in a million, and the whole file one in about 250. NumPy's own
permutations go through the same statistics, so that a wrong formula here does not pass for a fault there.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import comb, factorial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from headrace.ops.cipher import permuted
from support.counts import heavy

Ints = NDArray[np.int64]
SIZES = [2, 3, 4, 5, 6, 7, 8, 12, 16, 31, 64, 65, 100, 128, 257, 1000]
EDGES = sorted({max(1, 2**k + d) for k in range(12) for d in (-1, 0, 1)} | {3, 5, 6, 7, 100, 1000, 4000})
HUGE = [2**16 + 1, 10**6 + 3, 2**20 + 1, 10**9, 2**31 + 1, 2**40 + 3, 2**53 - 1, 2**61 + 1, 2**62 - 1, 2**62]
KEY = np.array([0x0123456789ABCDEF, 0xFEDCBA9876543210], np.uint64)
ALARM = 1e-6
PINNED = {
    5: [3, 0, 1, 1000000000004, 1000000000002],
    64: [60, 39, 35, 1000000000021, 1000000000063],
    65: [53, 41, 45, 999999999976, 999999999969],
    1000: [644, 874, 314, 1000000000415, 1000000000845],
    2**31 + 1: [486082793, 543899269, 2039145634, 999639935506, 1000039272177],
    2**62: [1744824345414682636, 4481771358946084825, 4532786072745051035, 4038651472500571272, 1690102034372333412],
}
ELEMENTS = heavy(2_500_000)  # in the orders of one test


# ------------------------------------------------------------------------------------------------ orders to look at
def orders(kind: str, n: int, count: int) -> Ints:
    """Return `count` orders of [0, n), one a row."""
    rng = np.random.default_rng([n, count])
    number = np.arange(count, dtype=np.uint64)
    if kind == "numpy":
        return rng.permuted(np.tile(np.arange(n), (count, 1)), axis=1)
    if kind == "laps":
        laps = np.arange(count * n, dtype=np.int64)
        return (permuted(KEY, n, laps) - laps // n * n).reshape(count, n)
    if kind == "keys":
        words = rng.integers(0, 2**64, (2, count), dtype=np.uint64)
    elif kind == "consecutive":
        words = np.stack([number >> np.uint64(8), number & np.uint64(255)])
    else:  # keys at most two bits from one
        masks = np.array([0] + [1 << i for i in range(64)], np.uint64)
        words = KEY[:, None] ^ np.stack([masks[number // 65 % 65], masks[number % 65]])
        again = (number // 65**2).astype(np.int64)  # all are used up: further laps
        index = (again[:, None] * n + np.arange(n)).ravel()
        return (permuted(np.repeat(words, n, axis=1), n, index) - np.repeat(again, n) * n).reshape(count, n)
    return permuted(np.repeat(words, n, axis=1), n, np.tile(np.arange(n), count)).reshape(count, n)


# ------------------------------------------------------------------------------------------------ statistics
def chi_square(seen: NDArray[Any], chances: Any) -> float:
    """Return the p-value of independent observations in cells; the rarest cells are joined until 8 are expected."""
    expected = np.broadcast_to(np.asarray(chances, float), seen.shape) * seen.sum()
    rarest_first = np.argsort(expected)
    joined = int(np.searchsorted(np.cumsum(expected[rarest_first]), 8)) + 1
    starts = [0, *range(joined, seen.size)]
    seen, expected = (np.add.reduceat(v[rarest_first], starts) for v in (seen, expected))
    return two_sided(float(((seen - expected) ** 2 / expected).sum()), seen.size - 1)


def two_sided(square: float, freedom: int) -> float:
    """Return the p-value of a chi-square that is too large, or, where there are many cells, too small."""
    if freedom < 1:
        return 1.0
    above: float = stats.chi2.sf(square, freedom)
    return above if freedom < 10 else 2 * min(above, stats.chi2.cdf(square, freedom))


def mean_is(values: NDArray[Any], wanted: float) -> float:
    """Return the p-value of a mean of many independent values, their spread taken from themselves."""
    spread = values.std(ddof=1) / np.sqrt(values.size)
    if spread == 0:
        return 1.0 if values[0] == wanted else 0.0
    return float(2 * stats.norm.sf(abs(values.mean() - wanted) / spread))


def p_every_order(o: Ints) -> float:
    """All n! orders are equally likely."""
    n = o.shape[1]
    rank = np.zeros(len(o), np.int64)
    for i in range(n):
        rank = rank * (n - i) + (o[:, i + 1 :] < o[:, i : i + 1]).sum(axis=1)
    return chi_square(np.bincount(rank, minlength=factorial(n)), 1 / factorial(n))


def p_matches(matches: Ints, n: int) -> float:
    """Places where two orders agree (one of them may be the identity): the rencontres numbers."""
    most = min(n, 12)  # beyond, the chance is below 1e-9
    derangements = [1, 0]
    for k in range(2, n + 1):
        derangements.append((k - 1) * (derangements[-1] + derangements[-2]))
    chances = [comb(n, k) * derangements[n - k] / factorial(n) for k in range(most + 1)]
    return chi_square(np.bincount(np.minimum(matches, most), minlength=most + 1), chances)


def p_inversions(o: Ints) -> Iterator[float]:
    """Pairs out of order: their mean, their variance (Knuth, TAOCP 5.1.1), for small n their distribution."""
    n = o.shape[1]
    o = o[: max(100, 100 * ELEMENTS // n**2)].astype(np.int16)
    found = np.zeros(len(o), np.int64)
    for i in range(n - 1):
        found += (o[:, i + 1 :] < o[:, i : i + 1]).sum(axis=1)
    middle, variance = n * (n - 1) / 4, n * (n - 1) * (2 * n + 5) / 72
    yield mean_is(found, middle)
    if n > 2:
        yield mean_is((found - middle) ** 2, variance)
    if n <= 16:
        polynomial = np.ones(1)
        for k in range(1, n + 1):
            polynomial = np.convolve(polynomial, np.full(k, 1 / k))
        yield chi_square(np.bincount(found, minlength=polynomial.size), polynomial)


def p_neighbours(o: Ints) -> Iterator[float]:
    """Where two elements a given distance apart go: all cells for small n; how often a small distance comes out."""
    count, n = o.shape
    if 2 < n <= 16:
        i = np.arange(count) % (n - 1)  # one pair of each order: independent observations
        a, b = o[np.arange(count), i], o[np.arange(count), i + 1]
        yield chi_square(np.bincount(a * (n - 1) + b - (b > a), minlength=n * (n - 1)), 1 / (n * (n - 1)))
    wide = 2 ** (n.bit_length() // 2)  # neighbours of the grid inside
    lags = sorted({lag for lag in (1, 2, wide - 1, wide, wide + 1) if lag < n})
    for lag in lags:
        moved = o[:, lag:] - o[:, :-lag]
        for d in sorted({s * x for x in (*lags, n // 2) for s in (-1, 1)}):
            if n > 2:
                yield mean_is((moved == d).sum(axis=1), (n - lag) * (n - abs(d)) / (n * (n - 1)))


def p_places(o: Ints) -> float:
    """Every element goes to every place equally often. A count is a sum of permutation matrices, whose covariance is
    that of a product of two centred spaces over n - 1: hence the factor and the degrees of freedom."""
    count, n = o.shape
    seen = np.bincount((np.arange(n) * n + o).ravel(), minlength=n * n)
    square = ((seen - count / n) ** 2).sum() / (count / n)
    return two_sided(float(square) * (n - 1) / n, (n - 1) ** 2)


def p_sign(o: Ints) -> float:
    """Half of the orders are even. A cipher of xors, or one of an odd grid, would make even ones only."""
    count, n = o.shape
    cycles, seen = np.zeros(count, np.int64), np.zeros((count, n), bool)
    rows, at = np.arange(count), np.zeros(count, np.int64)
    for _ in range(n):
        seen[rows, at] = True
        at = o[rows, at]
        closed = seen[rows, at]
        cycles += closed
        at = np.where(closed, seen.argmin(axis=1), at)
    return chi_square(np.bincount((n - cycles) % 2, minlength=2), 0.5)


def p_pairs(o: Ints) -> Iterator[float]:
    """Two orders of one after the other: they agree as often as independent ones, and do not correlate."""
    n = o.shape[1]
    a, b = o[0 : len(o) // 2 * 2 : 2], o[1::2]
    yield p_matches((a == b).sum(axis=1), n)
    yield p_matches((np.take_along_axis(a, b, axis=1) == np.arange(n)).sum(axis=1), n)
    centred = (a - (n - 1) / 2) * (b - (n - 1) / 2)
    yield mean_is(centred.sum(axis=1), 0.0)


def p_values(o: Ints) -> Iterator[tuple[str, float]]:
    n = o.shape[1]
    if n <= 6:
        yield "every order", p_every_order(o)
    yield "fixed points", p_matches((o == np.arange(n)).sum(axis=1), n)
    yield from (("inversions", p) for p in p_inversions(o))
    yield from (("neighbours", p) for p in p_neighbours(o))
    if n <= 128:
        yield "places", p_places(o)
    if n <= 257:
        yield "sign", p_sign(o[: max(100, 20 * ELEMENTS // n**2)])
    yield from (("pairs", p) for p in p_pairs(o))


def how_many(n: int) -> int:
    return min(max(ELEMENTS // n, 400), heavy(500_000))


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("kind", ["numpy", "keys", "laps", "consecutive", "bits"])
def test_orders_look_random(kind: str, n: int) -> None:
    o = orders(kind, n, how_many(n))
    assert np.array_equal(np.sort(o, axis=1), np.broadcast_to(np.arange(n), o.shape))
    worst = min(p_values(o), key=lambda named: named[1])
    assert worst[1] > ALARM, worst


# ------------------------------------------------------------------------------------------------ exactness
@pytest.mark.parametrize("n", EDGES)
def test_every_lap_is_a_permutation(n: int) -> None:
    laps, first = 1 + heavy(200) // (1 + n // 100), 10**9  # far laps too
    index = np.arange(first * n, (first + laps) * n, dtype=np.int64)
    before = index.copy()
    out = permuted(KEY, n, index).reshape(laps, n)
    assert np.array_equal(np.sort(out, axis=1), index.reshape(laps, n))
    assert np.array_equal(index, before)
    if n >= 16:  # two orders of 16 agree once in 2 * 10**13
        assert not (out[0] - first * n == permuted(KEY, n, np.arange(n))).all()


@pytest.mark.parametrize("n", HUGE)
def test_a_huge_size_gives_nothing_twice_and_nothing_outside(n: int) -> None:
    most, rng = min(n, heavy(2_000_000)), np.random.default_rng(n % 2**32)
    scattered = np.unique(rng.integers(0, n, most // 2))
    ends = np.concatenate([np.arange(most // 4), np.arange(n - most // 4, n)])
    for index in (scattered, ends):
        out = permuted(KEY, n, index)
        assert out.dtype == np.int64
        assert out.min() >= 0
        assert out.max() < n
        assert np.unique(out).size == index.size
        # 64 cells of equal width; the first half and the low bits likewise: chi-square, p > 1e-6
        assert chi_square(np.bincount((out // (n // 64 + 1)).astype(int), minlength=64), cells(n)) > ALARM
        assert chi_square(np.bincount(out % 64, minlength=64), 1 / 64) > ALARM


def cells(n: int) -> list[float]:
    width = n // 64 + 1
    return [(min(n, (i + 1) * width) - min(n, i * width)) / n for i in range(64)]


@pytest.mark.parametrize("n", [2, 64, 65, 1000, 2**31 + 1, 2**61 + 1])
def test_the_last_lap_below_2_to_the_62_works(n: int) -> None:
    lap = 2**62 // n - 1
    index = lap * n + np.arange(min(n, 1000), dtype=np.int64)
    out = permuted(KEY, n, index)
    assert (out // n == lap).all()
    assert np.unique(out).size == index.size


def test_one_element_stays_and_none_is_none() -> None:
    index = np.array([0, 5, 2**62 - 1])
    assert np.array_equal(permuted(KEY, 1, index), index)
    empty = np.empty(0, np.int64)
    for out in (permuted(KEY, 7, empty), permuted(np.empty((2, 0), np.uint64), empty, empty)):
        assert out.dtype == np.int64
        assert out.shape == (0,)


def test_the_inputs_stay_as_they_are() -> None:
    words, n, index = np.stack([KEY, KEY, KEY], axis=1), np.array([5, 500, 10**9]), np.array([4, 1000, 3])
    for array in (words, n, index):
        array.flags.writeable = False
    permuted(words, n, index)
    permuted(words[:, 0], 500, index)


def test_the_numbers_are_those_of_every_machine_and_version() -> None:
    # A change here changes everybody's orders: it needs a reason and a line in changes/.
    index = np.array([0, 1, 2, 10**12, 10**12 + 1])
    assert {n: permuted(KEY, n, index).tolist() for n in (5, 64, 65, 1000, 2**31 + 1, 2**62)} == PINNED


def test_both_halves_of_the_key_the_lap_and_the_size_matter() -> None:
    for n in (64, 1000, 10**9):  # two orders agree in all of 64 places once in 10**89 at n = 64
        index = np.arange(64)
        seen = [permuted(KEY ^ np.array(flip, np.uint64), n, index) for flip in ([0, 0], [1, 0], [0, 1], [0, 2**63])]
        seen += [permuted(KEY[::-1], n, index), permuted(KEY, n, index + n) - n]
        assert len({tuple(out.tolist()) for out in seen}) == len(seen)


# ------------------------------------------------------------------------------------------------ one value a position
SIZE = st.one_of(st.integers(1, 130), st.integers(1, 2**62), st.sampled_from(sorted({*EDGES, *HUGE})))
WORD = st.integers(0, 2**64 - 1)


@st.composite
def positions(draw: st.DrawFn, n: int) -> Ints:
    """Runs and scattered positions, of few laps and of many."""
    found: list[int] = []
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.one_of(st.integers(0, min(2**62, 3 * n)), st.integers(0, 2**62 - 400)))
        found += range(start, min(2**62, start + draw(st.integers(1, 200))))
    if draw(st.booleans()):
        draw(st.randoms(use_true_random=False)).shuffle(found)
    return np.array(found, np.int64)


@given(st.data(), SIZE, WORD, WORD)
def test_cuts_and_order_change_nothing(data: st.DataObject, n: int, first: int, second: int) -> None:
    words, index = np.array([first, second], np.uint64), data.draw(positions(n))
    whole = permuted(words, n, index)
    assert np.array_equal(whole // n, index // n)
    cuts = sorted(data.draw(st.lists(st.integers(0, index.size), max_size=4)))
    assert np.array_equal(np.concatenate([permuted(words, n, part) for part in np.split(index, cuts)]), whole)
    order = np.array(data.draw(st.permutations(range(index.size))))
    assert np.array_equal(permuted(words, n, index[order]), whole[order])


@given(st.data(), st.lists(st.tuples(SIZE, WORD, WORD), min_size=1, max_size=5))
def test_a_key_and_a_size_for_every_position(data: st.DataObject, members: list[tuple[int, int, int]]) -> None:
    parts = [(n, np.array(words, np.uint64), data.draw(positions(n))) for n, *words in members]
    wanted = np.concatenate([permuted(words, n, index) for n, words, index in parts])
    sizes = np.concatenate([np.full(index.size, n) for n, _, index in parts])
    keys = np.concatenate([np.repeat(words[:, None], index.size, axis=1) for _, words, index in parts], axis=1)
    index = np.concatenate([index for *_, index in parts])
    assert np.array_equal(permuted(keys, sizes, index), wanted)
    order = np.array(data.draw(st.permutations(range(index.size))))
    assert np.array_equal(permuted(keys[:, order], sizes[order].astype(np.uint64), index[order]), wanted[order])
    n, words, _ = parts[0]
    assert np.array_equal(permuted(keys, n, index), permuted(keys, np.full(index.size, n), index))
    assert np.array_equal(
        permuted(words, sizes, index), permuted(np.repeat(words[:, None], index.size, 1), sizes, index)
    )


@pytest.mark.parametrize("n", [3, 64, 65, 1000, 10**6])
def test_longer_than_a_block(n: int) -> None:
    index = np.random.default_rng(n).integers(0, 50 * n, 40_000)
    whole = permuted(KEY, n, index)
    assert np.array_equal(np.concatenate([permuted(KEY, n, part) for part in np.array_split(index, 7)]), whole)
    assert np.array_equal(permuted(np.repeat(KEY[:, None], index.size, 1), np.full(index.size, n), index), whole)
