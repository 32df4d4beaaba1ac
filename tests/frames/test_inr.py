"""INRIMAGE-4, against bytes written by hand."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.errors import AddressError, DataError, StreamConfigError
from headrace.frames import InrImageFileStreamer, InrImageStreamer, InrImageStreamWriter


def header(more: str = "", size: int = 256, **keys: Any) -> bytes:
    told = {
        "XDIM": 3,
        "YDIM": 2,
        "ZDIM": 4,
        "VDIM": 1,
        "TYPE": "float",
        "PIXSIZE": "64 bits",
        "SCALE": "2**0",
        "CPU": "decm",
    }
    told |= {name: value for name, value in keys.items() if value is not None}
    lines = "".join(f"{name}={value}\n" for name, value in told.items() if keys.get(name, "") is not None)
    text = f"#INRIMAGE-4#{{\n{lines}{more}"
    return (text + "\n" * (size - 4 - len(text)) + "##}\n").encode("latin-1")


def test_the_header_by_hand(tmp_path: Path) -> None:
    text = b"#INRIMAGE-4#{\nXDIM=3\nYDIM=2\nZDIM=2\nVDIM=1\nTYPE=signed fixed\nPIXSIZE=16 bits\nSCALE=2**0\nCPU=sun\n"
    by_hand = text + b"\n" * (252 - len(text)) + b"##}\n" + struct.pack(">12h", *range(12))
    (tmp_path / "a.inr").write_bytes(by_hand)
    with InrImageStreamer(tmp_path / "a.inr") as stream:
        assert stream.get(2).tolist() == [[[0, 1, 2], [3, 4, 5]], [[6, 7, 8], [9, 10, 11]]]
        assert stream.spec is not None
        assert stream.spec[""].dtype == np.dtype("i2").str
    with InrImageStreamWriter(tmp_path / "b.inr", dtype="i2", cpu="sun") as writer:
        writer.put(np.arange(12, dtype="i2").reshape(2, 2, 3))
    assert (tmp_path / "b.inr").read_bytes() == by_hand


@pytest.mark.parametrize("cpu", ["decm", "alpha", "pc", "sun", "sgi"])
@pytest.mark.parametrize(
    ("kind", "bits", "code"),
    [
        ("float", 32, "f"),
        ("float", 64, "d"),
        ("signed fixed", 8, "b"),
        ("signed fixed", 16, "h"),
        ("signed fixed", 32, "i"),
    ]
    + [("signed fixed", 64, "q"), ("unsigned fixed", 8, "B"), ("unsigned fixed", 16, "H"), ("unsigned fixed", 32, "I")]
    + [("unsigned fixed", 64, "Q")],
)
def test_every_type_and_byte_order(kind: str, bits: int, code: str, cpu: str, tmp_path: Path) -> None:
    low = -100 if kind.startswith("signed") else 0
    values = [low + k for k in range(24)]
    order = ">" if cpu in ("sun", "sgi") else "<"
    head = header(TYPE=kind, PIXSIZE=f"{bits} bits", CPU=cpu)
    by_hand = head + struct.pack(f"{order}24{code}", *values)
    (tmp_path / "a.inr").write_bytes(by_hand)
    stream = InrImageStreamer(tmp_path / "a.inr")
    block = stream.get(4)
    assert block.ravel().tolist() == values
    assert block.dtype == np.dtype(code)
    assert block.shape == (4, 2, 3)
    with InrImageStreamWriter(tmp_path / "b.inr", dtype=code, cpu=cpu) as writer:
        writer.put(block)
    assert (tmp_path / "b.inr").read_bytes() == by_hand


SAMPLES = np.arange(2 * 3 * 4 * 5, dtype="<f8")  # X=4, Y=3, Z=2, V=5: the standard order is [Z][Y][X][V]
CUBE = SAMPLES.reshape(2, 3, 4, 5)


@pytest.mark.parametrize(
    ("time", "z", "due"),
    [
        ("ZDIM", False, CUBE),
        ("VDIM", False, np.moveaxis(CUBE[0], 2, 0)),
        ("VDIM", True, np.moveaxis(np.moveaxis(CUBE, 3, 0), 1, 3)),
        ("YDIM", False, np.moveaxis(CUBE, 1, 0)),
        ("XDIM", False, np.moveaxis(CUBE, 2, 0)),
    ],
)
def test_any_dimension_counts_frames(time: str, z: bool, due: Any, tmp_path: Path) -> None:
    (tmp_path / "a.inr").write_bytes(header(XDIM=4, YDIM=3, ZDIM=2, VDIM=5) + SAMPLES.tobytes())
    stream = InrImageStreamer(tmp_path / "a.inr", z, time_dimension=time)
    assert len(stream) == len(due)
    assert (stream.read(9) == due).all()
    assert (stream[len(due) - 1] == due[-1]).all()
    assert stream.shape == (len(due), *due.shape[1:3])


def test_images_in_a_row_are_the_classic_order(tmp_path: Path) -> None:
    (tmp_path / "a.inr").write_bytes(header(XDIM=4, YDIM=3, ZDIM=2, VDIM=5) + SAMPLES.tobytes())
    due = SAMPLES.reshape(5, 4, 3, 2)  # VDIM images of XDIM rows, YDIM columns and ZDIM values
    with InrImageStreamer(tmp_path / "a.inr", order="classic") as stream:
        assert stream.shape == (5, 4, 3)
        assert (stream.get(5) == due[..., 0]).all()
    with InrImageStreamer(tmp_path / "a.inr", z=True, order="classic") as stream:
        assert (stream.read(5) == due).all()
    with InrImageStreamWriter(tmp_path / "b.inr", x=4, y=3, z=2, time_dimension="VDIM", order="classic") as writer:
        for image in due:
            writer.write(image)
    assert (tmp_path / "b.inr").read_bytes() == header(XDIM=4, YDIM=3, ZDIM=2, VDIM=5) + SAMPLES.tobytes()


def test_comments_voxel_sizes_and_long_headers(tmp_path: Path) -> None:
    more = "VX=0.5\nVY=0.5\n# made by hand\n#" + "x" * 300 + "\n"
    (tmp_path / "a.inr").write_bytes(header(more, 512, CPU=None, VDIM=None) + np.arange(24.0).tobytes())
    assert InrImageStreamer(tmp_path / "a.inr").get(4).ravel().tolist() == list(range(24))


@pytest.mark.parametrize("cut", [slice(1, None), slice(None, 3), slice(1, 4, 2), slice(None, None, -1), slice(5, 9)])
def test_a_slice_of_the_frames(cut: slice, tmp_path: Path) -> None:
    (tmp_path / "a.inr").write_bytes(header() + np.arange(24.0).tobytes())
    due = np.arange(24.0).reshape(4, 2, 3)[cut]
    stream = InrImageStreamer(tmp_path / "a.inr", slice_at=cut)
    assert len(stream) == len(due)
    assert (stream.get(9) == due).all()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"TYPE": "packed"}, "TYPE=packed.*have to be unpacked"),
        ({"TYPE": "signed fixed", "SCALE": "2**3"}, r"SCALE=2\*\*3, wanted SCALE=2\*\*0"),
        ({"TYPE": "unsigned fixed", "SCALE": "2**-8"}, r"SCALE=2\*\*-8"),
        ({"TYPE": "signed fixed", "SCALE": "10"}, "SCALE=10"),
        ({"TYPE": None}, "TYPE=nothing"),
        ({"PIXSIZE": "12 bits"}, "PIXSIZE=12 bits"),
        ({"PIXSIZE": "16 bits"}, "PIXSIZE=16 bits"),
        ({"CPU": "abacus"}, "CPU=abacus"),
        ({"XDIM": -3}, "XDIM=-3"),
        ({"XDIM": None}, "XDIM=nothing"),
        ({"ZDIM": "four"}, "ZDIM=four"),
        ({"ZDIM": 5}, "cut short"),
        ({"XDIM": "9" * 15, "YDIM": "9" * 15}, "cut short"),
    ],
)
def test_a_header_that_is_wrong_is_said_at_once(more: dict[str, Any], said: str, tmp_path: Path) -> None:
    (tmp_path / "a.inr").write_bytes(header(**more) + np.arange(24.0).tobytes())
    with pytest.raises(DataError, match=said):
        InrImageStreamer(tmp_path / "a.inr")


@pytest.mark.parametrize("scale", [None, "2**0", "2**-0", "2 ** 0"])
def test_a_scale_of_one_is_none(scale: str | None, tmp_path: Path) -> None:
    (tmp_path / "a.inr").write_bytes(header(TYPE="signed fixed", SCALE=scale) + np.arange(24, dtype="i8").tobytes())
    with InrImageStreamer(tmp_path / "a.inr") as stream:
        assert stream.get(4).ravel().tolist() == list(range(24))


def test_floats_have_no_scale(tmp_path: Path) -> None:
    (tmp_path / "a.inr").write_bytes(header(SCALE="2**3") + np.arange(24.0).tobytes())
    with InrImageStreamer(tmp_path / "a.inr") as stream:
        assert stream.get(4).ravel().tolist() == list(range(24))


@pytest.mark.parametrize("data", [b"", b"#INRIMAGE-4", b"#INRIMAGE-4#{\nXDIM=3\n" * 30, b"GIF89a" + bytes(300)])
def test_what_is_no_such_file_is_said_at_once(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.inr").write_bytes(data)
    with pytest.raises(DataError):
        InrImageStreamer(tmp_path / "a.inr")
    with pytest.raises(StreamConfigError, match="no file"):
        InrImageStreamer(tmp_path / "b.inr")


def test_options_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "a.inr").write_bytes(header() + np.arange(24.0).tobytes())
    for more in _each(
        {"order": "reversed"}, {"time_dimension": "TDIM"}, {"order": "classic", "time_dimension": "ZDIM"}
    ):
        with pytest.raises(StreamConfigError):
            InrImageStreamer(tmp_path / "a.inr", **more)
    with pytest.raises(StreamConfigError, match="step of 0"):
        InrImageStreamer(tmp_path / "a.inr", slice_at=slice(None, None, 0))
    with pytest.raises(
        StreamConfigError, match=r"InrImageStreamer\(slice_at=\) got 3, wanted a slice, or None.*\n  Write slice"
    ):
        InrImageStreamer(tmp_path / "a.inr", slice_at=3)  # type: ignore[arg-type]
    for more in _each({"dtype": "c8"}, {"cpu": "abacus"}, {"time_dimension": "VDIM"}, {"order": "x"}, {"x": 0}):
        with pytest.raises(StreamConfigError):
            InrImageStreamWriter(tmp_path / "b.inr", **more)
    assert not (tmp_path / "b.inr").exists()


def test_a_writer_refuses_other_frames_and_leaves_a_whole_file(tmp_path: Path) -> None:
    with InrImageStreamWriter(tmp_path / "a.inr", x=3, y=2, dtype="i2") as writer:
        writer.put(np.ones((2, 2, 3), "i2"))
        assert len(InrImageStreamer(tmp_path / "a.inr")) == 2, "before it is closed"
        for wrong in (np.ones((1, 3, 2), "i2"), np.ones((1, 2, 3)), np.ones((1, 3, 1, 2, 3), "i2")):
            with pytest.raises(DataError):
                writer.put(wrong)
        assert hr.drain(np.zeros((3, 2, 3), "i2"), writer) == 3
    assert InrImageStreamer(tmp_path / "a.inr").get(9).mean(axis=(1, 2)).tolist() == [1, 1, 0, 0, 0]
    with pytest.raises(hr.errors.ClosedError):
        writer.put(np.ones((1, 2, 3), "i2"))
    with InrImageStreamWriter(tmp_path / "empty.inr") as writer:
        pass
    assert len(InrImageStreamer(tmp_path / "empty.inr")) == 0


def test_colour_is_kept(tmp_path: Path) -> None:
    block = np.arange(1 * 3 * 4 * 2 * 2, dtype="f8").reshape(1, 3, 4, 2, 2)
    with InrImageStreamWriter(tmp_path / "a.inr") as writer:
        writer.put(block)
    stream = InrImageStreamer(tmp_path / "a.inr")
    assert stream.layout == "5d"
    assert (stream.get(4) == block).all()


@pytest.mark.parametrize(
    ("given", "due"),
    [("u1", "u1"), ("?", "u1"), ("f2", "f4"), ("f4", "f4"), (">i2", "i2"), ("f8", "f8"), ("g", "f8"), ("u8", "u8")],
)
def test_the_type_is_that_of_the_frames(given: str, due: str, tmp_path: Path) -> None:
    block = np.arange(12).reshape(2, 2, 3).astype(given)
    with InrImageStreamWriter(tmp_path / "a.inr") as writer:
        writer.put(block)
        writer.put(block[:1])
    found = InrImageStreamer(tmp_path / "a.inr").get(9)
    assert found.dtype == np.dtype(due)
    assert (found[:2] == block).all()


def test_many_files_are_one_film_in_natural_order(tmp_path: Path) -> None:
    for k, n in ((10, 1), (2, 3), (1, 2)):
        with InrImageStreamWriter(tmp_path / f"part{k}.inr") as writer:
            writer.put(100.0 * k + np.arange(n)[:, None, None] + np.zeros((n, 2, 2)))
    with InrImageFileStreamer(str(tmp_path / "part*.inr")) as stream:
        assert stream[:][:, 0, 0].tolist() == [100, 101, 200, 201, 202, 1000]
        stream.seek(1, 2)
        assert stream.get()[0, 0, 0] == 202
        stream.seek(2)
        assert stream.get()[0, 0, 0] == 200
        for wrong in ((3, 0), (1, 3), (-1, 0)):
            with pytest.raises(AddressError):
                stream.seek(*wrong)
        for odd in ((1, "2"), (1.0, 2)):
            with pytest.raises(StreamConfigError, match="wanted a whole number"):
                stream.seek(*odd)
    names = [tmp_path / "part10.inr", tmp_path / "part1.inr", tmp_path / "part10.inr"]
    assert InrImageFileStreamer(names).get(9)[:, 0, 0].tolist() == [1000, 100, 101, 1000]
    with InrImageStreamWriter(tmp_path / "other.inr") as writer:
        writer.put(np.zeros((1, 3, 2)))
    with pytest.raises(DataError, match=r"other\.inr"):
        InrImageFileStreamer([names[0], tmp_path / "other.inr"])
    for wrong_names in (str(tmp_path / "none*.inr"), [], 7, [tmp_path / "none.inr"]):
        with pytest.raises(StreamConfigError):
            InrImageFileStreamer(wrong_names)


def _each(*options: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    return options
