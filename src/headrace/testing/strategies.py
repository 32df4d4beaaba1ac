"""Hypothesis strategies: items, places to stop, compositions of streams. Needs the package hypothesis."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import inf
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import headrace.mux
import headrace.ops
from headrace.core.op import Op
from headrace.core.stream import Stream
from headrace.sources.functional import functional
from headrace.sources.source import source
from headrace.sources.streamer import Streamer

__all__ = ["arrays", "cuts", "dtypes", "indexed", "items", "leaves", "rows", "streams"]

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


# --- compositions whose items have numbers ------------------------------------------------------


def indexed(max_leaves: int = 4) -> st.SearchStrategy[Any]:
    """Return random compositions whose items have numbers, finite, empty and endless, with seeds inside and without.

    Inside their items are dicts of ``i`` and ``x``; the last op may make batches, windows, tuples of them.

    Parameters
    ----------
    max_leaves
        About how many sources there are at most.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(indexed(), lambda stream: True).access
    'index'
    """
    rows: st.SearchStrategy[Any] = st.recursive(_numbered(), _numbered_grown, max_leaves=max_leaves)
    return st.tuples(rows, st.sampled_from(list(_LAST.values()))).map(lambda pair: pair[1](pair[0]))


def _numbered() -> st.SearchStrategy[Any]:
    few, border = st.integers(0, 9), st.sampled_from([1, 7, 1023, 1024, 1025, 2500])
    sizes: st.SearchStrategy[Any] = st.none() | few | border
    return st.one_of(
        few.map(lambda n: source([_row(i) for i in range(n)])),
        (few | border).map(_table),
        st.builds(functional, st.sampled_from([_called, _called_noisy]), size=sizes),
        st.builds(functional, st.sampled_from([_called_many, _called_many_noisy]), size=sizes, batched=st.just(True)),
    )


def _table(n: int) -> Any:
    return source({"i": np.arange(n), "x": np.arange(2.0 * n).reshape(n, 2) / 4})


def _numbered_grown(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    few = st.integers(0, 12)
    members = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        st.tuples(inner, st.sampled_from(list(_NUMBERED_OPS.values()))).map(lambda pair: pair[1](pair[0])),
        st.tuples(inner, few).map(lambda pair: pair[0] | headrace.ops.take(pair[1])),
        st.tuples(inner, few).map(lambda pair: pair[0] | headrace.ops.skip(pair[1])),
        st.tuples(inner, st.none() | st.integers(0, 3)).map(lambda pair: pair[0] | headrace.ops.repeat(pair[1])),
        inner.map(_permuted),
        st.tuples(inner, st.integers(0, 2**40)).map(lambda pair: pair[0].seeded(pair[1])),
        st.tuples(inner, st.integers(0, 3), st.integers(1, 3)).map(lambda t: t[0].shard(t[1] % t[2], t[2])),
        members.map(lambda streams: headrace.ops.concat(*streams)),
        st.tuples(inner, inner).map(lambda pair: headrace.ops.zip(*pair) | headrace.ops.map(_of_both)),
        st.tuples(members, st.lists(st.sampled_from([1, 2.5, 0.25]), min_size=3, max_size=3)).map(_mixed),
    )


def _permuted(stream: Any) -> Any:
    return stream if stream.size == inf else stream | headrace.ops.permute()


def _mixed(made: tuple[list[Any], list[float]]) -> Any:
    members, weights = made
    return headrace.mux.mix(members, weights[: len(members)])


def _called(i: int) -> dict[str, Any]:
    return _row(i % 1000)


def _called_noisy(i: int, rng: np.random.Generator) -> dict[str, Any]:
    return {"i": i, "x": rng.random(2)}


def _called_many(i: Any) -> dict[str, Any]:
    return {"i": i, "x": np.stack([i / 2, i / 3], 1)}


def _called_many_noisy(i: Any, rng: np.random.Generator) -> dict[str, Any]:
    return {"i": i, "x": rng.random((len(i), 2))}


def _shifted_columns(columns: Any) -> dict[str, Any]:
    return {"i": columns["i"] + 100, "x": columns["x"]}


def _noisy_columns(columns: Any, rng: np.random.Generator) -> dict[str, Any]:
    return {"i": columns["i"], "x": columns["x"] + rng.random(columns["x"].shape)}


def _of_both(pair: tuple[dict[str, Any], dict[str, Any]]) -> dict[str, Any]:
    return {"i": pair[0]["i"], "x": pair[1]["x"]}


_NUMBERED_OPS: dict[str, Callable[[Any], Any]] = {
    "map": lambda stream: stream | headrace.ops.map(_shifted),
    "map with rng": lambda stream: stream | headrace.ops.map(_noisy),
    "batched map": lambda stream: stream | headrace.ops.map(_shifted_columns, batched=True),
    "batched map with rng": lambda stream: stream | headrace.ops.map(_noisy_columns, batched=True),
}
_LAST: dict[str, Callable[[Any], Any]] = {
    "rows": lambda stream: stream,
    "batch": lambda stream: stream | headrace.ops.batch(3),
    "batch, full ones": lambda stream: stream | headrace.ops.batch(4, partial=False),
    "window": lambda stream: stream | headrace.ops.window(3, 2),
    "enumerate": lambda stream: stream | headrace.ops.enumerate(5),
    "tuples": lambda stream: stream | headrace.ops.tuples("x", "i"),
    "keras_tuples": lambda stream: headrace.ops.keras_tuples(stream, "x", "i"),
    "zip": lambda stream: headrace.ops.zip({"a": stream, "b": functional(_called_noisy)}),
}
