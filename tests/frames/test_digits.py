"""Digits: the walk, labels, files and their errors, spikes.

Seeds are fixed where spikes are counted, so that nothing there fails by chance. Means are bounded by four standard
deviations (of other seeds, 6 in 100 000 would be outside), variances by about three (1 in 200).
"""

from __future__ import annotations

import gzip
import hashlib
import io
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace as hr
from frames.makers import digits
from headrace.errors import DataError, HeadraceWarning, StreamConfigError
from headrace.frames import MNISTStream, PoissonMNISTStream, PseudoNMNIST, read_idx, write_idx
from headrace.frames.digits import files

STREAMS = (MNISTStream, PoissonMNISTStream, PseudoNMNIST)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return digits(tmp_path)


def numbered(folder: Path, n: int) -> Path:
    """Digits whose first two pixels are their number, and whose label is its last figure."""
    images = np.zeros((n, 2, 2), "u1")
    images[:, 0, 0], images[:, 0, 1] = np.arange(n) % 256, np.arange(n) // 256
    write_idx(folder / "t10k-images-idx3-ubyte.gz", images)
    write_idx(folder / "t10k-labels-idx1-ubyte", (np.arange(n) % 10).astype("u1"))
    return folder


@pytest.mark.parametrize(("init", "advance", "n"), [(0, 179425529, 10000), (123456789012, 7, 100), (-3, -1, 13)])
def test_the_kth_digit_is_init_plus_k_advance(tmp_path: Path, init: int, advance: int, n: int) -> None:
    stream = MNISTStream(numbered(tmp_path, n), 3, 255, init, advance, check=False)
    for k in (1, 2, 3, n, n + 1, 10**15):
        frame = stream[3 * (k - 1)]
        assert frame[0, 0] + 256 * frame[0, 1] == (init + k * advance) % n
        assert (stream[3 * k - 1] == frame).all()
    block = stream.get(3 * n)
    shown = (block[0, 0, ::3, 0, 0] + 256 * block[0, 0, ::3, 0, 1]).astype(int)
    assert sorted(shown) == list(range(n)), "every digit once"


def test_a_walk_that_leaves_digits_out_is_told(tmp_path: Path) -> None:
    numbered(tmp_path, 100)
    for make in (MNISTStream, PoissonMNISTStream):
        with pytest.warns(HeadraceWarning, match="80 of the 100 digits are never shown"):
            make(tmp_path, advance=15, check=False)


def test_values_labels_and_layout(folder: Path) -> None:
    images = read_idx(folder / "t10k-images-idx3-ubyte")
    stream = MNISTStream(folder, 2, 3.0, init=0, advance=1)
    block, labels = stream.get_with_labels(8)
    assert block.dtype == np.float32
    assert block.shape == (1, 1, 8, 6, 5)
    assert np.allclose(block[0, 0, ::2], images[1:5] * (3.0 / 255))
    assert labels.tolist() == [1, 1, 2, 2, 3, 3, 4, 4]
    assert stream.get_with_labels(2)[1].tolist() == [5, 5], "it has moved"
    both = MNISTStream(folder, 2, 1.0, 0, 1, include_label=True).get(8)
    assert both.shape == (1, 2, 8, 6, 5)
    assert (both[0, 1] == labels[:, None, None]).all()


def test_items_with_labels_go_into_training(folder: Path) -> None:
    stream = MNISTStream(folder, rep=1, init=0, advance=1)
    stream.get(3)
    batch = next(iter(stream.labelled() | hr.batch(4)))
    assert batch["frame"].shape == (4, 6, 5)
    assert batch["label"].tolist() == [1, 2, 3, 4]
    item = PoissonMNISTStream(folder, seed=7).labelled()[5]
    assert item["frame"].dtype == bool
    assert 0 <= item["label"] < 7


@pytest.mark.parametrize("make", STREAMS)
def test_a_seed_fixes_where_a_walk_begins(folder: Path, make: Any) -> None:
    more = {"output_size": (8, 8)} if make is PseudoNMNIST else {}
    one, two = make(folder, seed=7, **more), make(folder, seed=7, **more)
    assert (one.get(5) == two.get(5)).all()
    assert len({make(folder, seed=k, **more).get_with_labels(1)[1][0] for k in range(30)}) > 2
    free = make(folder, **more)
    first = free.get(9)
    free.reset()
    assert (free.get(9) == first).all()
    with pytest.raises(StreamConfigError, match="seed"):
        free[3]


