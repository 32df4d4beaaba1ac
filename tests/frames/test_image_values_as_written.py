"""Frames have the values that are written in image files, also where Pillow gives others; else a file is refused."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from frames.deep_files import write_png
from headrace.errors import DataError, StreamConfigError
from headrace.frames import ImageSequence
from support.require import require

Image = require("PIL.Image")
RNG = np.random.default_rng(0)


def tiff(path: Path, data: Any, **tags: Any) -> Path:
    """Write a TIFF file with other values of some tags: ``_262=0`` for white that is zero, ``_274`` for one that is turned."""
    Image.fromarray(data).save(path, tiffinfo={274: 1, 339: 1})
    written = path.read_bytes()
    for name, value in ({"_339": 1} | tags).items():
        tag = int(name[1:])
        at = written.index(struct.pack("<HHI", tag, 3, 1))
        written = written[: at + 8] + struct.pack("<H", value) + written[at + 10 :]
    path.write_bytes(written)
    return path


def pnm(path: Path, data: Any, most: int, plain: bool = False) -> Path:
    """Write a file of the PNM family, in bytes or in digits."""
    kind = {(2, False): "P5", (2, True): "P2", (3, False): "P6", (3, True): "P3"}[data.ndim, plain]
    rows, cols = data.shape[:2]
    values = (
        " ".join(map(str, data.ravel())).encode() if plain else data.astype(">u2" if most > 255 else "u1").tobytes()
    )
    path.write_bytes(f"{kind} {cols} {rows} {most}\n".encode() + values)
    return path


def check(path: Path, due: Any, dtype: str) -> None:
    """Check the values in colour, of a part, and in one channel of a type that holds them."""
    film = ImageSequence([path], None, is_color=True)
    assert film.spec is not None
    assert film.spec[""].dtype == np.dtype(dtype).str
    assert (film[0] == (due if due.ndim == 3 else due[..., None])).all()
    part = ImageSequence([path], (2, 3), offset=(3, 1), is_color=True)[0]
    assert (part == (due if due.ndim == 3 else due[..., None])[3:5, 1:4]).all()
    mean = due if due.ndim == 2 else due.sum(-1, dtype="f8") / 3
    assert np.allclose(ImageSequence([path], None, dtype="f8")[0], mean, rtol=1e-6)
    if due.ndim == 2:
        assert (ImageSequence([path], None, grey="luma", dtype="f8")[0] == due).all()


def test_32_bits_without_a_sign(tmp_path: Path) -> None:
    due = RNG.integers(0, 2**32, (6, 7), dtype="u4")
    due[0, :3] = 0, 2**31, 2**32 - 1
    check(tiff(tmp_path / "a.tif", due.view("i4")), due, "u4")
    check(tiff(tmp_path / "b.tif", due.view("i4"), _339=2), due.view("i4"), "i4")
    check(tiff(tmp_path / "c.tif", due.view("i4"), _262=1, _274=3), due[::-1, ::-1], "u4")
    with pytest.raises(DataError, match="of uint32, wanted what float32 holds"):
        ImageSequence([tmp_path / "a.tif"], None).get()
    small = tiff(tmp_path / "d.tif", (due % 1000).view("i4"))
    assert (ImageSequence([small], None)[0] == due % 1000).all()


def test_8_bits_with_a_sign(tmp_path: Path) -> None:
    due = RNG.integers(-128, 128, (6, 7), dtype="i1")
    check(tiff(tmp_path / "a.tif", due.view("u1"), _339=2), due, "i1")
    check(tiff(tmp_path / "b.tif", due.view("u1")), due.view("u1"), "u1")


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("most", [1, 3, 100, 254, 255, 256, 1000, 1023, 4095, 40000, 65534, 65535])
def test_values_of_pnm_files_are_not_scaled(most: int, plain: bool, tmp_path: Path) -> None:
    due = RNG.integers(0, most + 1, (60, 70))
    due[0, :2] = 0, most
    check(pnm(tmp_path / "a.pgm", due, most, plain), due, "u1" if most < 256 else "i4")
    if most < 256:
        due = RNG.integers(0, most + 1, (60, 70, 3))
        path = pnm(tmp_path / "a.ppm", due, most, plain)
        check(path, due, "u1")
        luma = ImageSequence([path], None, grey="luma")[0]
        assert np.abs(luma - due @ [0.299, 0.587, 0.114]).max() < 1


def test_white_that_is_zero(tmp_path: Path) -> None:
    data = RNG.integers(0, 2**16, (6, 7), dtype="u2")
    check(tiff(tmp_path / "a.tif", data, _262=0), 65535 - data, "u2")
    check(tiff(tmp_path / "b.tif", data), data, "u2")
    check(tiff(tmp_path / "c.tif", (data // 256).astype("u1"), _262=0), 255 - data // 256, "u1")
    floats = np.linspace(0, 1, 42, dtype="f4").reshape(6, 7)
    check(tiff(tmp_path / "d.tif", floats, _339=3), floats, "f4")
    path = tiff(tmp_path / "e.tif", floats, _262=0, _339=3)
    for is_color in (False, True):
        with pytest.raises(DataError, match=r"e\.tif', whose white is zero.*of floats.*, wanted .*\n  Save it"):
            ImageSequence([path], None, is_color=is_color).get()
    film = ImageSequence([tmp_path / "d.tif", path], None)
    film.get()
    with pytest.raises(DataError, match=r"e\.tif', whose white is zero"):
        film.get()


@pytest.mark.parametrize("depth", [1, 2])
def test_16_bits_of_one_channel_that_pillow_halves_are_refused(depth: int, tmp_path: Path) -> None:
    due = RNG.integers(0, 256**depth, (6, 7))
    head = struct.pack(">HBBHHHHII", 474, 0, depth, 2, 7, 6, 1, 0, 256**depth - 1)
    path = tmp_path / "a.sgi"  # whose rows go upwards
    path.write_bytes(head.ljust(512, b"\0") + due[::-1].astype(f">u{depth}").tobytes())
    if depth == 1:
        check(path, due, "u1")
    else:
        with pytest.raises(DataError, match="16 bits in its one channel"):
            ImageSequence([path], None).get()


def test_colours_that_are_16_bits_together(tmp_path: Path) -> None:
    data = RNG.integers(0, 2**16, (6, 8), dtype="<u2")
    size, masks = 14 + 40 + 12 + data.nbytes, struct.pack("<III", 0xF800, 0x7E0, 0x1F)
    head = struct.pack("<IIIIiiHHIIiiII", size, 0, 66, 40, 8, -6, 1, 16, 3, data.nbytes, 0, 0, 0, 0)
    (tmp_path / "a.bmp").write_bytes(b"BM" + head + masks + data.tobytes())
    red = ImageSequence([tmp_path / "a.bmp"], None, is_color=True)[0][..., 0]
    assert (red == (data >> 11) * 255 // 31).all()


def test_more_pixels_than_pillow_takes_say_where_its_limit_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for k in range(2):
        Image.fromarray(np.full((50, 50 - 40 * k), k, "u1")).save(tmp_path / f"{k}.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    for make in (
        lambda: ImageSequence([tmp_path / "0.png"], None),
        lambda: ImageSequence([tmp_path / "1.png", tmp_path / "0.png"], (5, 5))[0:2],
    ):
        with pytest.raises(
            DataError, match=r"0\.png', an image of more pixels.*2500 pixels.*, wanted at most 2000\."
        ) as no:
            make()
        assert "PIL.Image.MAX_IMAGE_PIXELS" in str(no.value).split("\n")[1]
        assert "png, jpg" not in str(no.value)
    deep = write_png(tmp_path / "deep.png", np.full((40, 40, 3), 999, "u2"))
    with pytest.warns(Image.DecompressionBombWarning):
        film = ImageSequence([deep], None, is_color=True)
    with pytest.warns(Image.DecompressionBombWarning) as warned:
        assert (film[0] == 999).all()
    assert len(warned) == 1  # though it is decoded in two halves


@pytest.mark.parametrize("images", [1, 3])
def test_more_frames_than_len_can_say_are_refused(images: int, tmp_path: Path) -> None:
    paths = [tmp_path / f"{k}.png" for k in range(images)]
    for path in paths:
        Image.fromarray(np.zeros((5, 5), "u1")).save(path)
    most = (2**63 - 1) // images
    assert len(ImageSequence(paths, None, most)) == most * images
    with pytest.raises(StreamConfigError, match=rf"\(repeat\) got 10{{20}}, wanted at most {most}.*\n"):
        ImageSequence(paths, None, 10**20)


@pytest.mark.parametrize("threads", [1, 2])
def test_the_item_that_fails_is_named_however_it_is_asked_for(threads: int, tmp_path: Path) -> None:
    paths = [tmp_path / f"{k}.png" for k in range(8)]
    for path in paths:
        Image.fromarray(np.zeros((5, 5), "u1")).save(path)
    paths[3].write_bytes(b"no image")

    def named(film: Any, ask: Any, number: int) -> None:
        with film, pytest.raises(DataError, match=r"3\.png', which is no image") as no:
            ask(film)
        said = [note for note in no.value.__notes__ if "while drawing" in note]
        assert [note.split(" of ")[0] for note in said] == [f"  while drawing item {number}"]

    def film(repeat: int = 1, **more: Any) -> Any:
        return ImageSequence(paths, None, repeat, threads=threads, **more)

    for ask in (np.asarray, lambda film: film[0:6], lambda film: film[[5, 3, 3]], lambda film: film[3], list):
        named(film(), ask, 3)
    named(film(), lambda film: film[7:0:-2], 3)
    named(film(2), lambda film: film[2:10], 6)
    named(film(2), lambda film: film[[9, 7, 6]], 7)
    named(film(on_end="repeat"), lambda film: film[7:14], 11)
    named(film(on_end="repeat"), lambda film: film[[15, 11, 3]], 11)
