"""Random claims of the muxes, each over 200 seeds (80 in the suite).

False alarms: a KS test at 1e-4 each, a t test at |t| < 5.5 with 79 degrees of freedom (5e-7 each, a few hundred
comparisons); all of this file together raises a false alarm in fewer than 1 run of 1 000. Seeds are fixed, so a run that
passes goes on passing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
import pytest
from scipy import stats

import headrace as hr
from support.counts import heavy, soaking

SEEDS = range(200 if soaking() else 80)


def endless(k: int, opened: list[int] | None = None) -> Iterator[int]:
    if opened is not None:
        opened.append(k)
    while True:
        yield k


def uneven(n: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    weights = np.random.default_rng(5).uniform(1, 4, n)
    normal: np.ndarray[Any, np.dtype[np.float64]] = weights / weights.sum()
    return normal


def t_of_shares(make: Any, weights: Any, items: int) -> float:
    """Return the largest |t| of any member's mean share over the seeds against its weight."""
    n = len(weights)
    shares = np.array([np.bincount(list(islice(make(s), items)), minlength=n) for s in SEEDS]) / items
    spread = shares.std(axis=0, ddof=1) / np.sqrt(len(shares))
    assert (spread[weights > 0] > 0).all()
    assert (shares[:, weights == 0] == 0).all()
    return float(np.abs((shares.mean(axis=0) - weights) / np.maximum(spread, 1e-12)).max())


@pytest.mark.parametrize("n_active", [1, 3, 100])
@pytest.mark.parametrize("even", [True, False])
def test_activations_after_the_first_fill_follow_the_weights(n_active: int, even: bool) -> None:
    weights = np.full(8, 1 / 8) if even else uneven(8)
    wanted = 400
    p_values = []
    for seed in SEEDS:
        opened: list[int] = []
        pool = [hr.Streamer(endless, k, opened) for k in range(8)]
        with hr.StochasticMux(pool, n_active, 2, weights, seed=seed).open() as cursor:
            cursor.skip(25 * n_active)  # by then every slot of the first fill has been opened
            del opened[:]
            while len(opened) < wanted:
                cursor.skip(200)
        counts = np.bincount(opened[:wanted], minlength=8)
        p_values.append(stats.chisquare(counts, weights * wanted).pvalue)
    assert stats.kstest(p_values, "uniform").pvalue > 1e-4


@pytest.mark.parametrize("n_active", [1, 3, 100])
@pytest.mark.parametrize("dist", ["binomial", "poisson", "constant"])
def test_with_replacement_a_share_is_a_weight_from_the_first_item_on(n_active: int, dist: Any) -> None:
    weights = np.append(uneven(6), 0.0)
    pool = [hr.Streamer(endless, k) for k in range(7)]

    def make(seed: int) -> Iterator[int]:
        return hr.StochasticMux(pool, n_active, 5, weights, dist=dist, seed=seed).iterate()

    assert t_of_shares(make, weights, 30) < 5.5
    assert t_of_shares(make, weights, 2000) < 5.5


@pytest.mark.parametrize("n", [1, 3, 100])
@pytest.mark.parametrize(("mode", "rate"), [("single_active", 5), ("single_active", None), ("exhaustive", None)])
def test_a_share_is_a_weight_when_all_members_are_active(n: int, mode: Any, rate: float | None) -> None:
    weights = uneven(n)
    pool = [hr.Streamer(endless, k) for k in range(n)]

    def make(seed: int) -> Iterator[int]:
        return hr.StochasticMux(pool, n, rate, weights, mode=mode, seed=seed).iterate()

    if n == 1:
        assert list(islice(make(0), 50)) == [0] * 50
    else:
        assert t_of_shares(make, weights, 2000) < 5.5


@pytest.mark.parametrize("n", [3, 100])
def test_shuffled_shares_are_weights(n: int) -> None:
    weights = np.append(uneven(n - 1), 0.0)
    pool = [hr.Streamer(endless, k) for k in range(n)]
    assert t_of_shares(lambda seed: hr.ShuffledMux(pool, weights, seed=seed).iterate(), weights, 2000) < 5.5


