"""What image files hold beside a picture of three bytes: sixteen bits, pages, palettes; and where they lie."""

from __future__ import annotations

import os
import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from frames.deep_files import write_png, write_tiff
from headrace.errors import DataError, StreamConfigError
from headrace.frames import ImageSequence, NumpyReader
from support.require import require

Image = require("PIL.Image")
DEEP = np.random.default_rng(0).integers(0, 2**16, (7, 9, 3), dtype=np.uint16)


def deep(folder: Path, kind: str) -> Path:
    seen = np.dstack([DEEP, DEEP[..., 0]])
    if kind == "png":
        return write_png(folder / "a.png", DEEP)
    if kind == "png, transparent":
        return write_png(folder / "a.png", seen)
    if kind == "tif, transparent":
        return write_tiff(folder / "a.tif", seen, "<")
    order, _, strip = kind.partition(" ")
    return write_tiff(folder / "a.tif", DEEP, order, int(strip or 100))


@pytest.mark.parametrize("kind", ["png", "png, transparent", "<", ">", "< 3", "> 3", "tif, transparent"])
def test_sixteen_bits_in_colour_are_all_there(kind: str, tmp_path: Path) -> None:
    path = deep(tmp_path, kind)
    film = ImageSequence([path], None, is_color=True)
    assert film.spec is not None
    assert film.spec[""].dtype == np.dtype("u2").str
    assert (film[0] == DEEP).all()
    assert (ImageSequence([path], (3, 4), offset=(2, 1), is_color=True)[0] == DEEP[2:5, 1:5]).all()
    mean = ImageSequence([path], None)[0]
    assert np.array_equal(mean, (DEEP.astype("f8").sum(-1) / 3).astype("f4"))
    luma = ImageSequence([path], None, grey="luma")[0]
    assert np.allclose(luma, DEEP @ [0.299, 0.587, 0.114], rtol=1e-6)
    with pytest.raises(DataError, match=r"dtype=\) got \d+ at row 0, col 0.* of uint16, wanted what uint8 holds.*a\."):
        ImageSequence([path], None, is_color=True, dtype="u1").get()


def test_sixteen_bits_that_are_turned(tmp_path: Path) -> None:
    path = write_tiff(tmp_path / "a.tif", DEEP, "<", turn=6)
    film = ImageSequence([path], None, is_color=True)
    assert film.size == (9, 7)
    assert (film[0] == np.rot90(DEEP, -1)).all()


def test_sixteen_bits_that_pillow_halves_are_refused(tmp_path: Path) -> None:
    grey = write_png(tmp_path / "a.png", DEEP[..., :2])
    (tmp_path / "a.ppm").write_bytes(b"P6 9 7 65535\n" + DEEP.astype(">u2").tobytes())
    for path in (grey, tmp_path / "a.ppm"):
        with pytest.raises(DataError, match="16 bits in each of several channels"):
            ImageSequence([path], None).get()


def test_eight_and_sixteen_bits_are_not_mixed_unsaid(tmp_path: Path) -> None:
    Image.fromarray(np.full((7, 9, 3), 5, "u1")).save(tmp_path / "a.png")
    write_png(tmp_path / "b.png", DEEP)
    with pytest.raises(DataError, match=r"uint16 in '.*b\."):
        ImageSequence(str(tmp_path / "*.png"), None, is_color=True)[1]
    both = ImageSequence(str(tmp_path / "*.png"), None, is_color=True, dtype="u2").read(2)
    assert (both[0] == 5).all()
    assert (both[1] == DEEP).all()


@pytest.mark.parametrize("kind", ["tif", "gif", "png", "webp"])
def test_files_of_several_images_are_refused(kind: str, tmp_path: Path) -> None:
    pages = [Image.fromarray(np.full((6, 6, 3), 40 * k, "u1")) for k in range(3)]
    pages[0].save(tmp_path / f"b.{kind}", save_all=True, append_images=pages[1:])
    pages[0].save(tmp_path / f"a.{kind}")
    for is_color in (False, True):
        with pytest.raises(DataError, match=r"b\..*file of several images, wanted files of one each"):
            ImageSequence([tmp_path / f"b.{kind}"], None, is_color=is_color)
        with ImageSequence(str(tmp_path / f"*.{kind}"), None, is_color=is_color) as film:
            assert film.get(1).shape[-2:] == (6, 6)
            with pytest.raises(DataError, match="several images"):
                film.get(1)


