"""Binomial draws at addresses: their distribution function against the exact one, and that they are functions of addresses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from headrace.mux import halves as module
from headrace.mux.halves import BITS, halves, spread, summed
from support.counts import heavy

Array = np.ndarray[Any, np.dtype[Any]]


def keys(nodes: int, seed: int = 1) -> tuple[Array, Array]:
    """Numbers and words of so many nodes."""
    rng = np.random.default_rng(seed)
    return np.arange(1, nodes + 1, dtype=np.uint64), rng.integers(0, 2**64, (nodes, 2), np.uint64)


@pytest.mark.parametrize("n", [BITS, BITS + 1, 200, 513, 10_000, 10**6, 2**30])
def test_the_series_is_the_binomial_quantile(n: int) -> None:
    """Half way between two counts stands the normal quantile of the exact distribution function, within 3e-10."""
    middle, around = n // 2, int(min(n // 2, 4 * np.sqrt(n)))
    k = np.unique(np.linspace(middle - around, middle + around, 2001).astype(int))
    exact = stats.binom.cdf(k, n, 0.5)
    z = stats.norm.ppf(exact)
    k, exact, z = k[exact < 0.5], exact[exact < 0.5], z[exact < 0.5]  # the other half is its mirror image
    square = z * z
    series = (
        1
        + (
            module._polynomial(module._A, square)
            + (module._polynomial(module._B, square) + module._polynomial(module._C, square) / n) / n
        )
        / n
    )
    wanted = (k + 0.5 - n / 2) * 2 / np.sqrt(n)
    error = np.abs(z * series - wanted) * stats.norm.pdf(z)
    assert error.max() < 3e-10 + 1e-16 * n  # and what scipy's own function is short of


@pytest.mark.parametrize("n", [0, 1, 2, 17, 63, 64, 65, 100, BITS - 1, BITS, 150, 1000, 10**5])
def test_draws_are_binomial(n: int) -> None:
    found = halves(np.full((heavy(20_000), 50), n), *keys(heavy(20_000), n)).ravel()
    assert found.min() >= 0
    assert found.max() <= n
    edges = np.unique(stats.binom.ppf(np.linspace(0, 1, 41)[1:-1], n, 0.5)) if n else np.zeros(0)
    counts = np.bincount(np.searchsorted(edges, found), minlength=len(edges) + 1)
    shares = np.diff(stats.binom.cdf(edges, n, 0.5), prepend=0, append=1)
    counts, shares = counts[shares > 0], shares[shares > 0]
    if len(shares) > 1:
        wanted = shares * counts.sum()
        assert stats.chi2.sf(((counts - wanted) ** 2 / wanted).sum(), len(shares) - 1) > 1e-7


def test_neighbours_are_independent() -> None:
    """Labels of a node, a node and its halves, and nodes in a row, in one tree."""
    nodes = heavy(20_000)
    number = np.arange(1, nodes + 1, dtype=np.uint64)
    words = np.tile(np.array([[3, 4]], np.uint64), (nodes, 1))
    for n in (1, 100, 1000):
        z = (halves(np.full((nodes, 40), n), number, words) - n / 2) / np.sqrt(n / 4)
        for a, b in ((z[:, 1:], z[:, :-1]), (z[1:], z[:-1]), (z[: nodes // 2], z[1::2][: nodes // 2])):
            assert abs((a * b).mean()) * np.sqrt(a.size) < 5.5
            assert abs((a**2 * b**2 - (a**2).mean() * (b**2).mean()).mean()) * np.sqrt(a.size) < 12


def test_draws_are_functions_of_their_addresses() -> None:
    number, words = keys(600)
    n = np.random.default_rng(2).integers(0, 300, (600, 64))
    n[300:] *= 10**6
    whole = halves(n, number, words)
    np.testing.assert_array_equal(halves(n[:, :7], number, words), whole[:, :7])
    for some in ([5], [599, 0, 3], range(300, 600)):
        np.testing.assert_array_equal(halves(n[some], number[some], words[some]), whole[some])


def test_hashes_of_wide_nodes_go_on() -> None:
    number, words = keys(3)
    np.testing.assert_array_equal(spread(number, words[:, 0], 3000)[:, :1024], spread(number, words[:, 0], 1024))


def test_bits_are_counted() -> None:
    words = np.random.default_rng(3).integers(0, 2**64, 1000, np.uint64)
    words[:2] = 0, 2**64 - 1
    wanted = [word.bit_count() for word in words.tolist()]
    assert summed(words).tolist() == module.ones(words).tolist() == wanted
