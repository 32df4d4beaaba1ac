from __future__ import annotations

import os
import pickle
import zipfile
from collections import Counter
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.core import same
from headrace.core.describe import dump
from headrace.core.stream import Field
from headrace.errors import DataError, StreamConfigError

pytestmark = pytest.mark.filterwarnings("ignore:Stored array in format 3.0")
ORDERS = ("sequential", "shuffled", "random")
RNG = np.random.default_rng(0)
ARRAYS: dict[str, np.ndarray[Any, Any]] = {
    "floats": RNG.normal(size=(13, 4)),
    "one axis": np.arange(13),
    "three axes": RNG.integers(0, 255, (13, 3, 2)).astype(np.uint8),
    "Fortran": np.asfortranarray(RNG.normal(size=(13, 5))),
    "Fortran, big": np.asfortranarray(RNG.normal(size=(13, 2000))),
    "big": RNG.normal(size=(13, 2000)),
    "big-endian": np.arange(26, dtype=">f8").reshape(13, 2),
    "structured": np.array([(i, i / 3, f"é{i}") for i in range(13)], [("a", "<i4"), ("b", "f8"), ("c", "U4")]),
    "named beyond Latin-1": np.array([(i,) for i in range(13)], [("ω", "<i4")]),
    "unicode": np.array([f"löß{i}" for i in range(13)]),
    "bytes": np.array([b"ab", b"c"] * 6),
    "times": np.arange("2024-01-01", "2024-01-14", dtype="M8[D]"),
    "complex": np.arange(3) + 1j,
    "half": np.arange(5, dtype="f2"),
    "bool": np.array([[True, False]] * 3),
    "no rows": np.empty((0, 4)),
    "empty rows": np.empty((5, 0)),
    "one row": np.ones((1, 3)),
    "no letters": np.array(["", ""]),
}


@pytest.fixture(params=sorted(ARRAYS))
def array(request: pytest.FixtureRequest) -> np.ndarray[Any, Any]:
    found: np.ndarray[Any, Any] = ARRAYS[request.param]
    return found


def rows_of(array: np.ndarray[Any, Any]) -> list[Any]:
    return list(array)


def values(items: list[Any]) -> list[Any]:
    return [np.asarray(item).tolist() for item in items]


def test_npy_rows_are_those_of_the_array(array: np.ndarray[Any, Any], tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", array)
    stream = hr.npy(tmp_path / "a.npy")
    items = list(stream)
    assert len(stream) == len(array) == len(items)
    assert values(items) == values(rows_of(array))
    for item in items:
        if array.dtype.kind not in "SU":  # a single string is as wide as it is
            assert np.asarray(item).dtype.newbyteorder("=") == array.dtype.newbyteorder("=")
        assert np.asarray(item).flags.aligned
    by_number = list(hr.npy(tmp_path / "a.npy", order="shuffled"))
    assert Counter(map(repr, values(by_number))) == Counter(map(repr, values(items)))


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed], ids=["stored", "compressed"])
def test_npz_rows_are_those_of_its_arrays(save: Any, array: np.ndarray[Any, Any], tmp_path: Path) -> None:
    save(tmp_path / "a.npz", X=array, y=np.arange(len(array)), rate=22050, name="song")
    for order in ("sequential", "shuffled"):
        stream = hr.npz(tmp_path / "a.npz", order=order)
        items = sorted(stream, key=lambda item: int(item["y"]))
        assert len(items) == len(array) == len(stream)
        assert values([item["X"] for item in items]) == values(rows_of(array))
        assert all(list(item) == ["X", "y", "rate", "name"] for item in items)
        assert all(item["rate"] == 22050 and item["name"] == "song" for item in items)


def test_equals_what_numpy_loads_bit_for_bit(tmp_path: Path) -> None:
    X = RNG.normal(size=(2000, 3))
    np.savez(tmp_path / "a.npz", X=X)
    with np.load(tmp_path / "a.npz") as loaded, hr.npz(tmp_path / "a.npz").open() as cursor:
        assert same(cursor.read(2000)["X"], loaded["X"])
    with hr.npz(tmp_path / "a.npz", order="random").open(hr.Key(1)) as cursor:
        drawn = cursor.take(500)
    known = {row.tobytes() for row in X}
    assert all(item["X"].tobytes() in known for item in drawn)


