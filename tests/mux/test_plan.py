"""The addressable mix: exact however it is asked, and random as an i.i.d. sequence is.

False alarms: every random claim is z tests at |z| < 5.5 (4e-8) and chi-square tests at p > 1e-7, about 1000 in all:
fewer than 1 run in 5000 is a false alarm. Where few terms leave a statistic skewed its bound is wider, and says so. Seeds are fixed: a run that passes goes on passing.
"""

from __future__ import annotations

import tracemalloc
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from headrace.core import Key
from headrace.mux.counts import LEAF
from headrace.mux.descent import START
from headrace.mux.pieces import EDGES, LAST
from headrace.mux.plan import Plan
from support.counts import heavy

Array = np.ndarray[Any, np.dtype[Any]]
SEEDS = heavy(2000)  # 40 in the suite
ITEMS = 1 << LEAF  # of a leaf
FAR = (0, EDGES[1] - 4000, 2**29 - 5000, 10**9, 10**12)
Z = 5.5


def even(k: int) -> Array:
    return np.full(k, 1 / k)


def uneven(k: int) -> Array:
    """Shares from about 1 down to 1e-6 of the largest, in a mixed order."""
    weights = np.random.default_rng(k).permutation(10.0 ** -np.linspace(0, 6, k))
    return np.asarray(weights / weights.sum())


def mild(k: int) -> Array:
    weights = np.random.default_rng(k).uniform(1, 4, k)
    return np.asarray(weights / weights.sum())


MIXES = [make(k) for k in (2, 3, 10, 65, 1000) for make in (even, uneven)]
MIX_NAMES = [f"{name}-{k}" for k in (2, 3, 10, 65, 1000) for name in ("even", "uneven")]
mixes = pytest.mark.parametrize("weights", MIXES, ids=MIX_NAMES)


def plan(weights: Array, seed: int = 7) -> Plan:
    return Plan([(0, weights)], Key(seed))


