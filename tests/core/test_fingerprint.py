"""A description is known again, and a state says which node it does not fit."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import types
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.core.plain import SAMPLE, WHOLE, plain
from headrace.errors import HeadraceWarning, StateMismatchError
from headrace.testing import elsewhere


def double(i: int) -> int:
    return 2 * i


def triple(i: int) -> int:
    return 3 * i


def composition(n: int = 4) -> hr.Stream[Any]:
    return hr.Streamer(range(20)) | hr.map(double) | hr.batch(n)


def _fingerprint(pickled: bytes) -> str:
    found: str = pickle.loads(pickled).fingerprint
    return found


def test_never_changes() -> None:
    """Pinned: a change here makes every saved state and ledger a stranger."""
    stream = hr.Streamer([{"X": (1, 2.5), "y": "a"}]) | hr.map(np.linalg.norm) | hr.batch(4)
    assert stream.fingerprint == "1f27aa651cd1cead"
    assert hr.Streamer(np.arange(6.0).reshape(2, 3)).seeded(7).fingerprint == "7eb4a6a2ae7aa097"


def test_equal_in_another_process() -> None:
    data = {"names": {"b", "a", "c"}, "array": np.arange(4)}
    stream = hr.Streamer(range(3), data) | hr.map(np.linalg.norm) | hr.batch(2)
    assert elsewhere(_fingerprint, pickle.dumps(stream)) == stream.fingerprint


def test_every_parameter_counts() -> None:
    streams = [
        composition(),
        composition(5),
        hr.Streamer(range(20)) | hr.map(triple) | hr.batch(4),
        hr.Streamer(range(21)) | hr.map(double) | hr.batch(4),
        hr.Streamer(range(20)) | hr.batch(4) | hr.map(double),
        hr.Streamer(range(20)) | hr.map(double) | hr.batch(4, partial=False),
        composition().seeded(1),
        composition().seeded(2),
        hr.Streamer(range(20)).seeded(1) | hr.map(double) | hr.batch(4),
    ]
    assert len({stream.fingerprint for stream in streams}) == len(streams)


def test_large_arrays_count_by_a_sample() -> None:
    large = np.zeros(2 * WHOLE // 8)
    before = hr.Streamer(large).fingerprint
    assert hr.Streamer(large.copy()).fingerprint == before
    assert hr.Streamer(large[:-1]).fingerprint != before
    assert hr.Streamer(large.astype("f4")).fingerprint != before
    large[:] = 1
    assert hr.Streamer(large).fingerprint != before
    small = np.zeros(100)
    before = hr.Streamer(small.copy()).fingerprint
    small[57] = 1
    assert hr.Streamer(small).fingerprint != before
    assert SAMPLE < WHOLE


def test_files_count_by_name_and_size_not_by_folder(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    for folder in "ab":
        (tmp_path / folder / "song.bin").write_bytes(b"12345")
    assert plain(tmp_path / "a" / "song.bin") == plain(tmp_path / "b" / "song.bin")
    (tmp_path / "b" / "song.bin").write_bytes(b"1234")
    assert plain(tmp_path / "a" / "song.bin") != plain(tmp_path / "b" / "song.bin")


def test_partials_and_knobs_count_by_what_is_in_them() -> None:
    assert plain(partial(pow, 2)) != plain(partial(pow, 3))
    knob = hr.Knob(1)
    before = plain(knob)
    knob.set(2)
    assert plain(knob) == before
    assert plain(hr.Knob(2)) != before


def test_tuning_does_not_count() -> None:
    """Where and how far ahead the work runs changes no item: a state goes on with another setting."""
    small, large = (composition() | hr.prefetch(ahead=size) for size in (1000, 10**6))
    assert small.fingerprint == large.fingerprint
    assert small != large
    with small.open(hr.Key(1)) as cursor:
        cursor.take(2)
        state, rest = cursor.state(), [item.tolist() for item in cursor]
    with large.open(at=state) as cursor:
        assert [item.tolist() for item in cursor] == rest


# --- states -------------------------------------------------------------------------------------


def saved(stream: hr.Stream[Any]) -> Any:
    with stream.open(hr.Key(1)) as cursor:
        cursor.skip(1)
        return cursor.state()


@pytest.mark.parametrize(
    ("other", "named"),
    [
        (composition(5), "batch differs in its parameters"),
        (hr.Streamer(range(20)) | hr.map(triple) | hr.batch(4), "batch/map differs in its parameters"),
        (hr.Streamer(range(19)) | hr.map(double) | hr.batch(4), "batch/map/streamer differs in its parameters"),
        (composition() | hr.take(3), "it has no node take"),
        (hr.Streamer(range(20)) | hr.batch(4), "it has no node batch/streamer"),
        (hr.Streamer(range(20)), "it has no node streamer"),
    ],
    ids=repr,
)
def test_a_state_of_another_description_names_the_node(other: hr.Stream[Any], named: str) -> None:
    with pytest.raises(StateMismatchError, match=named):
        other.open(at=saved(composition()))


def test_a_state_of_another_key_is_refused() -> None:
    with pytest.raises(StateMismatchError, match="saved by a run with another key"):
        composition().open(hr.Key(2), at=saved(composition()))


@pytest.mark.parametrize("state", [{}, {"headrace": 2, "at": 0}, [], "abc", {"at": 3}, {"headrace": 1}], ids=repr)
def test_what_is_no_state_is_refused(state: Any) -> None:
    with composition().open() as cursor, pytest.raises(StateMismatchError, match=r"wanted what cursor\.state\(\)"):
        cursor.restore(state)


def _code(text: str) -> Callable[[int], int]:
    """A function that is always called `made` of this module, whatever it does."""
    namespace: dict[str, Any] = {}
    exec(text, namespace)
    made: Any = namespace["made"]
    made.__module__ = __name__
    return types.FunctionType(made.__code__, globals(), "made")


def test_code_that_changed_since_warns_and_goes_on() -> None:
    old = hr.Streamer(range(20)) | hr.map(_code("def made(i): return i + 1"))
    same = hr.Streamer(range(20)) | hr.map(_code("def made(i): return i + 1"))
    new = hr.Streamer(range(20)) | hr.map(_code("def made(i): return i + 2"))
    inner = hr.Streamer(range(20)) | hr.map(_code("def made(i): return (lambda: i + 3)()"))
    inner_changed = hr.Streamer(range(20)) | hr.map(_code("def made(i): return (lambda: i + 4)()"))
    state = saved(old)
    assert old.fingerprint == new.fingerprint, "functions count by name"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert next(same.open(at=state)) == 2
    with pytest.warns(HeadraceWarning, match="the code of a function in map has changed") as caught:
        assert next(new.open(at=state)) == 3
    assert len(caught) == 1
    with pytest.warns(HeadraceWarning, match="has changed"):
        inner_changed.open(at=saved(inner))


def test_a_warning_points_at_the_users_line() -> None:
    state = saved(hr.Streamer(range(20)) | hr.map(_code("def made(i): return i + 1")))
    new = hr.Streamer(range(20)) | hr.map(_code("def made(i): return i + 2"))
    with pytest.warns(HeadraceWarning) as caught:
        new.open(at=state)
    assert Path(caught[0].filename).name == Path(__file__).name


def test_a_state_is_plain_data() -> None:
    import json

    state = saved(composition())
    assert json.loads(json.dumps(state)) == state
    assert len(json.dumps(state)) < 400


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("order", ["C", "F"])
def test_the_sample_of_a_large_array_spreads_over_it(order: Any, axis: int) -> None:
    array = np.zeros((100, 20000), order=order)
    before = hr.Streamer(array).fingerprint
    assert hr.Streamer(np.zeros((100, 20000))).fingerprint == before, "the layout does not count"
    for at in (0, 50, 99):
        changed = array.copy(order="K")
        changed[(at,) if axis == 0 else (slice(None), slice(at * 200, at * 200 + 200))] = 1
        assert hr.Streamer(changed).fingerprint != before
    strided = np.zeros((200, 20000))[::2]
    assert hr.Streamer(strided).fingerprint == before
    strided[50] = 1
    assert hr.Streamer(strided).fingerprint != before


_HASHES = """
import headrace as hr
def known(x):
    return x in {"a", "b", "cd", "efg"} or x in {("k", "l"), ("m",)}