def test_a_scalar_file_is_one_item(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.float32(2.5))
    np.savez(tmp_path / "a.npz", a=1, b="x")
    assert list(hr.npy(tmp_path / "a.npy")) == [np.float32(2.5)]
    assert list(hr.npz(tmp_path / "a.npz")) == [{"a": 1, "b": "x"}]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed], ids=["stored", "compressed"])
def test_every_cut(save: Any, order: Any, tmp_path: Path, cuts_change_nothing: Callable[..., list[Any]]) -> None:
    save(tmp_path / "a.npz", X=RNG.normal(size=(40, 600)), y=np.arange(40))
    items = cuts_change_nothing(hr.npz(tmp_path / "a.npz", order=order), 40)
    numbers = [int(item["y"]) for item in items]
    if order == "sequential":
        assert numbers == list(range(40))
    elif order == "shuffled":
        assert sorted(numbers) == list(range(40)) != numbers
    else:
        assert len(set(numbers)) < 40  # with replacement


def test_laps_are_shuffled_differently_and_seeds_repeat(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(50))
    stream = hr.npy(tmp_path / "a.npy", order="shuffled").seeded(3)
    first, second = (lambda x: (x[:50], x[50:]))([int(i) for i in stream.cycle(100)])
    assert sorted(first) == sorted(second) == list(range(50))
    assert first != second
    assert [int(i) for i in stream.cycle(100)] == first + second


def test_random_rows_are_uniform_and_independent_between_seeds(tmp_path: Path) -> None:
    """Chi-square over 600 seeds of 70 draws from 7 rows, and over pairs of neighbours: false alarm 1e-6 each."""
    from scipy.stats import chi2

    np.save(tmp_path / "a.npy", np.arange(7))
    stream = hr.npy(tmp_path / "a.npy", order="random")
    counts, pairs = np.zeros(7), np.zeros((7, 7))
    for seed in range(600):
        with stream.open(hr.Key(seed)) as cursor:
            drawn = np.array(cursor.take(70))
        np.add.at(counts, drawn, 1)
        np.add.at(pairs, (drawn[::2], drawn[1::2]), 1)
    for seen in (counts, pairs.ravel()):
        wanted = seen.sum() / seen.size
        assert ((seen - wanted) ** 2 / wanted).sum() < chi2.isf(1e-6, seen.size - 1)


def test_a_place_far_away_costs_nothing(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(100))
    stream = hr.npy(tmp_path / "a.npy", order="random").seeded(1)
    with stream.open(at=10**12) as cursor:
        far = cursor.take(5)
        assert cursor.position == 10**12 + 5
    with stream.open(at=10**12 + 3) as cursor:
        assert same(cursor.take(2), far[3:])


def test_n_limits_every_order(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(10))
    for order in ORDERS:
        stream = hr.npy(tmp_path / "a.npy", order=order, n=4)  # type: ignore[arg-type]
        assert len(stream) == len(list(stream)) == 4
    assert len(list(hr.npy(tmp_path / "a.npy", n=40))) == 10
    assert len(list(hr.npy(tmp_path / "a.npy", "random", 40))) == 40
    assert hr.npy(tmp_path / "a.npy", "random").size == inf


def test_random_rows_of_nothing_end(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.empty((0, 3)))
    assert list(hr.npy(tmp_path / "a.npy", "random")) == []
    assert list(hr.npy(tmp_path / "a.npy", "random", n=3)) == []


def test_fields_are_chosen_in_the_order_given(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", X=np.ones(2), y=np.zeros(2), other=np.ones(5))
    assert [list(item) for item in hr.npz(tmp_path / "a.npz", ["y", "X"])] == [["y", "X"]] * 2
    assert list(next(iter(hr.npz(tmp_path / "a.npz", "y")))) == ["y"]
    with pytest.raises(DataError, match=r"lengths \{'X': 2, 'y': 2, 'other': 5\}.*\n.*fields="):
        list(hr.npz(tmp_path / "a.npz"))
    with pytest.raises(DataError, match=r"no field 'z'.*\n.*Its fields are X, y, other"):
        list(hr.npz(tmp_path / "a.npz", "z"))


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed], ids=["stored", "compressed"])
def test_whole_archives_are_items_too(save: Any, tmp_path: Path, open_here: Callable[[], list[str]]) -> None:
    X = np.asfortranarray(RNG.normal(size=(30, 3000)))
    save(tmp_path / "a.npz", X=X, Z=X.copy(order="C"), short=np.arange(3), name="song")
    stream = hr.npz(tmp_path / "a.npz", rows=False)
    (item,) = stream
    assert len(stream) == 1
    assert np.array_equal(item["X"], X)
    assert np.array_equal(item["Z"], X)
    assert item["short"].tolist() == [0, 1, 2]
    assert item["name"] == "song"
    with pytest.raises(ValueError, match="read-only"):
        item["X"][0] = 0
    del item
    assert open_here() == []