@pytest.mark.parametrize("grey", ["mean", "luma"])
def test_palettes_with_transparency_are_looked_up_without_a_word(grey: Any, tmp_path: Path) -> None:
    colours = np.random.default_rng(1).integers(0, 255, (8, 3), dtype=np.uint8)
    image = Image.fromarray(np.arange(64, dtype="u1").reshape(8, 8) % 8, mode=None).convert("P")
    image.putpalette(colours.tobytes())
    image.save(tmp_path / "a.png", transparency=bytes([0, 50, 100, 255]))
    image.save(tmp_path / "b.png", transparency=3)
    due = colours[np.arange(64).reshape(8, 8) % 8]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in ("a.png", "b.png"):
            assert (ImageSequence([tmp_path / name], None, is_color=True)[0] == due).all()
            found = ImageSequence([tmp_path / name], None, grey=grey)[0]
            weights = [1 / 3] * 3 if grey == "mean" else [0.299, 0.587, 0.114]
            assert np.abs(found - due @ weights).max() <= 1


@pytest.mark.parametrize("wrong", ["S3", "c8", object, "M8[s]", "x", "?", "u1,u1"])
def test_types_that_are_no_numbers(wrong: Any, tmp_path: Path) -> None:
    Image.fromarray(DEEP[..., 0]).save(tmp_path / "a.png")
    with pytest.raises(StreamConfigError, match=r"ImageSequence\(dtype=\) got .*, wanted a type of numbers.\n  Choose"):
        ImageSequence([tmp_path / "a.png"], None, dtype=wrong)


def test_a_narrower_type_holds_the_values_or_says_which_not(tmp_path: Path) -> None:
    data = np.full((5, 5), 200, "u2")
    Image.fromarray(data).save(tmp_path / "a.png")
    data[1, 2] = 300
    Image.fromarray(data).save(tmp_path / "b.png")
    for is_color in (False, True):
        film = ImageSequence(str(tmp_path / "*.png"), None, is_color=is_color, dtype="u1")
        assert film.get(1).max() == 200
        with pytest.raises(DataError, match=r"got 300(\.0)? at row 1, col 2.*, in '.*b\.png'"):
            film.get(1)
    with pytest.raises(DataError, match="int8 holds"):
        ImageSequence([tmp_path / "a.png"], None, dtype="i1").get()


def test_large_whole_numbers_of_grey_images(tmp_path: Path) -> None:
    data = np.array([[2**24 + 1, 5], [-7, 2**31 - 1]], "i4")
    Image.fromarray(data).save(tmp_path / "a.tif")
    for dtype in ("i4", "f8"):
        assert (ImageSequence([tmp_path / "a.tif"], None, dtype=dtype)[0] == data).all()
    with pytest.raises(DataError, match="got 16777217 at row 0, col 0 of int32, wanted what float32 holds"):
        ImageSequence([tmp_path / "a.tif"], None)[0]
    Image.fromarray(data // 256).save(tmp_path / "b.tif")
    assert (ImageSequence([tmp_path / "b.tif"], None)[0] == data // 256).all()


def test_folders_below(tmp_path: Path) -> None:
    for k, name in enumerate(("x/1", "x/y/2", "3", "x/y/z.png/4")):
        path = tmp_path / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((5, 5), k, "u1")).save(path)

    def found(pattern: str) -> Any:
        return sorted(ImageSequence(str(tmp_path / pattern), None).get(9)[:, 0, 0].tolist())

    assert found("**/*.png") == [0, 1, 2, 3]
    assert found("x/**/*.png") == [0, 1, 3]
    assert found("x/**") == [0, 1, 3]
    assert found("*.png") == [2]
    with pytest.raises(StreamConfigError, match="no file is called"):
        ImageSequence(str(tmp_path / "x/y/z*"))  # which a folder is called


def test_files_are_found_again_from_another_folder(tmp_path: Path, monkeypatch: Any) -> None:
    for k in range(2):
        Image.fromarray(np.full((5, 5), k, "u1")).save(tmp_path / f"{k}.png")
    np.save(tmp_path / "a.npy", np.arange(20).reshape(5, 2, 2))
    monkeypatch.chdir(tmp_path)
    films = ImageSequence("*.png", None), ImageSequence(["0.png", Path("1.png")], None), NumpyReader("a.npy")
    saved, marks = pickle.dumps(films), [film.fingerprint for film in films]
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    for film in (*films, *pickle.loads(saved)):
        assert film.get(1).max() in (0, 3)
        assert film[1].max() in (1, 7)
    assert [film.fingerprint for film in films] == marks
    assert os.getcwd() == str(tmp_path / "sub")
