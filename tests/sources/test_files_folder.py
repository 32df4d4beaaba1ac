from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.core import same
from headrace.core.describe import dump
from headrace.errors import DataError, StreamConfigError


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    """Twelve files of 0, 1, 2, ... 11 rows; row r of file k is 100 k + r."""
    folder = tmp_path / "songs"
    folder.mkdir()
    for k in range(12):
        np.savez(folder / f"song{k}.npz", x=100 * k + np.arange(k))
    return folder


ALL = [100 * k + r for k in range(12) for r in range(k)]


def numbers(items: Any) -> list[int]:
    return [int(item["x"]) for item in items]


def test_files_are_found_in_natural_order(songs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (songs / "notes.txt").write_text("not data")
    (songs / "more").mkdir()
    np.savez(songs / "more" / "song3.npz", x=np.arange(1))
    names = [f"song{k}.npz" for k in range(12)]

    def found(*args: Any, **kwargs: Any) -> list[str]:
        return [stream.path.relative_to(songs.resolve()).as_posix() for stream in hr.files(*args, **kwargs)]  # type: ignore[attr-defined]

    assert found(songs) == found(str(songs)) == found(songs / "*.npz") == names
    assert found(songs, "**/*.npz") == ["more/song3.npz", *names]
    assert found(songs / "**" / "*3.npz") == ["more/song3.npz", "song3.npz"]
    assert found([songs / "song3.npz", songs / "song1.npz"]) == ["song3.npz", "song1.npz"]
    monkeypatch.chdir(songs)
    assert [str(stream.path) for stream in hr.files("song1*.npz")] == ["song1.npz", "song10.npz", "song11.npz"]  # type: ignore[attr-defined]


def test_each_suffix_has_its_format_and_options(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(3))
    np.savez(tmp_path / "b.npz", x=np.arange(3), y=np.arange(3))
    (tmp_path / "c.csv").write_text("x\n1\n")
    assert [s.node_name for s in hr.files(tmp_path)] == ["npy", "npz", "csv"]
    assert [s.order for s in hr.files(tmp_path, order="random")] == ["random"] * 3  # type: ignore[attr-defined]
    (stream,) = hr.files(tmp_path, "*.npz", fields="y")
    assert list(next(iter(stream))) == ["y"]
    with pytest.raises(StreamConfigError, match=r"options fields .*a.npy'.*hr\.npy"):
        hr.files(tmp_path, fields="x")
    (tmp_path / "d.txt").write_text("")
    with pytest.raises(StreamConfigError, match=r"d.txt', wanted a file ending in \.npz"):
        hr.files(tmp_path, "*")
    for where in (tmp_path / "none", tmp_path / "*.h5", str(tmp_path / "**" / "*.pq")):
        with pytest.raises(StreamConfigError, match="found nothing"):
            hr.files(where)
    with pytest.raises(StreamConfigError, match="wanted a folder"):
        hr.folder(3)  # type: ignore[arg-type]


def test_one_after_another(songs: Path, cuts_change_nothing: Callable[..., list[Any]]) -> None:
    stream = hr.folder(songs)
    assert numbers(cuts_change_nothing(stream, 100)) == ALL
    assert len(stream) == len(ALL)
    limited = hr.folder(songs, n=20)
    assert numbers(cuts_change_nothing(limited, 100)) == ALL[:20]
    assert len(limited) == 20


@pytest.mark.parametrize("order", ["shuffled", "random"])
def test_in_random_order(order: Any, songs: Path, cuts_change_nothing: Callable[..., list[Any]]) -> None:
    stream = hr.folder(songs, order=order, max_open=3)
    found = numbers(cuts_change_nothing(stream, len(ALL)))
    assert set(found) <= set(ALL)
    assert found != ALL
    assert (sorted(found) == ALL) == (order == "shuffled")
    assert numbers(stream.open(hr.Key(7)).take(0)) == []
    with hr.folder(songs, order=order, max_open=50).open(hr.Key(7)) as other:
        assert numbers(other.take(len(ALL))) == found  # the bound changes no item


def test_random_rows_are_uniform_over_all_files(songs: Path) -> None:
    """Chi-square over 300 seeds of 220 draws from 66 rows: false alarm 1e-6."""
    from scipy.stats import chi2

    stream = hr.folder(songs, order="random")
    place = {x: i for i, x in enumerate(ALL)}
    counts = np.zeros(len(ALL))
    for seed in range(300):
        with stream.open(hr.Key(seed)) as cursor:
            for x in numbers(cursor.take(220)):
                counts[place[x]] += 1
    wanted = counts.sum() / counts.size
    assert wanted == 1000
    assert ((counts - wanted) ** 2 / wanted).sum() < chi2.isf(1e-6, counts.size - 1)


@pytest.mark.parametrize("order", ["sequential", "shuffled"])
@pytest.mark.parametrize("n", [1, 2, 5, 12])
def test_shards_are_disjoint_and_complete(order: Any, n: int, songs: Path) -> None:
    stream = hr.folder(songs, order=order)
    parts = [numbers(stream.shard(i, n).seeded(1)) for i in range(n)]
    assert sorted(x for part in parts for x in part) == ALL
    for i, part in enumerate(parts):
        assert {x // 100 for x in part} == set(range(i, 12, n)) - {0}
    again = [numbers(stream.shard(1, 2).shard(i, 3).seeded(1)) for i in range(3)] if n == 2 else []
    assert sorted(x for part in again for x in part) == sorted(parts[1] if n == 2 else [])


def test_shards_share_no_random_numbers(tmp_path: Path) -> None:
    for k in range(6):
        np.savez(tmp_path / f"{k}.npz", x=np.arange(1000))  # equal files: equal draws would show
    stream = hr.folder(tmp_path, order="random")
    whole = [(stream, "whole"), *((stream.shard(i, n), (i, n)) for n in (2, 3) for i in range(n))]
    drawn = {}
    for part, name in whole:
        with part.open(hr.Key(1)) as cursor:
            drawn[name] = tuple(numbers(cursor.take(50)))
    assert len(set(drawn.values())) == len(drawn)
    for a in drawn:
        for b in drawn:
            equal = sum(x == y for x, y in zip(drawn[a], drawn[b], strict=True))
            assert a == b or equal < 6  # of 50, each by chance 1 in 1000: false alarm below 1e-9


def test_a_state_of_one_shard_is_not_one_of_another(songs: Path) -> None:
    stream = hr.folder(songs)
    with stream.shard(0, 2).open() as cursor:
        cursor.take(3)
        state = json.loads(json.dumps(cursor.state()))
    with pytest.raises(hr.StateMismatchError):
        stream.shard(1, 2).open(at=state)


def test_what_cannot_be_sharded(songs: Path) -> None:
    with pytest.raises(StreamConfigError, match="n=13, wanted at most the number of files, 12"):
        hr.folder(songs).shard(0, 13)
    with pytest.raises(StreamConfigError, match="take"):
        hr.folder(songs, n=3).shard(0, 2)
    with pytest.raises(StreamConfigError, match="0 <= i < n"):
        hr.folder(songs).shard(2, 2)
    for max_open in (0, -1, 1.5):
        with pytest.raises(StreamConfigError, match="max_open"):
            hr.folder(songs, max_open=max_open)  # type: ignore[arg-type]
    with pytest.raises(StreamConfigError, match="order="):
        hr.folder(songs, order="any")  # type: ignore[arg-type]


def test_descriptors_are_bounded_over_200_files(tmp_path: Path, open_here: Callable[[], list[str]]) -> None:
    for k in range(200):
        np.savez(tmp_path / f"{k}.npz", x=np.full(20, k), big=np.asfortranarray(np.ones((20, 500))))
    stream = hr.folder(tmp_path, order="random", max_open=5).seeded(1)
    most, seen = 0, set()
    with stream.open() as cursor:
        for item in cursor:
            seen.add(int(item["x"]))
            most = max(most, len(set(open_here())))
            if cursor.position == 600:
                break
    assert open_here() == []
    assert most == 5
    assert len(seen) > 150
    with hr.folder(tmp_path).open() as cursor:
        for _ in cursor:
            assert len(set(open_here())) <= 1
    assert open_here() == []


def test_a_broken_file_is_named_and_passed(songs: Path) -> None:
    (songs / "song4.npz").write_bytes(b"")
    stream = hr.folder(songs)
    assert stream.size is None
    with stream.open() as cursor:
        with pytest.raises(DataError, match=r"song4.npz") as caught:
            cursor.take(100)
        assert any("root/folder[4]/npz" in note for note in caught.value.__notes__)
        found = numbers(cursor.take(6))
        with pytest.raises(DataError):
            next(cursor)
        state = json.loads(json.dumps(cursor.state()))
        assert cursor.skip() == 1
        found += numbers(cursor)
    assert found == [x for x in ALL if x // 100 != 4]
    with stream.open(at=state) as cursor, pytest.raises(DataError):
        next(cursor)
    with hr.folder(songs, order="random").open() as cursor, pytest.raises(DataError, match="song4"):
        next(cursor)


def test_members_of_a_mux(songs: Path, open_here: Callable[[], list[str]]) -> None:
    members = hr.files(songs, order="random")
    mux: hr.Stream[Any] = hr.StochasticMux(members, n_active=4, rate=3, seed=1)
    with mux.open() as cursor:
        found = numbers(cursor.take(3000))
        assert len(set(open_here())) <= 4
    assert set(found) == set(ALL)
    assert open_here() == []


def test_recipes_are_values(songs: Path) -> None:
    stream = hr.folder(songs, order="shuffled").seeded(3)
    twin = pickle.loads(pickle.dumps(stream))
    assert twin == stream
    assert hr.load(dump(stream)) == stream
    assert twin.fingerprint == stream.fingerprint
    assert same(list(twin), list(stream))
    assert "song0.npz" in str(stream)
    assert hr.folder(songs).spec is not None
    fewer = hr.folder(sorted(songs.glob("*"))[1:], order="shuffled").seeded(3)
    assert fewer.fingerprint != stream.fingerprint
    os.remove(songs / "song5.npz")
    with pytest.raises(StreamConfigError, match=r"song5.npz', which is no file"):
        hr.load(dump(stream))


def test_csv_files_in_random_order(tmp_path: Path, cuts_change_nothing: Callable[..., list[Any]]) -> None:
    for k in range(4):
        (tmp_path / f"{k}.csv").write_text("x\n" + "".join(f"{10 * k + r}\n" for r in range(5)))
    found = cuts_change_nothing(hr.folder(tmp_path, order="shuffled", max_open=2), 20)
    assert sorted(numbers(found)) == [10 * k + r for k in range(4) for r in range(5)]
    assert numbers(hr.folder(tmp_path)) == [10 * k + r for k in range(4) for r in range(5)]
    assert hr.folder(tmp_path).size is None