def drawn(weights: Array, n: int, seeds: int = SEEDS) -> Array:
    """Members of n positions somewhere, per seed: (seeds, n)."""
    starts = [FAR[s // 2 % len(FAR)] + 13 * (s // 2) for s in range(seeds)]  # two keys at each place
    return np.array([plan(weights, s).span(lo, lo + n)[0] for s, lo in enumerate(starts)])


def chi2_p(counts: Array, shares: Array) -> float:
    """The p-value of counts against shares; rare kinds are taken together until 20 are expected."""
    expected = shares * counts.sum()
    order = expected.argsort(kind="stable")
    group, groups = 0.0, []
    for kind in order.tolist():
        group += expected[kind]
        groups.append(group >= 20)
        if groups[-1]:
            group = 0.0
    assert any(groups), "too few draws to say anything"
    ends = np.flatnonzero(groups)
    ends[-1] = len(order) - 1  # what is left over joins the last
    starts = np.concatenate([[0], ends[:-1] + 1])
    found, wanted = np.add.reduceat(counts[order], starts), np.add.reduceat(expected[order], starts)
    if len(found) == 1:
        return 1.0
    return float(stats.chi2.sf(((found - wanted) ** 2 / wanted).sum(), len(found) - 1))


def z_of_agreement(same: Array, weights: Array, overlapping: bool) -> float:
    """z of how often two draws agree, for each i of an i.i.d. sequence with one draw later on (overlapping) or not."""
    s2, s3 = (weights**2).sum(), (weights**3).sum()
    variance = s2 - s2**2 + (2 * (s3 - s2**2) if overlapping else 0)
    return float((same.sum() - same.size * s2) / np.sqrt(same.size * variance + 1e-9))


# ---------------------------------------------------------------------------------------------- randomness


@mixes
def test_choices_are_independent_and_follow_the_weights(weights: Array) -> None:
    """P(the same member again lag positions on) is the sum of squared weights, and so it is under the next key."""
    members = drawn(weights, 24 * ITEMS)
    assert chi2_p(np.bincount(members.ravel(), minlength=len(weights)), weights) > 1e-7
    for lag in (1, 2, 3, 64, ITEMS // 2, ITEMS, 8 * ITEMS):
        same = members[:, lag:] == members[:, :-lag]
        assert abs(z_of_agreement(same, weights, overlapping=True)) < Z, lag
    assert abs(z_of_agreement(members[1::2] == members[::2], weights, overlapping=False)) < Z


@mixes
def test_counts_of_windows_vary_as_a_multinomial(weights: Array) -> None:
    """Variances and covariances: along random directions, and of all members at once (Pearson's statistic).

    Its mean is K - 1, its variance 2 (K - 1) + (sum 1/p - K**2 - 2 K + 2) / n (Haldane, Biometrika 29, 1937).
    """
    members = drawn(weights, 1 << 16, max(6, SEEDS // 10))
    k = len(weights)
    one_hot_bytes = 1 << 22
    rng = np.random.default_rng(1)
    for power in (3, 5, 7, 9, 11, 12, 13, 14, 16):
        n = 1 << power
        windows = members[:, : members.shape[1] // n * n].reshape(-1, n)[: max(4, one_hot_bytes // k)]
        number = np.arange(len(windows))[:, None] * k + windows
        counts = np.bincount(number.ravel(), minlength=len(windows) * k).reshape(-1, k)
        pearson = ((counts - n * weights) ** 2 / (n * weights)).sum(axis=1)
        variance = 2 * (k - 1) + ((1 / weights).sum() - k**2 - 2 * k + 2) / n
        if n * weights.min() > 0.01:  # else a single draw of a rare member makes its whole value
            assert abs(pearson.mean() - (k - 1)) / np.sqrt(variance / len(windows)) < Z, n
        for direction in rng.standard_normal((4, k)):
            direction -= weights @ direction
            second, fourth = weights @ direction**2, weights @ direction**4
            squares = (counts @ direction) ** 2 / (n * second)
            spread = np.sqrt((2 + (fourth / second**2 - 3) / n) / len(windows))
            assert abs(squares.mean() - 1) / spread < Z + 40 / np.sqrt(len(windows)), n  # few windows: skewed
            sums = counts @ direction
            neighbours = (sums[1:] * sums[:-1]) / (n * second)  # windows next to each other, cut where leaves often end
            assert abs(neighbours.mean()) * np.sqrt(len(neighbours)) < Z + 40 / np.sqrt(len(windows)), n


@pytest.mark.parametrize("size", [2**18, 2**21, 10**9, 2**40, 10**13])
@pytest.mark.parametrize("k", [3, 10, 65])
def test_counts_of_long_windows_vary_as_a_multinomial(k: int, size: int) -> None:
    """Borders of windows are no borders of pieces or parts; the statistic is chi-square there."""
    weights = mild(k)
    seeds = SEEDS // 2
    found = []
    for s in range(seeds):
        here, lo = plan(weights, s), 12_345_678 * s
        counts = here.before(lo + size) - here.before(lo)
        assert counts.sum() == size
        found.append(((counts - size * weights) ** 2 / (size * weights)).sum())
    total = float(np.sum(found))
    degrees = seeds * (k - 1)
    assert stats.chi2.sf(total, degrees) > 1e-7
    assert stats.chi2.cdf(total, degrees) > 1e-7
    assert stats.kstest(found, stats.chi2(k - 1).cdf).pvalue > 1e-7


def test_runs_are_geometric() -> None:
    weights = np.array([0.7, 0.2, 0.1])
    lengths: list[int] = []
    for members in drawn(weights, 20_000):
        changes = np.flatnonzero(np.diff((members == 0).astype(np.int8)))
        starts = changes[members[changes] != 0]  # where a run of member 0 begins
        ends = changes[members[changes] == 0]
        ends = ends[ends > starts[0]]
        lengths += (ends - starts[: len(ends)]).tolist()
    counts = np.bincount(np.minimum(lengths, 25), minlength=26)[1:]
    shares = 0.3 * 0.7 ** np.arange(25)
    shares[-1] = 0.7**24
    assert chi2_p(counts, shares) > 1e-7


@pytest.mark.parametrize("weights", [even(2), mild(3)])
def test_both_sides_of_a_border_are_independent(weights: Array) -> None:
    """Leaves, pieces of a segment, and the chunk after the last growing piece."""
    k = len(weights)
    table = np.outer(weights, weights).ravel()
    pieces, leaves = np.zeros(k * k, np.int64), np.zeros(k * k, np.int64)
    for s in range(SEEDS):
        here = plan(weights, s)
        for border in (*EDGES[1:], EDGES[-1] + (1 << LAST)):
            a, b = here.span(border - 1, border + 1)[0].tolist()
            pieces[a * k + b] += 1
        lo, hi = 10**6, 10**6 + 40 * ITEMS
        labels = here.span(lo, hi)[0]
        rows, _, _ = here._steps[0].decks._asked(np.zeros(200, np.int64), np.linspace(lo, hi - 1, 200).astype(np.int64))
        borders = np.unique(rows[:, START])[1:] - lo
        leaves += np.bincount(labels[borders - 1].astype(int) * k + labels[borders], minlength=k * k)
    assert chi2_p(pieces, table) > 1e-7
    assert chi2_p(leaves, table) > 1e-7


def test_every_order_of_a_short_segment_is_as_likely() -> None:
    """Exhaustive: all 3**5 sequences of a segment of five positions, and of five inside a leaf."""
    weights = np.array([0.5, 0.3, 0.2])
    wanted = weights
    for _ in range(4):
        wanted = np.outer(wanted, weights).ravel()
    counts = np.zeros((2, 3**5), np.int64)
    for s in range(heavy(25_000)):
        here = Plan([(0, weights), (5, weights)], Key(s))
        for i, lo in enumerate((0, 105)):
            counts[i, int(here.span(lo, lo + 5)[0] @ 3 ** np.arange(4, -1, -1))] += 1
    assert chi2_p(counts[0], wanted) > 1e-7
    assert chi2_p(counts[1], wanted) > 1e-7


@pytest.mark.parametrize("k", [3, 65, 200])
def test_each_segment_follows_its_own_weights(k: int) -> None:
    rng = np.random.default_rng(k)
    froms = [0, 700, 1400, 10_000, 3_000_000]
    table = [(at, rng.permutation(np.append(np.zeros(k // 3), rng.uniform(0.1, 4, k - k // 3)))) for at in froms]
    counts = np.zeros((len(table), k), np.int64)
    for s in range(SEEDS // 2):
        here = Plan(table, Key(s))
        for i, (lo, _) in enumerate(table):
            hi = froms[i + 1] if i + 1 < len(froms) else lo + 9000
            counts[i] += np.bincount(here.span(lo, min(hi, lo + 9000))[0], minlength=k)
    for (_, weights), found in zip(table, counts, strict=True):
        assert (found[weights == 0] == 0).all()
        assert chi2_p(found, weights / weights.sum()) > 1e-7


# ---------------------------------------------------------------------------------------------- exactness

CROWD = np.random.default_rng(3).uniform(0, 1, 5000)
TABLES: dict[str, list[tuple[int, Array]]] = {
    "one": [(0, np.array([2.0]))],
    "two": [(0, even(2))],
    "ten": [(0, mild(10))],
    "nested": [(0, uneven(70))],
    "thousand": [(0, mild(1000))],
    "nested twice": [(0, CROWD)],
    "drifting": [
        (0, np.array([1.0, 0.0, 3.0])),
        (1, np.array([0.0, 1.0, 0.0])),
        (5000, np.array([5.0, 1.0, 1.0])),
        (2**29 + 17, np.array([0.0, 1.0, 1.0])),
        (10**12, np.array([1.0, 1.0, 0.0])),
    ],
    "drifting nest": [
        (0, np.append(np.zeros(40), np.ones(60))),
        (3, np.append(np.ones(40), np.zeros(60))),
        (4, np.append(np.zeros(40), np.ones(60))),
        (10**6, np.eye(100)[99]),
        (10**9, mild(100)),
    ],
}
NEAR = [0, 1, 3, 5000, ITEMS, 10**6, *EDGES[1:3], 2**29, 2**29 + 17, 10**9, 10**12, 10**15]
positions = st.builds(lambda near, by: max(0, near + by), st.sampled_from(NEAR), st.integers(-5000, 5000))
tables = st.sampled_from(sorted(TABLES))


@given(tables, positions, st.lists(st.integers(1, 5000), min_size=1, max_size=4), st.data())
def test_any_cut_in_any_order_gives_the_same(name: str, lo: int, cuts: list[int], data: st.DataObject) -> None:
    table = TABLES[name]
    edges = [lo, *(lo + np.cumsum(cuts)).tolist()]
    member, local = Plan(table, Key(5)).span(lo, edges[-1])
    assert member.dtype == (np.uint16 if len(table[0][1]) > 256 else np.uint8)
    assert local.dtype == np.int64
    used = Plan(table, Key(5))
    for a, b in data.draw(st.permutations(list(pairwise(edges)))):
        found = used.span(a, b)
        np.testing.assert_array_equal(found[0], member[a - lo : b - lo])
        np.testing.assert_array_equal(found[1], local[a - lo : b - lo])
    index = np.array(data.draw(st.lists(st.integers(0, edges[-1] - lo - 1), max_size=30)), np.int64)
    for here in (used, Plan(table, Key(5))):
        found = here.at(lo + index)
        np.testing.assert_array_equal(found[0], member[index])
        np.testing.assert_array_equal(found[1], local[index])
        p = lo + int(index[0]) if len(index) else lo
        assert here.span(p, p)[0].shape == (0,)
        assert here.span(p, p + 1)[1] == local[p - lo]


@given(tables, positions, st.integers(0, 9000))
def test_local_indices_count_each_member(name: str, lo: int, n: int) -> None:
    table = TABLES[name]
    here = Plan(table, Key(6))
    if len(table[0][1]) > 1000:
        lo, n = lo % 10**6, min(n, 100)  # `before` opens every group
    member, local = here.span(lo, lo + n)
    k = len(table[0][1])
    before, after = here.before(lo), here.before(lo + n)
    assert before.sum() == lo
    np.testing.assert_array_equal(after - before, np.bincount(member, minlength=k))
    for m in np.unique(member).tolist():
        np.testing.assert_array_equal(local[member == m], before[m] + np.arange(after[m] - before[m]))


@pytest.mark.parametrize("name", sorted(TABLES))
def test_local_indices_start_at_0(name: str) -> None:
    member, local = Plan(TABLES[name], Key(1)).span(0, 20_000)
    for m in np.unique(member).tolist():
        np.testing.assert_array_equal(local[member == m], np.arange((member == m).sum()))


def test_small_steps_give_what_one_span_gives() -> None:
    for name in ("ten", "thousand", "drifting"):
        lo = 10**9 - 300
        member, local = Plan(TABLES[name], Key(2)).span(lo, lo + 600)
        steps = Plan(TABLES[name], Key(2))
        found = [steps.span(p, p + 1) for p in range(lo, lo + 600)]
        np.testing.assert_array_equal(np.concatenate([f[0] for f in found]), member)
        np.testing.assert_array_equal(np.concatenate([f[1] for f in found]), local)


@pytest.mark.parametrize("k", [1, 2, 10, 64, 65, 300])
def test_a_member_of_no_weight_never_comes(k: int) -> None:
    weights = np.append(np.append(0.0, mild(k)), [0.0, 0.0])
    member, _ = plan(weights).span(10**9, 10**9 + 50_000)
    assert member.min() >= 1
    assert member.max() <= k
    assert plan(weights).before(10**12)[[0, -2, -1]].tolist() == [0, 0, 0]


def test_as_far_as_integers_go() -> None:
    """2**54 here: the way there is a draw per 2**43 positions."""
    for p in (10**15, 2**54):
        here = plan(mild(10))
        member, local = here.span(p - 5, p + 5)
        assert (local >= 0).all()
        assert here.before(p).sum() == p
        found = plan(mild(10)).at(np.arange(p - 5, p + 5))
        np.testing.assert_array_equal(found, (member, local))


def test_what_is_handed_out_cannot_change_what_comes() -> None:
    for weights in (mild(10), mild(100)):
        here = plan(weights)
        for lo, hi in ((0, 10), (0, 3000), (0, 9000)):
            for numbers in here.span(lo, hi):
                if numbers.flags.writeable:
                    numbers[:] = 0
        fresh = plan(weights).span(0, 9000)
        np.testing.assert_array_equal(here.span(0, 9000), fresh)


def test_keys_give_other_sequences_and_equal_keys_the_same() -> None:
    a, b, c = (Plan(TABLES["ten"], Key(s)).span(0, 100)[0] for s in (1, 1, 2))
    assert (a == b).all()
    assert (a != c).any()


@pytest.mark.parametrize("scattered", [True, False])
def test_memory_is_bounded(scattered: bool) -> None:
    rng = np.random.default_rng(1)
    here = plan(mild(1000))
    tracemalloc.start()
    try:
        for i in range(heavy(200)):
            if scattered:
                here.at(rng.integers(0, 10**12, 60))
            else:
                here.span(10**12 + i * 2**15, 10**12 + (i + 1) * 2**15)
        assert tracemalloc.get_traced_memory()[1] < 10 << 20  # 5 kept, and what is worked on
    finally:
        tracemalloc.stop()