print(hr.Streamer("ab").__or__(hr.filter(known)).open(hr.Key(0)).state()["code"])
"""


def test_code_is_the_same_under_every_hash_seed() -> None:
    found = {
        subprocess.run(
            [sys.executable, "-c", _HASHES],
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in range(4)
    }
    assert len(found) == 1


class _Times:
    def __init__(self, n: int) -> None:
        self.n = n

    def __call__(self, i: int) -> int:
        return self.n * i

    def method(self, i: int) -> int:
        return self.n * i


def _closure(n: int) -> Callable[[int], int]:
    return lambda i: n * i


def _closure_over_function(n: int) -> Callable[[int], int]:
    inside = _closure(n)
    return lambda i: inside(i)


def _closure_over_list(n: int) -> Callable[[int], int]:
    table: list[Any] = [n, {"n": n}]
    table.append(table)
    return lambda i: table[0] * i


def _default(n: int) -> Callable[[int], int]:
    def times(i: int, m: int = n) -> int:
        return m * i

    return times


def _named_default(n: int) -> Callable[[int], int]:
    def times(i: int, *, m: int = n) -> int:
        return m * i

    return times


def _recursive(n: int) -> Callable[[int], int]:
    def times(i: int) -> int:
        return n + times(i - 1) if i else 0

    return times


@pytest.mark.parametrize(
    "make",
    [
        _closure,
        _closure_over_function,
        _closure_over_list,
        _default,
        _named_default,
        _recursive,
        _Times,
        lambda n: _Times(n).method,
    ],
)
def test_what_a_function_was_made_with_counts_as_its_code(make: Callable[[int], Callable[[int], int]]) -> None:
    def state_of(n: int) -> Any:
        return (hr.Streamer(range(9)) | hr.map(make(n))).open(hr.Key(0)).state()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (hr.Streamer(range(9)) | hr.map(make(2))).open(at=state_of(2))
    with pytest.warns(HeadraceWarning, match="code of a function in map has changed"):
        (hr.Streamer(range(9)) | hr.map(make(3))).open(at=state_of(2))