def test_spikes_are_draws_with_the_right_chances(tmp_path: Path) -> None:
    images = np.broadcast_to(np.array([[0, 51, 255]], "u1"), (3, 1, 3))
    write_idx(tmp_path / "t10k-images-idx3-ubyte", images)
    write_idx(tmp_path / "t10k-labels-idx1-ubyte", np.zeros(3, "u1"))
    for fr, means in ((1.0, (0, 0.2, 1)), (0.25, (0, 0.05, 0.25))):
        spikes = PoissonMNISTStream(tmp_path, 10, fr, seed=3).get(20000)[0, 0, :, 0]
        assert spikes.dtype == bool
        for pixel, p in zip(spikes.T, means, strict=True):
            assert abs(pixel.mean() - p) <= 4 * (p * (1 - p) / 20000) ** 0.5
    counts = spikes[:, 1].reshape(-1, 50).sum(axis=1)
    assert counts.var() / counts.mean() == pytest.approx(1 - 0.05, rel=0.2)  # Fano factor of a Bernoulli train
    gaps = np.diff(np.flatnonzero(spikes[:, 2]))
    assert gaps.std() / gaps.mean() == pytest.approx(0.75**0.5, rel=0.05)  # geometric


@pytest.mark.parametrize("rep", [1, 10, 64, 65, 1000])
def test_spikes_do_not_depend_on_how_they_are_asked_for(folder: Path, rep: int) -> None:
    stream = PoissonMNISTStream(folder, rep, 0.5, seed=3)
    whole = stream[0:300]
    assert all((stream[i] == whole[i]).all() for i in (0, 1, 9, 63, 64, 65, 200, 299))
    assert (stream[[299, 3, 3, 150]] == whole[[299, 3, 3, 150]]).all()
    joined = np.concatenate([stream.read(n) for n in (1, 2, 61, 0, 100, 136)])
    assert (joined == whole).all()
    assert rep > 150 or not (whole[0:rep] == whole[rep : 2 * rep]).all()


def test_a_pickle_goes_on_and_holds_no_digits(folder: Path) -> None:
    stream = PoissonMNISTStream(folder, seed=3)
    stream.get(5)
    sent = pickle.dumps(stream)
    assert len(sent) < 3000
    assert (pickle.loads(sent).get(9) == stream.get(9)).all()


# --- files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("below", ["", "raw", "MNIST/raw"])
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_files_are_found_where_others_put_them(tmp_path: Path, below: str, ending: str) -> None:
    place = tmp_path / below
    place.mkdir(parents=True, exist_ok=True)
    write_idx(place / f"train-images-idx3-ubyte{ending}", np.zeros((3, 4, 4), "u1"))
    write_idx(place / f"train-labels-idx1-ubyte{ending}", np.arange(3, dtype="u1"))
    assert MNISTStream(tmp_path, split="train", check=False).get(2).shape == (1, 1, 2, 4, 4)
    with pytest.raises(StreamConfigError, match="t10k-images"):
        MNISTStream(tmp_path, check=False)


@pytest.mark.parametrize("make", STREAMS)
def test_labels_are_needed_where_they_are_asked_for(folder: Path, make: Any) -> None:
    more = {"output_size": (8, 8)} if make is PseudoNMNIST else {}
    whole = make(folder, init=0, seed=3, **more).get(5)
    (folder / "t10k-labels-idx1-ubyte").unlink()
    stream = make(folder, init=0, seed=3, **more)
    assert (stream.get(5) == whole).all()
    assert (pickle.loads(pickle.dumps(stream))[:5] == stream[:5]).all()
    stream.reset()
    asks: list[Any] = [lambda: stream.get_with_labels(2), stream.labelled]
    asks += [lambda: stream.get_events(0)] if more else [lambda: make(folder, include_label=True)]
    for ask in asks:
        with pytest.raises(StreamConfigError, match=rf"{make.__name__} got .* without a file of labels"):
            ask()
    assert stream.i == 0
    assert (stream.get(5) == whole).all()


