"""How many of n items fall in the first half of a time interval: binomial draws with odds of one half, at addresses.

Whole arrays of them cost what one does in NumPy's generators, and each is a function of its address alone: a hash of
(node, label), no state. Few items have a random bit each, which are counted. Many take a normal number z and go to
the binomial quantile of the same probability, by its Cornish-Fisher series in 1/n (Cornish & Fisher, Revue de
l'Institut International de Statistique 5, 1938), continued here to the third term and taken half way between two
counts. From n = 128 on the distribution function so made is within 3e-10 of the exact one, for all counts at once, and
nearer with every further item (tests/mux/test_halves.py): no sample could tell them apart.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Ints = np.ndarray[Any, np.dtype[np.int64]]
Words = np.ndarray[Any, np.dtype[np.uint64]]
Floats = np.ndarray[Any, np.dtype[np.float64]]

BITS = 128  # fewer items than so many have a bit each

# numpy is twice as quick on small arrays with 0-d arrays for constants as with numbers.
_27, _30, _31 = (np.array(c, np.uint64) for c in (27, 30, 31))
_FIRST, _SECOND = (np.array(c, np.uint64) for c in (0xBF58476D1CE4E5B9, 0x94D049BB133111EB))
_GOLDEN, _OTHER = (np.array(c, np.uint64) for c in (0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93))
_STEPS = np.arange(1, 1025, dtype=np.uint64) * _OTHER
_BLOCK = 1 << 13  # draws at a time: about forty arrays of them come and go

_HALF, _ONE, _LESS_TWO = (np.array(c) for c in (0.5, 1.0, -2.0))
_UNIT, _TURN = np.array(2.0**-64), np.array(2 * np.pi * 2.0**-64)

# sqrt(n) / 2 times z + z A(z z) / n + z B(z z) / n**2 + z C(z z) / n**3 stands half way between two counts.
_A = [np.array(c / 12) for c in (-1, 1)]
_B = [np.array(c / 1440) for c in (-13, -12, 181)]
_C = [np.array(c / 362880) for c in (-873, -1283, 34817, -13533)]


def spread(number: Words, word: Words, width: int) -> Words:
    """Return hashes of (word, number, 0), (word, number, 1), ...: (nodes, width), from words and numbers of nodes."""
    steps = _STEPS[:width] if width <= len(_STEPS) else np.arange(1, width + 1, dtype=np.uint64) * _OTHER
    x: Words = (number * _GOLDEN + word)[:, None] + steps
    spare = x >> _30  # splitmix64 (Steele, Lea & Flood, OOPSLA 2014), its mix13 by Stafford
    x ^= spare
    x *= _FIRST
    np.right_shift(x, _27, out=spare)
    x ^= spare
    x *= _SECOND
    np.right_shift(x, _31, out=spare)
    x ^= spare
    return x


def halves(n: Ints, number: Words, words: Words) -> Ints:
    """Return binomial draws of n items with odds 1/2: (nodes, labels).

    Each is a function of its n, its label, its node's number (nodes,) and the two words (nodes, 2) of the node's tree.
    """
    step = max(1, _BLOCK // n.shape[1])
    if len(n) <= step:
        return _halves(n, number, words)
    parts = [slice(lo, lo + step) for lo in range(0, len(n), step)]
    return np.concatenate([_halves(n[part], number[part], words[part]) for part in parts])


def _halves(n: Ints, number: Words, words: Words) -> Ints:
    first = spread(number, words[:, 0], n.shape[1])
    second = first + words[:, 1:]  # hashed again, for its high bits alone
    second *= _FIRST
    second ^= second >> _31
    second *= _SECOND
    many = n >= BITS
    if many.all():
        return _by_quantile(n, first, second)
    if not many.any():
        return _by_bits(n, first, second)
    few = _by_bits(np.where(many, 0, n), first, second)
    return np.where(many, _by_quantile(np.maximum(n, 1), first, second), few)


def _by_bits(n: Ints, first: Words, second: Words) -> Ints:
    """Return how many of n bits are set, of the first word and what it has not of the second."""
    missing = 64 - n
    found = ones(first >> np.maximum(missing, 0).view(np.uint64))
    found += ones(second >> np.minimum(missing + 64, 64).view(np.uint64))
    return found


def _by_quantile(n: Ints, first: Words, second: Words) -> Ints:
    """Return the counts at the quantiles that normal numbers have, these by Box & Muller's method (1958)."""
    z = first.astype(np.float64)
    z += _HALF  # so that none is 0
    z *= _UNIT
    np.log(z, out=z)
    z *= _LESS_TWO
    np.sqrt(z, out=z)
    turn = second.astype(np.float64)
    turn *= _TURN
    np.cos(turn, out=turn)
    z *= turn
    items = n.astype(np.float64)
    square = z * z
    found = _polynomial(_C, square)
    found /= items
    found += _polynomial(_B, square)
    found /= items
    found += _polynomial(_A, square)
    found /= items
    found += _ONE
    found *= z
    found *= np.sqrt(items)
    found += items
    found *= _HALF
    np.rint(found, out=found)
    return found.astype(np.int64)


def _polynomial(coefficients: list[Any], x: Floats) -> Floats:
    found: Floats = x * coefficients[0]
    for coefficient in coefficients[1:-1]:
        found += coefficient
        found *= x
    found += coefficients[-1]
    return found


def _counted(x: Words) -> Ints:
    found: Ints = _bitwise_count(x).astype(np.int64)
    return found


def summed(x: Words) -> Ints:
    """Return how many bits are set, with additions in parallel (Hacker's Delight, 2nd ed., section 5-1)."""
    x = x - ((x >> np.uint64(1)) & np.uint64(0x5555555555555555))
    x = (x & np.uint64(0x3333333333333333)) + ((x >> np.uint64(2)) & np.uint64(0x3333333333333333))
    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return ((x * np.uint64(0x0101010101010101)) >> np.uint64(56)).view(np.int64)


_bitwise_count: Any = getattr(np, "bitwise_count", None)
ones: Callable[[Words], Ints] = summed if _bitwise_count is None else _counted  # NumPy counts bits from 2.0 on
