"""Where a keyed permutation of [0, n) sends each position: any n up to 2**62, whole arrays, nothing remembered.

A size of at most 64 is put in order outright: every element gets a 64-bit hash, and the hashes are sorted. That is as
uniform as the hash, for *all* statistics, where a network of rounds over a handful of elements is visibly not.

A larger size is laid out as a grid and shuffled by a Feistel network: a round shifts every column round by a hash of
(key, column), the next one every row by a hash of (key, row). This is the alternating network of Lucks ("Faster
Luby-Rackoff ciphers", FSE 1996) with addition modulo the side in the place of xor, as in the method FE2 of Bellare,
Ristenpart, Rogaway & Stegers ("Format-preserving encryption", SAC 2009). Two things are our own. The last row may be
short: the shorter columns then have a shorter cycle and the short row is left alone, so that n need not be a product
and no result falls outside [0, n), which "cycle walking" (Black & Rogaway, "Ciphers with arbitrary finite domains",
CT-RSA 2002) would have to send through again. And rows are a power of two wide, so that no division is needed.

This is no cryptography: ten rounds of a quick hash make orders that look random, not secrets.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

_U64: TypeAlias = NDArray[np.uint64]
_Whole: TypeAlias = Any  # an int or a uint64 array: arithmetic below is written once for both, modulo 2**64

_SORTED = 64  # sizes up to here are sorted. A lap costs n hashes even for one position, so it must stay small
_BLOCK = 16384  # positions at a time: many, as a block has a fixed cost, but its ten arrays should stay in cache
# Two neighbours stay neighbours if they meet in one row (of 8 at n = 128) in every other round. By the statistics of
# tests/ops/test_cipher.py that shows in 10**5 orders of eight rounds, not in those of ten; ever less as n grows.
_ROUNDS = 10
_ALL = 2**64 - 1
_GOLDEN, _FIRST, _SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB

# numpy is twice as quick on small arrays with 0-d arrays for constants as with numbers.
_ZERO, _32, _LOW = (np.array(c, np.uint64) for c in (0, 32, _SORTED - 1))
_MULTIPLY, _MULTIPLY_AGAIN = (np.array(c, np.uint64) for c in (_FIRST, _SECOND))


def permuted(words: _U64, n: int | NDArray[np.integer[Any]], index: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where each position of ``index`` goes, in an order of its own for every key, size and lap.

    Lap ``index // n`` has an order of its own: with ``lap, j = divmod(index, n)`` the result is
    ``lap * n + order(j)``, where ``order`` is a permutation of [0, n) that depends on (key, n, lap) alone. It is
    a pure function of each position: neither the others nor the order in which they come matter.

    Parameters
    ----------
    words
        The key: uint64, shape (2,), or (2, positions) with a key for every position. Keys need not look random.
    n
        The size, 1 to 2**62: an integer, or an integer array of shape (positions,) with a size for every position.
    index
        int64, shape (positions,): positions from 0 to 2**62, in any order.

    Returns
    -------
    ndarray
        int64, shape (positions,).

    Notes
    -----
    Only exact operations on 64 bits take part: the numbers are the same on every machine. Nothing is checked: sizes
    and positions outside their ranges give numbers without meaning. Equal neighbouring laps
    and keys share the work on them, so runs are cheaper than scattered positions, above all up to n = 64, where a
    scattered position costs n hashes.

    Examples
    --------
    >>> key = np.array([7, 8], np.uint64)
    >>> permuted(key, 5, np.arange(15)).tolist()
    [1, 3, 2, 0, 4, 7, 8, 5, 9, 6, 11, 14, 12, 10, 13]
    >>> far = permuted(key, 10**15, np.arange(10**17, 10**17 + 3))
    >>> far // 10**15
    array([100, 100, 100])
    >>> two = np.array([[7, 7, 9], [8, 8, 8]], np.uint64)
    >>> permuted(two, np.array([5, 10**9, 5]), np.array([0, 0, 0])).tolist()
    [1, 408853377, 3]
    """
    at = index.astype(np.uint64)
    out = np.empty(at.size, np.uint64)
    first, second = words if words.ndim > 1 else map(int, words.tolist())
    size: _Whole = n.astype(np.uint64) if isinstance(n, np.ndarray) else int(n)
    for lo in range(0, at.size, _BLOCK):
        part = slice(lo, lo + _BLOCK)
        out[part] = _by_size(_some(first, part), _some(second, part), _some(size, part), at[part])
    return out.view(np.int64)


def _some(values: _Whole, which: Any) -> _Whole:
    """Return those of the positions ``which``; an integer is for all of them."""
    return values if isinstance(values, int) else values[which]


def _by_size(first: _Whole, second: _Whole, n: _Whole, index: _U64) -> _U64:
    """Send small sizes one way and large ones the other."""
    if isinstance(n, int):
        return _by_lap(first, second, n, index)
    if (n == n[0]).all():  # one size, as among members alike: constants are quicker than arrays
        return _by_lap(first, second, int(n[0]), index)
    small = n <= _SORTED
    if small.all() or not small.any():
        return _by_lap(first, second, n, index)
    out = np.empty_like(index)
    for where in (np.flatnonzero(small), np.flatnonzero(~small)):
        out[where] = _by_lap(_some(first, where), _some(second, where), n[where], index[where])
    return out