def test_items_belong_to_who_draws_them(tmp_path: Path) -> None:
    X = np.arange(6.0).reshape(2, 3)
    np.savez(tmp_path / "a.npz", X=X)
    with hr.npz(tmp_path / "a.npz", order="random").open(hr.Key(1)) as cursor:
        for item in cursor.take(20):
            assert item["X"].tolist() in X.tolist()
            item["X"][:] = -1


def test_no_pickles_unless_asked(tmp_path: Path) -> None:
    objects = np.array([{"a": 1}, None], dtype=object)
    np.savez(tmp_path / "a.npz", X=np.arange(2), o=objects)
    np.save(tmp_path / "a.npy", objects)
    with pytest.raises(DataError, match=r"objects in field 'o'.*\n.*allow_pickle=True.*fields="):
        list(hr.npz(tmp_path / "a.npz"))
    with pytest.raises(DataError, match="allow_pickle=True"):
        list(hr.npy(tmp_path / "a.npy"))
    assert len(list(hr.npz(tmp_path / "a.npz", "X"))) == 2
    assert [item["o"] for item in hr.npz(tmp_path / "a.npz", allow_pickle=True)] == [{"a": 1}, None]
    assert list(hr.npy(tmp_path / "a.npy", allow_pickle=True)) == [{"a": 1}, None]