def test_shuffled_choices_are_independent() -> None:
    """P(same member twice in a row) is the sum of squared weights."""
    weights = uneven(5)
    pool = [hr.Streamer(endless, k) for k in range(5)]
    repeats = []
    for seed in SEEDS:
        items = np.array(list(hr.ShuffledMux(pool, weights, seed=seed).iterate(1000)))
        repeats.append((items[1:] == items[:-1]).mean())
    t = (np.mean(repeats) - (weights**2).sum()) / (np.std(repeats, ddof=1) / np.sqrt(len(repeats)))
    assert abs(t) < 5.5


def visit(ended: list[int]) -> Iterator[int]:
    given = 0
    try:
        while True:
            given += 1
            yield given
    finally:
        ended.append(given)


@pytest.mark.parametrize("dist", ["binomial", "poisson", "constant"])
@pytest.mark.parametrize("n_active", [1, 3, 100])
@pytest.mark.parametrize("rate", [1, 1.5, 2, 8])
def test_quotas_have_mean_rate(dist: Any, n_active: int, rate: float) -> None:
    """Within 1 % over 2e5 activations (a fiftieth of them here, and five standard errors where that is more)."""
    wanted, ended = heavy(200_000), list[int]()
    mux = hr.StochasticMux([hr.Streamer(visit, ended)] * 5, n_active, rate, dist=dist, seed=11)
    with mux.open() as cursor:
        cursor.skip(20 * n_active)  # the shortest quotas of the first fill end first: leave the beginning out
        del ended[:]
        while len(ended) < wanted:
            cursor.skip(1000)
        quotas = np.array(ended)
    error = abs(quotas.mean() / rate - 1)
    assert error < max(0.01, 5 * quotas.std() / np.sqrt(len(quotas)) / rate)
    assert quotas.min() >= 1
    if rate == 1:
        assert quotas.max() == 1
    if dist == "constant":
        assert set(quotas.tolist()) <= {int(rate), int(rate) + 1}


@pytest.mark.parametrize("n_active", [1, 4, 20])
def test_the_spread_of_binomial_quotas_shrinks_with_the_working_set(n_active: int) -> None:
    """(rate - 1) / n_active, and a little for a number of trials that is not whole."""
    ended: list[int] = []
    mux = hr.StochasticMux([hr.Streamer(visit, ended)] * 5, n_active, 8, seed=3)
    p = 1 / n_active
    over = 7 / (1 - p) % 1 if n_active > 1 else 0.0
    with mux.open() as cursor:
        cursor.skip(heavy(2_000_000))
        assert np.var(ended) == pytest.approx(7 * p + (1 - p) ** 2 * over * (1 - over), rel=0.15)


def test_the_first_fill_is_systematic() -> None:
    for seed in SEEDS:
        opened: list[int] = []
        pool = [hr.Streamer(endless, k, opened) for k in range(12)]
        with hr.StochasticMux(pool, 12, None, seed=seed).open() as cursor:
            cursor.skip(300)
        assert sorted(opened) == list(range(12))
        opened.clear()
        with hr.StochasticMux(pool[:3], 8, None, [4, 3, 1], seed=seed).open() as cursor:
            cursor.skip(300)
        assert Counter(opened) == {0: 4, 1: 3, 2: 1}


@pytest.mark.parametrize("n_active", [1, 3, 100])
def test_exhaustive_without_a_rate_gives_each_item_once(n_active: int) -> None:
    pool = [[(k, i) for i in range(k)] for k in range(120)]
    everything = sorted(item for member in pool for item in member)
    orders = set()
    for seed in range(heavy(1000)):
        items = list(hr.StochasticMux(pool, n_active, None, mode="exhaustive", seed=seed))
        assert sorted(items) == everything
        orders.add(tuple(items))
    assert len(orders) == heavy(1000)


def test_round_robin_laps_come_in_every_order() -> None:
    """Orders of 3 members over 200 seeds and 3 laps: chi-square with 5 degrees of freedom at 1e-6."""
    orders: Counter[str] = Counter()
    for seed in SEEDS:
        laps = "".join(hr.RoundRobinMux("abc", "permuted_cycle", seed=seed).iterate(12))
        assert laps[:3] == "abc"
        orders.update(laps[k : k + 3] for k in (3, 6, 9))
    assert len(orders) == 6
    assert stats.chisquare(list(orders.values())).pvalue > 1e-6