def _by_lap(first: _Whole, second: _Whole, n: _Whole, index: _U64) -> _U64:
    """Find the runs of positions of one key, size and lap; what depends on these alone is worked out once a run."""
    run: NDArray[np.intp] | None = None
    if isinstance(n, int) and isinstance(first, int):
        lap: _Whole = int(index[0]) // n
        if int(index.min()) // n == lap == int(index.max()) // n:
            start = np.array(lap * n, np.uint64)
            inside = index - start
        else:
            lap = index // np.array(n, np.uint64)
    else:
        lap = index // np.asarray(n, np.uint64)
    if not isinstance(lap, int):
        new = np.empty(index.size, bool)
        new[0] = True
        np.not_equal(lap[1:], lap[:-1], out=new[1:])
        for values in (first, second, n):
            if not isinstance(values, int):
                new[1:] |= values[1:] != values[:-1]
        heads = np.flatnonzero(new)
        run = np.cumsum(new) - 1
        first, second, n, lap = (_some(values, heads) for values in (first, second, n, lap))
        start = (lap * n)[run]
        inside = index - start
    tweak = _mix((_mix((_mix((lap + _GOLDEN) & _ALL) + first) & _ALL) + second) & _ALL)
    if (n if isinstance(n, int) else n[0]) <= _SORTED:
        out = _by_sorting(tweak, n, run, inside)
    else:
        out = _by_rounds(tweak, _mix((tweak + first) & _ALL) | 1, n, run, inside)
    return np.add(out, start, out=out)


def _mix(x: _Whole) -> _Whole:
    """Return a bijective hash of 64 bits: splitmix64 (Steele, Lea & Flood, OOPSLA 2014), its mix13 by Stafford."""
    x = ((x ^ (x >> 30)) * _FIRST) & _ALL
    x = ((x ^ (x >> 27)) * _SECOND) & _ALL
    return x ^ (x >> 31)


def _by_sorting(tweak: _Whole, n: _Whole, run: NDArray[np.intp] | None, inside: _U64) -> _U64:
    """Give every element a hash, sort each lap by them, and read off who stands where."""
    element = np.arange(np.max(n), dtype=np.uint64)
    laps = np.atleast_1d(np.asarray(tweak, np.uint64))
    hashed: _U64 = _mix(laps[:, None] + (element + 1) * np.uint64(_GOLDEN))
    # The element is the low six bits: one sort of plain numbers then carries it along, and no two are equal. What is
    # left of the hash, 58 bits, agrees for two elements of 64 once in 2**47 laps.
    hashed &= ~_LOW
    hashed |= element
    if not isinstance(n, int):
        hashed[element >= n[:, None]] = _ALL  # where laps differ in size: behind all that are there
    hashed.sort(axis=1)
    placed: _U64 = hashed[0 if run is None else run, inside.view(np.int64)]
    return placed & _LOW


def _by_rounds(tweak: _Whole, step: _Whole, n: _Whole, run: NDArray[np.intp] | None, inside: _U64) -> _U64:
    """Shift columns and rows in turn; below ``full`` whole rows there may be a short one, of ``rest`` elements."""
    if isinstance(n, int):
        half: _Whole = n.bit_length() // 2
    else:
        # With the second bit cleared where the first is set, rounding to a float cannot reach the next power of two.
        half = (np.frexp((n & ~(n >> 1)).astype(float))[1] // 2).astype(np.uint64)
    wide = 1 << half
    full, rest = n >> half, n & (wide - 1)
    ragged = rest != 0 if isinstance(n, int) else rest.any()

    def spread(values: _Whole) -> _U64:
        return np.array(values, np.uint64) if isinstance(values, int) else values[run]

    half, mask, drop, full, rest = map(spread, (half, wide - 1, 64 - half, full, rest))
    keys = _keys(spread(tweak), spread(step))
    row: _U64 = inside >> half
    column: _U64 = inside & mask
    length = full
    h, spare = np.empty_like(inside), np.empty_like(inside)
    for _ in range(_ROUNDS // 2):
        _hash(column, next(keys), h, spare)
        if ragged:
            length = full + (column < rest)
        # The high half times the length, shifted down, is below the length (Lemire, ACM TOMACS 29, 2019).
        np.right_shift(h, _32, h)
        np.multiply(h, length, h)
        np.right_shift(h, _32, h)
        np.add(row, h, row)
        np.subtract(row, length, spare)  # wraps round to something huge where it must not be subtracted
        np.minimum(row, spare, out=row)

        _hash(row, next(keys), h, spare)
        np.right_shift(h, drop, h)
        if ragged:
            np.copyto(h, _ZERO, where=row >= full)
        np.add(column, h, column)
        np.bitwise_and(column, mask, column)
    np.left_shift(row, half, row)
    np.bitwise_or(row, column, row)
    return row


def _keys(tweak: _U64, step: _U64) -> Iterator[_U64]:
    """Yield ``tweak + r * step`` for round r: an odd step, so that no two are equal."""
    if tweak.ndim == 0:
        every = tweak + np.arange(_ROUNDS, dtype=np.uint64) * step
        yield from (every[r, ...] for r in range(_ROUNDS))
        return
    for _ in range(_ROUNDS):
        yield tweak
        np.add(tweak, step, tweak)


def _hash(side: _U64, key: _U64, out: _U64, spare: _U64) -> None:
    """Write a hash of (side, key) whose high bits are good: the middle of :func:`_mix`, as the key is mixed already."""
    np.add(side, key, out)
    np.multiply(out, _MULTIPLY, out)
    np.right_shift(out, _32, spare)
    np.bitwise_xor(out, spare, out)
    np.multiply(out, _MULTIPLY_AGAIN, out)