def test_what_the_header_tells(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", X=np.zeros((9, 2, 3), "f4"), y=np.zeros(9, int), r=1.0)
    assert hr.npz(tmp_path / "a.npz").spec == {
        "X": Field((2, 3), "<f4", ("X_1", "X_2")),
        "y": Field((), "<i8"),
        "r": Field((), "<f8"),
    }
    whole = hr.npz(tmp_path / "a.npz", "X", rows=False).spec
    assert whole == {"X": Field((9, 2, 3), "<f4", ("X_0", "X_1", "X_2"))}


def test_options_are_checked_when_the_stream_is_made(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(3))
    np.savez(tmp_path / "a.npz", X=np.arange(3))
    with pytest.raises(StreamConfigError, match=r"npz\(path\) got .*b.npz', which is no file.*\n.*current folder"):
        hr.npz(tmp_path / "b.npz")
    with pytest.raises(StreamConfigError, match=r"a folder.*\n.*hr\.folder"):
        hr.npy(tmp_path)
    with pytest.raises(StreamConfigError, match="wanted the path"):
        hr.npy(3)  # type: ignore[arg-type]
    with pytest.raises(
        StreamConfigError, match=r"order=\) got 'sorted', wanted one of 'sequential', 'shuffled', 'random'"
    ):
        hr.npy(tmp_path / "a.npy", "sorted")  # type: ignore[arg-type]
    for n in (-1, 1.5, "all"):
        with pytest.raises(StreamConfigError, match="n="):
            hr.npy(tmp_path / "a.npy", n=n)  # type: ignore[arg-type]
    for fields in ([], ["X", "X"], [1], 7):
        with pytest.raises(StreamConfigError, match="fields="):
            hr.npz(tmp_path / "a.npz", fields)  # type: ignore[arg-type]


def test_broken_files_say_so_at_the_first_item_and_have_no_size(tmp_path: Path) -> None:
    np.savez(tmp_path / "good.npz", X=np.arange(1000.0))
    np.save(tmp_path / "good.npy", np.arange(1000.0))
    for kind in ("npz", "npy"):
        data = (tmp_path / f"good.{kind}").read_bytes()
        (tmp_path / f"empty.{kind}").write_bytes(b"")
        (tmp_path / f"short.{kind}").write_bytes(data[:-500])
        (tmp_path / f"noise.{kind}").write_bytes(bytes(range(256)) * 8)
    wanted: list[tuple[Any, str, type[Exception], str]] = [
        (hr.npz, "empty.npz", DataError, r"npz\('empty.npz'\) got an empty file"),
        (hr.npy, "empty.npy", DataError, r"npy\('empty.npy'\) got an empty file"),
        (hr.npy, "short.npy", DataError, "wants 8000 bytes, 7500 are there"),
        (hr.npz, "short.npz", zipfile.BadZipFile, "not a zip"),
        (hr.npz, "noise.npz", zipfile.BadZipFile, "not a zip"),
        (hr.npy, "noise.npy", ValueError, "magic"),
    ]
    for make, name, error, match in wanted:
        stream = make(tmp_path / name)
        assert stream.size is None
        assert str(stream)
        with stream.open() as cursor:
            for _ in range(2):
                with pytest.raises(error, match=match) as caught:
                    next(cursor)
                assert f"  file: {tmp_path / name}" in caught.value.__notes__
            assert cursor.skip() == 1
            assert cursor.take(3) == []
            state = cursor.state()
        with stream.open(at=state) as cursor:
            assert cursor.take(1) == []


def test_damage_in_a_compressed_archive_is_found(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", X=RNG.normal(size=1000))
    data = bytearray((tmp_path / "a.npz").read_bytes())
    data[3000] ^= 0xFF
    (tmp_path / "a.npz").write_bytes(data)
    with pytest.raises(Exception, match=r"CRC|invalid|Error") as caught:
        list(hr.npz(tmp_path / "a.npz"))
    assert any("file:" in note for note in caught.value.__notes__)


def test_a_file_cut_short_while_it_is_read_gives_the_rows_that_are_left(tmp_path: Path) -> None:
    X = RNG.normal(size=(300, 100))  # 800 bytes a row
    np.save(tmp_path / "a.npy", X)
    with hr.npy(tmp_path / "a.npy").open() as cursor:
        next(cursor)
        os.truncate(tmp_path / "a.npy", 128 + 800 * 250)
        with pytest.raises(DataError, match="cut short"):
            cursor.take(300)
        found = [next(cursor) for _ in range(249)]
        assert same(np.array(found), X[1:250])
        with pytest.raises(DataError, match="cut short"):
            next(cursor)
        assert cursor.skip() == 1
        assert cursor.position == 251


@pytest.mark.parametrize("order", ORDERS)
def test_nothing_is_open_before_the_first_item_or_after_the_end(
    order: Any, tmp_path: Path, open_here: Callable[[], list[str]]
) -> None:
    np.savez(tmp_path / "a.npz", X=np.asfortranarray(RNG.normal(size=(30, 3000))), Y=RNG.normal(size=(30, 3000)))
    stream = hr.npz(tmp_path / "a.npz", order=order)
    cursor = stream.open(hr.Key(1))
    assert open_here() == []
    kept = cursor.take(5)
    assert open_here()
    cursor.close()
    cursor.close()
    assert open_here() == []
    assert len(kept) == 5
    assert stream.size in (30, inf)
    assert open_here() == []


def test_recipes_are_values(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", X=np.arange(5))
    stream = hr.npz(str(tmp_path / "a.npz"), "X", order="random").seeded(1)
    list(stream(3))
    twin = pickle.loads(pickle.dumps(stream))
    assert twin == stream
    assert hr.load(dump(stream)) == stream
    assert same(list(twin(20)), list(stream(20)))
    (tmp_path / "moved").mkdir()
    (tmp_path / "moved" / "a.npz").write_bytes((tmp_path / "a.npz").read_bytes())
    moved = hr.npz(tmp_path / "moved" / "a.npz", "X", order="random").seeded(1)
    assert moved.fingerprint == stream.fingerprint
    np.savez(tmp_path / "moved" / "a.npz", X=np.arange(6))
    changed = hr.npz(tmp_path / "moved" / "a.npz", "X", order="random").seeded(1)
    assert changed.fingerprint != stream.fingerprint
    with pytest.raises(StreamConfigError, match="cannot be divided"):
        stream.shard(0, 2)