def test_a_file_of_another_length_is_told_before_anything_is_read(folder: Path) -> None:
    for name in ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"):
        good = (folder / name).read_bytes()
        for wrong in (good[:-1], good + b"1"):
            (folder / name).write_bytes(wrong)
            with pytest.raises(DataError, match=f"{name}.*where its header promises"):
                MNISTStream(folder)
        (folder / name).write_bytes(good)
    write_idx(folder / "t10k-images-idx3-ubyte.gz", read_idx(folder / "t10k-images-idx3-ubyte"))
    (folder / "t10k-images-idx3-ubyte").unlink()
    zipped = folder / "t10k-images-idx3-ubyte.gz"
    zipped.write_bytes(zipped.read_bytes()[:-20])
    stream = MNISTStream(folder, check=False)  # how long it is would take reading it
    with pytest.raises(DataError, match=r"damaged|holds"):
        stream.get(1)


def test_a_wrong_sum_is_an_error_and_any_other_file_will_do(tmp_path: Path) -> None:
    numbered(tmp_path, 11)
    with pytest.raises(DataError, match=r"md5 sum .*wanted 9fb629c4189551a2d022fa330f9573f3"):
        MNISTStream(tmp_path)
    assert MNISTStream(tmp_path, check=False).get().shape == (1, 1, 1, 2, 2)
    raw = gzip.decompress((tmp_path / "t10k-images-idx3-ubyte.gz").read_bytes())
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(raw)  # no sum of it is known
    assert MNISTStream(tmp_path).get().shape == (1, 1, 1, 2, 2)


def test_a_file_whose_sum_is_right_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    numbered(tmp_path, 11)
    name = "t10k-images-idx3-ubyte.gz"
    monkeypatch.setitem(files._SUMS, name, hashlib.md5((tmp_path / name).read_bytes()).hexdigest())
    assert MNISTStream(tmp_path).get().shape == (1, 1, 1, 2, 2)


def test_a_download_is_verified_and_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, there = tmp_path / "source", tmp_path / "new" / "folder"
    source.mkdir()
    write_idx(source / "t10k-images-idx3-ubyte.gz", np.zeros((3, 4, 4), "u1"))
    write_idx(source / "t10k-labels-idx1-ubyte.gz", np.arange(3, dtype="u1"))
    asked: list[str] = []

    def opener(address: str) -> Any:
        asked.append(address)
        return io.BytesIO((source / address.rpartition("/")[2]).read_bytes())

    with pytest.raises(DataError, match="md5"):
        MNISTStream(there, download=True, opener=opener)
    assert not there.exists(), "nothing wrong is kept"
    for path in source.iterdir():
        monkeypatch.setitem(files._SUMS, path.name, hashlib.md5(path.read_bytes()).hexdigest())
    asked.clear()
    assert MNISTStream(there, download=True, opener=opener).get(2).shape == (1, 1, 2, 4, 4)
    assert [address.rpartition("/")[2] for address in asked] == sorted(path.name for path in source.iterdir())
    assert sorted(path.name for path in there.iterdir()) == sorted(path.name for path in source.iterdir())
    usual = tmp_path / "usual"
    usual.touch()
    assert all(path.stat().st_mode == usual.stat().st_mode for path in there.iterdir()), (
        "others may read it, as any file"
    )
    MNISTStream(there, download=True, opener=opener)
    assert len(asked) == 2, "what is there is not fetched again"

    def broken(address: str) -> Any:
        raise OSError("no route")

    with pytest.raises(DataError, match="no route"):
        MNISTStream(tmp_path, download=True, opener=broken)


def test_nothing_is_fetched_unasked(tmp_path: Path) -> None:
    with pytest.raises(StreamConfigError, match="download=True fetches"):
        MNISTStream(tmp_path, opener=lambda address: pytest.fail(address))


