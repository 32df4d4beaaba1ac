"""Hypothesis strategies: items, places to stop, compositions of streams. Needs the package hypothesis."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import headrace.mux
import headrace.ops
from headrace.core.op import Op
from headrace.core.stream import Stream
from headrace.sources.streamer import Streamer

__all__ = ["arrays", "cuts", "dtypes", "items", "leaves", "rows", "streams"]

_NAMES = st.sampled_from(["X", "y", "image", "a.b", "", "ünï", "0"])


def dtypes() -> st.SearchStrategy[np.dtype[Any]]:
    """Return dtypes that a stream may carry: booleans, numbers of both byte orders, dates, strings, structures.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(dtypes(), lambda dtype: True)
    dtype('bool')
    """
    flat = hnp.scalar_dtypes() | hnp.unicode_string_dtypes(max_len=4) | hnp.byte_string_dtypes(max_len=4)
    return flat | hnp.array_dtypes(flat, max_size=2)


def arrays(dtype: st.SearchStrategy[np.dtype[Any]] | None = None) -> st.SearchStrategy[Any]:
    """Return arrays as users have them: of no dimension or several, empty, C or Fortran order, strided, read-only."""
    shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
    flat = dtype if dtype is not None else dtypes()
    return flat.flatmap(lambda d: st.tuples(hnp.arrays(d, shapes), st.sampled_from(list(_LAYOUTS)))).map(_laid_out)


def _fortran(array: Any) -> Any:
    return np.asfortranarray(array)


def _turned(array: Any) -> Any:
    return array.T


def _strided(array: Any) -> Any:
    return array[::2] if array.ndim else array


def _reversed(array: Any) -> Any:
    return array[::-1] if array.ndim else array


def _read_only(array: Any) -> Any:
    array = array.copy()
    array.setflags(write=False)
    return array


def _as_it_is(array: Any) -> Any:
    return array


_LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "C": _as_it_is,
    "F": _fortran,
    "T": _turned,
    "strided": _strided,
    "reversed": _reversed,
    "read-only": _read_only,
}


def _laid_out(made: tuple[Any, str]) -> Any:
    array, layout = made
    return _LAYOUTS[layout](array)


def leaves() -> st.SearchStrategy[Any]:
    """Return leaves of items: arrays, NumPy scalars, Python numbers and strings."""
    scalars = st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False) | st.text(max_size=5)
    numpy_scalars = st.integers(-100, 100).map(np.int16) | st.floats(-1, 1, width=32).map(np.float32)
    return arrays() | scalars | numpy_scalars


def items(max_leaves: int = 6) -> st.SearchStrategy[Any]:
    """Return items: a leaf, or dicts and tuples of items, empty ones among them.

    Parameters
    ----------
    max_leaves
        About how many leaves an item has at most.
    """
    return st.recursive(leaves(), _branches, max_leaves=max_leaves)


def _branches(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.dictionaries(_NAMES, parts, max_size=3) | st.lists(parts, max_size=3).map(tuple)


@st.composite
def rows(draw: st.DrawFn, min_size: int = 1, max_size: int = 6) -> list[Any]:
    """Return a list of items of one structure that stack: equal fields, shapes and dtypes."""
    like = draw(items(4).filter(lambda item: not _has_empty_branch(item)))
    n = draw(st.integers(min_size, max_size))
    return [draw(_same_kind(like)) for _ in range(n)]


def _has_empty_branch(item: Any) -> bool:
    if isinstance(item, dict):
        return not item or any(map(_has_empty_branch, item.values()))
    return isinstance(item, tuple) and (not item or any(map(_has_empty_branch, item)))


def _same_kind(item: Any) -> st.SearchStrategy[Any]:
    """Return items of the structure of ``item``, with other values."""
    if isinstance(item, dict):
        return st.fixed_dictionaries({name: _same_kind(part) for name, part in item.items()})
    if isinstance(item, tuple):
        return st.tuples(*map(_same_kind, item))
    if isinstance(item, np.ndarray):
        return hnp.arrays(item.dtype, item.shape)
    if isinstance(item, np.generic):
        return st.just(item)
    kinds: dict[type, st.SearchStrategy[Any]] = {
        bool: st.booleans(),
        int: st.integers(-(2**40), 2**40),
        float: st.floats(allow_nan=False),
        str: st.text(st.characters(exclude_characters="\0"), max_size=5),
    }
    return kinds[type(item)]


def cuts(n: int, max_size: int = 5) -> st.SearchStrategy[list[int]]:
    """Return places to stop in ``n`` items, in order, 0 and ``n`` among the possible ones."""
    return st.lists(st.integers(0, n), max_size=max_size, unique=True).map(sorted)


# --- compositions -------------------------------------------------------------------------------
# All items are {"i": int, "x": two floats}, so that everything goes with everything.


def streams(max_leaves: int = 5) -> st.SearchStrategy[Stream[Any]]:
    """Return random compositions: sources, ops, muxes, muxes of muxes. Their items are dicts of ``i`` and ``x``.

    All parts are named, so that a composition can be pickled and sent to another process.

    Parameters
    ----------
    max_leaves
        About how many sources there are at most.

    Examples
    --------
    >>> from hypothesis import find
    >>> from headrace.core import Stream
    >>> isinstance(find(streams(), lambda stream: True), Stream)
    True
    """
    return st.recursive(_sources(), _grown, max_leaves=max_leaves)


def _sources() -> st.SearchStrategy[Stream[Any]]:
    few = st.integers(0, 9)
    return st.one_of(
        few.map(lambda n: Streamer([_row(i) for i in range(n)])),
        few.map(lambda n: Streamer(_plain, n)),
        few.map(lambda n: Streamer(_random, n)),
        st.just(Streamer(_endless)),
    )


def _grown(inner: st.SearchStrategy[Stream[Any]]) -> st.SearchStrategy[Stream[Any]]:
    changed = st.tuples(inner, _ops()).map(lambda pair: pair[0] | pair[1])
    return st.one_of(changed, *_muxes(inner))


def _ops() -> st.SearchStrategy[Op[Any, Any]]:
    ops = headrace.ops
    known = [
        st.sampled_from([ops.map(_shifted), ops.map(_noisy), ops.filter(_often), ops.filter(_even)]),
        st.integers(0, 12).map(ops.take),
        st.integers(0, 4).map(ops.skip),
    ]
    if hasattr(ops, "shuffle"):
        known.append(st.integers(1, 6).map(ops.shuffle))
    if hasattr(ops, "repeat"):
        known.append(st.integers(1, 3).map(ops.repeat))
    return st.one_of(known)


def _muxes(inner: st.SearchStrategy[Stream[Any]]) -> list[st.SearchStrategy[Stream[Any]]]:
    mux = headrace.mux
    members = st.lists(inner, min_size=1, max_size=3)
    known: list[st.SearchStrategy[Stream[Any]]] = []
    if hasattr(mux, "ShuffledMux"):
        known.append(members.map(mux.ShuffledMux))
    if hasattr(mux, "StochasticMux"):
        modes = st.sampled_from(["with_replacement", "single_active", "exhaustive"])
        rates = st.sampled_from([None, 1, 2, 3.5])
        known.append(
            st.builds(_stochastic, members, n=st.integers(1, 3), rate=rates, mode=modes, dist=st.sampled_from(_DISTS))
        )
    for name, choices in (("RoundRobinMux", ["exhaustive", "cycle"]), ("ChainMux", ["exhaustive", "cycle"])):
        if hasattr(mux, name):
            known.append(st.builds(getattr(mux, name), members, mode=st.sampled_from(choices)))
    return known


_DISTS = ["binomial", "poisson", "constant"]


def _stochastic(members: list[Stream[Any]], n: int, rate: float | None, mode: str, dist: str) -> Stream[Any]:
    made: Stream[Any] = headrace.mux.StochasticMux(
        members,
        n_active=min(n, len(members)),
        rate=rate,
        mode=mode,  # type: ignore[arg-type,unused-ignore]  # a str that is one of its literals
        dist=dist,  # type: ignore[arg-type,unused-ignore]
    )
    return made


def _row(i: int) -> dict[str, Any]:
    return {"i": i, "x": np.array([i, i / 2])}


def _plain(n: int) -> Iterator[dict[str, Any]]:
    for i in range(n):
        yield _row(i)


def _random(n: int, *, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    for i in range(n):
        yield {"i": i, "x": rng.random(2)}


def _endless(*, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    i = 0
    while True:
        yield {"i": i, "x": rng.random(2)}
        i += 1


def _shifted(item: dict[str, Any]) -> dict[str, Any]:
    return {**item, "i": item["i"] + 100}


def _noisy(item: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    return {**item, "x": item["x"] + rng.random(2)}


def _often(item: dict[str, Any], rng: np.random.Generator) -> bool:
    return bool(rng.random() < 0.8)


def _even(item: dict[str, Any]) -> bool:
    return bool(item["i"] % 2 == 0)