HEAD = struct.pack(">IIII", 0x803, 3, 4, 4)
BROKEN: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "wanted the whole header"),
    "a page": (b"<!DOCTYPE html>", "0x3c21444f"),
    "wrong magic": (b"\0\0\x07\x03" + HEAD[4:] + bytes(48), "0x00000803 for images"),
    "half a header": (HEAD[:9], "wanted the whole header"),
    "cut short": (HEAD + bytes(40), "holds 40 bytes where its header promises 48"),
    "too long": (HEAD + bytes(49), "holds more"),
    "endless": (struct.pack(">IIII", 0x803, 1 << 31, 1 << 15, 1 << 15) + bytes(48), "promises"),
    "labels": (struct.pack(">II", 0x801, 48) + bytes(48), "wanted images"),
    "floats": (struct.pack(">IIII", 0xD03, 3, 2, 2) + bytes(48), "wanted images"),
    "of another number": (struct.pack(">IIII", 0x803, 12, 2, 2) + bytes(48), "wanted one for each of the 12 images"),
    "none": (struct.pack(">IIII", 0x803, 0, 2, 2), "at least one"),
    "gz, cut short": (gzip.compress(HEAD + bytes(48), mtime=0)[:-12], "damaged|holds|header"),
    "gz, flipped": (gzip.compress(HEAD + bytes(48), mtime=0)[:-7] + b"abcdefg", "damaged"),
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("make", STREAMS)
def test_broken_files_are_told(tmp_path: Path, name: str, make: Any) -> None:
    data, told = BROKEN[name]
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(data)
    write_idx(tmp_path / "t10k-labels-idx1-ubyte", np.arange(3, dtype="u1"))
    with pytest.raises(DataError, match=told) as caught:
        make(tmp_path).get(1)
    assert "t10k-images-idx3-ubyte" in str(caught.value)


@pytest.mark.parametrize("dtype", ["u1", "i1", ">i2", "<i4", ">f4", "f8"])
def test_idx_files_of_all_types(tmp_path: Path, dtype: str) -> None:
    array = np.arange(24).reshape(2, 3, 4).astype(dtype)
    write_idx(tmp_path / "a", array)
    assert (tmp_path / "a").read_bytes()[:4] == bytes([0, 0, read_code(dtype), 3])
    found = read_idx(tmp_path / "a")
    assert (found == array).all()
    assert found.dtype.newbyteorder("=") == array.dtype.newbyteorder("=")


def read_code(dtype: str) -> int:
    return {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}[dtype.lstrip("<>")]


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    for wrong in (np.array(["a"]), np.zeros(3, complex), np.uint8(3)):
        with pytest.raises(DataError, match="write_idx got"):
            write_idx(tmp_path / "a", wrong)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"rep": 0}, "rep"),
        ({"rep": 1.5}, "rep"),
        ({"advance": "far"}, "advance"),
        ({"init": 0.5}, "init"),
        ({"max_value": "white"}, "max_value"),
        ({"max_value": float("nan")}, "max_value"),
        ({"split": "valid"}, "split"),
    ],
)
def test_options_are_looked_at(folder: Path, more: dict[str, Any], told: str) -> None:
    with pytest.raises(StreamConfigError, match=rf"MNISTStream\({told}"):
        MNISTStream(folder, **more)


def test_options_of_the_others(folder: Path) -> None:
    fr: Any
    for fr in (-0.1, 1.1, "often"):
        with pytest.raises(StreamConfigError, match=r"PoissonMNISTStream\(fr="):
            PoissonMNISTStream(folder, fr=fr)
    with pytest.raises(StreamConfigError, match="wanted at least the 6 x 5"):
        PseudoNMNIST(folder, output_size=(5, 5))
    with pytest.warns(
        HeadraceWarning, match=r"PseudoNMNIST\(output_size=\) got 6 x 5, .* wanted more: .* no event.*\n  "
    ):
        PseudoNMNIST(folder, output_size=(6, 5))
    for size in ((7, 5), (6, 6)):
        assert PseudoNMNIST(folder, output_size=size, init=0).get(300).any()
    assert PseudoNMNIST(folder, output_size=(6, 5), classic=True, threshold=1, init=0).get(300).any()
    with pytest.raises(StreamConfigError, match="path of a folder"):
        MNISTStream(None)


def test_events_of_any_digit(folder: Path) -> None:
    camera = PseudoNMNIST(folder, output_size=(8, 9), init=0)
    first, label = camera.get_events(3)
    for k in (10**18, 10**30):
        events, same = camera.get_events(3 + 7 * k)
        assert (events == first).all()
        assert label == same
    with pytest.raises(StreamConfigError, match=r"output_size=\) got \(2000, 2000\), wanted at most \d+ pixels"):
        PseudoNMNIST(folder, output_size=(2000, 2000))


@pytest.mark.parametrize("opener", [5, lambda address: None, lambda address: b"abc"], ids=["5", "None", "bytes"])
def test_an_opener_that_is_none(opener: Any, tmp_path: Path) -> None:
    with pytest.raises(StreamConfigError, match=r"MNISTStream\(opener=\) got .*wanted .*\n  "):
        MNISTStream(tmp_path, download=True, opener=opener)
    assert list(tmp_path.iterdir()) == []
