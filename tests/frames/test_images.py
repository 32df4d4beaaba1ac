"""Image files as frames."""

from __future__ import annotations

from pathlib import Path
from queue import SimpleQueue
from threading import Event
from typing import Any

import numpy as np
import pytest

from headrace.errors import DataError, StreamConfigError
from headrace.frames import ImageSequence
from headrace.frames.images.ahead import Decoded
from support.require import require

Image = require("PIL.Image")
RGB = np.random.default_rng(0).integers(0, 255, (12, 16, 3), dtype=np.uint8)


def saved(folder: Path, name: str, data: Any, mode: str | None = None, **more: Any) -> Path:
    image = Image.fromarray(data)
    (image if mode is None else image.convert(mode)).save(folder / name, **more)
    return folder / name


def test_numbers_in_names_count_as_numbers(tmp_path: Path) -> None:
    for k in (10, 2, 1, 33):
        saved(tmp_path, f"frame_{k}.png", np.full((5, 5), k, "u1"))
    pattern = str(tmp_path / "frame_*.png")
    assert ImageSequence(pattern, None).get(9)[:, 0, 0].tolist() == [1, 2, 10, 33]
    assert ImageSequence(pattern, None, sort="plain").get(9)[:, 0, 0].tolist() == [1, 10, 2, 33]
    names = [tmp_path / f"frame_{k}.png" for k in (33, 1, 33)]
    assert ImageSequence(names, None).get(9)[:, 0, 0].tolist() == [33, 1, 33]
    assert ImageSequence(tuple(map(str, names)), None).get(9)[:, 0, 0].tolist() == [33, 1, 33]


def test_the_part_in_the_middle_or_at_an_offset(tmp_path: Path) -> None:
    path = saved(tmp_path, "a.png", RGB)
    assert (ImageSequence([path], (5, 6), is_color=True)[0] == RGB[3:8, 5:11]).all()
    assert (ImageSequence([path], (5, 6), offset=(7, 10), is_color=True)[0] == RGB[7:, 10:]).all()
    assert (ImageSequence([path], None, is_color=True)[0] == RGB).all()
    grey = ImageSequence([path], (5, 6)).get()
    assert grey.dtype == np.float32
    assert np.array_equal(grey[0], (RGB[3:8, 5:11].sum(-1) / 3).astype("f4"))
    for more in _each({"size": (13, 6)}, {"size": (5, 6), "offset": (8, 0)}, {"size": (500, 500)}):
        with pytest.raises(StreamConfigError, match="wanted a part of 12 x 16"):
            ImageSequence([path], **more)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L", "LA", "1", "CMYK", "I;16", "F"])
@pytest.mark.parametrize("is_color", [False, True])
def test_any_kind_of_image(mode: str, is_color: bool, tmp_path: Path) -> None:
    due: Any
    if mode == "I;16":
        path = saved(tmp_path, "a.png", np.full((6, 7), 40000, "u2"))
        due = np.full((4, 4, 3), 40000, "u2")
    elif mode == "F":
        path = saved(tmp_path, "a.tif", np.full((6, 7), -0.5, "f4"))
        due = np.full((4, 4, 3), -0.5, "f4")
    else:
        path = saved(tmp_path, "a.tif" if mode == "CMYK" else "a.png", RGB[:6, :7], mode)
        due = np.asarray(Image.open(path).convert("RGB"))[1:5, 1:5]
    block = ImageSequence([path], (4, 4), is_color=is_color).get()
    if is_color:
        assert block.shape == (1, 3, 1, 4, 4)
        assert block.dtype == due.dtype
        assert (block[0, :, 0] == np.moveaxis(due, 2, 0)).all()
    else:
        assert block.shape == (1, 4, 4)
        assert block.dtype == np.float32
        assert np.array_equal(block[0], due.astype("f8").mean(-1).astype("f4"))


def test_transparency_is_no_colour(tmp_path: Path) -> None:
    data = np.dstack([np.full((5, 5, 3), 90, "u1"), np.zeros((5, 5), "u1")])
    path = saved(tmp_path, "a.png", data)
    assert ImageSequence([path], None).get().max() == 90
    assert ImageSequence([path], None, is_color=True).get().shape == (1, 3, 1, 5, 5)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_are_turned_as_their_exif_says(orientation: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path, "a.png", RGB, exif=exif)
    turned = {1: lambda a: a, 2: np.fliplr, 3: lambda a: np.rot90(a, 2), 4: np.flipud}
    turned |= {5: lambda a: a.swapaxes(0, 1), 6: lambda a: np.rot90(a, -1), 7: lambda a: np.rot90(a, 2).swapaxes(0, 1)}
    turned[8] = np.rot90
    due = turned[orientation](RGB)
    stream = ImageSequence([path], None, is_color=True)
    assert stream.size == due.shape[:2]
    assert (stream[0] == due).all()


def test_images_of_many_sizes_as_long_as_they_have_the_part(tmp_path: Path) -> None:
    paths = [saved(tmp_path, f"{n}.png", np.full((n, n + 2), n, "u1")) for n in (8, 20, 5, 4)]
    stream = ImageSequence(paths, (5, 5))
    assert stream.get(3)[:, 2, 2].tolist() == [8, 20, 5]
    with pytest.raises(DataError, match=r"4\.png") as caught:
        stream.get(1)
    assert stream.i == 3
    assert "part of 4 x 6" in str(caught.value)
    stream = ImageSequence(paths, None)
    stream.get(1)
    with pytest.raises(DataError, match="as the first"):
        stream.get(3)


def test_types_of_values(tmp_path: Path) -> None:
    path = saved(tmp_path, "a.png", np.full((5, 5, 3), (1, 2, 2), "u1"))
    assert ImageSequence([path], None, dtype="u1").get().tolist() == np.full((1, 5, 5), 2).tolist()
    assert ImageSequence([path], None, dtype="f8", is_color=True).get().dtype == np.float64
    deep = saved(tmp_path, "b.png", np.full((5, 5), 40000, "u2"))
    stream = ImageSequence([path, deep], None, is_color=True)
    stream.get(1)
    with pytest.raises(DataError, match=r"uint16 in '.*b\."):
        stream.get(1)
    assert ImageSequence([deep, path], None, is_color=True).get(2)[0, :, 1, 0, 0].tolist() == [1, 2, 2]


def test_luma_is_what_pillow_makes_of_it(tmp_path: Path) -> None:
    for name in ("a.png", "a.jpg"):
        path = saved(tmp_path, name, np.full((16, 16, 3), (10, 200, 30), "u1"))
        due = float(np.asarray(Image.open(path).convert("L"))[8, 8])
        assert abs(float(ImageSequence([path], (4, 4), grey="luma").get()[0, 0, 0]) - due) <= 1


def test_each_image_is_shown_repeat_times_and_decoded_once(tmp_path: Path, monkeypatch: Any) -> None:
    paths = [saved(tmp_path, f"{k}.png", np.full((5, 5), k, "u1")) for k in range(3)]
    opened: list[Any] = []
    plain = Image.open

    def noting(path: Any) -> Any:
        opened.append(path)
        return plain(path)

    monkeypatch.setattr(Image, "open", noting)
    with ImageSequence(paths, (5, 5), repeat=100_000) as stream:
        assert len(stream) == 300_000
        stream.get(1)
        opened.clear()
        for _ in range(30):
            stream.get(3999)
        assert [Path(path).name for path in opened] == ["1.png"]
        assert stream[299_999][0, 0] == 2
        assert stream.get(90_000)[[0, -1], 0, 0].tolist() == [1, 2]


def test_names_and_options_that_are_none(tmp_path: Path) -> None:
    path = saved(tmp_path, "a.png", RGB)
    (tmp_path / "text.png").write_text("no image")
    for wrong in (str(tmp_path / "*.jpg"), [], 7, [tmp_path / "none.png"], [tmp_path], {"a": path}):
        with pytest.raises(StreamConfigError):
            ImageSequence(wrong)
    options: list[dict[str, Any]] = [
        {"repeat": 0},
        {"size": 5},
        {"size": (5,)},
        {"offset": (-1, 0)},
        {"grey": "mix"},
        {"sort": "no"},
    ]
    for more in [*options, {"threads": 0}]:
        with pytest.raises(StreamConfigError):
            ImageSequence([path], **{"size": (5, 5), **more})
    with pytest.raises(DataError, match="no image that can be read"):
        ImageSequence([tmp_path / "text.png"])
    for no in ("no", 1, None):
        with pytest.raises(StreamConfigError, match=rf"\(is_color=\) got {no!r}, wanted True or False\.\n  True gives"):
            ImageSequence([path], (5, 5), is_color=no)  # type: ignore[arg-type]
    assert ImageSequence([path], (5, 5), is_color=np.True_).layout == "5d"  # type: ignore[arg-type]
    with pytest.raises(
        StreamConfigError,
        match=r"\(filenames\) got an array of float64 of shape \(2, 2\), wanted the path of a file\.\n  Give a text",
    ):
        ImageSequence([path, np.zeros((2, 2))])


def test_a_folder_is_told_how_its_images_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(tmp_path, "a.png", np.zeros((5, 5), "u1"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        StreamConfigError, match=r"got '.*', which is a folder, wanted at least one file\.\n.*/\*'"
    ) as caught:
        ImageSequence(tmp_path)
    pattern = str(caught.value).split("'")[3]
    assert len(ImageSequence(pattern, None)) == 1
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StreamConfigError, match=r"got 'empty/\*', which no file is called"):
        ImageSequence("empty/*")


def test_an_image_that_may_not_be_read_or_is_gone_is_no_broken_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [saved(tmp_path, f"{k}.png", np.full((5, 5), k, "u1")) for k in range(2)]
    film = ImageSequence(paths, None)
    film.get()

    def refuse(*_: Any, **__: Any) -> Any:
        raise PermissionError(13, "no")

    for make in (lambda: film.get(), lambda: ImageSequence(paths[1:], None)):
        with monkeypatch.context() as patch:
            patch.setattr("builtins.open", refuse)
            with pytest.raises(DataError, match=r"1\.png', which may not be read.*\n.*chmod") as no:
                make()
        assert f"ImageSequence got {str(paths[1])!r}, " in str(no.value)
    paths[1].unlink()
    with pytest.raises(
        DataError, match=r"1\.png', which is not there any more, wanted a file that can be read\.\n  It was"
    ):
        film.get()


@pytest.mark.parametrize("threads", [1, 3])
def test_a_broken_image_costs_itself_alone(threads: int, tmp_path: Path) -> None:
    paths = [saved(tmp_path, f"{k}.png", np.full((5, 5), k, "u1")) for k in range(9)]
    paths[4].write_bytes(paths[4].read_bytes()[:40])
    with ImageSequence(paths, (5, 5), threads=threads) as stream:
        seen: list[Any] = []
        with pytest.raises(DataError, match=r"4\.png"):
            seen.extend(stream)
        assert stream.i == 4
        with pytest.raises(DataError, match=r"4\.png"):
            stream.get(3)
        assert stream.skip() == 1
        assert stream.get(9)[:, 0, 0].tolist() == [5, 6, 7, 8]


def test_threads_decode_ahead_within_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [saved(tmp_path, f"{k}.png", np.full((5, 5), k, "u1")) for k in range(60)]
    asked: list[int] = []
    opened = Image.open

    def noted(path: Any, *more: Any, **options: Any) -> Any:
        asked.append(int(Path(path).stem))
        return opened(path, *more, **options)

    with ImageSequence(paths, None, threads=2) as stream:
        monkeypatch.setattr(Image, "open", noted)
        assert [int(stream.get(1)[0, 0, 0]) for _ in range(5)] == [0, 1, 2, 3, 4]
        stream.close()  # which waits for those under way
    assert sorted(set(asked)) == sorted(asked), "none twice"
    assert max(asked) <= 4 + 4
    with ImageSequence(paths, None, threads=2) as stream:
        stream.get(1)
        stream.seek(50)
        assert stream.get(1)[0, 0, 0] == 50


def test_frames_that_are_let_go_of_in_a_thread_that_decodes() -> None:
    go, told = Event(), SimpleQueue[Any]()

    def decode(k: int) -> Any:
        if k == 1:
            go.wait(10)
            try:
                frames.close()  # as when Python collects what was dropped, in whichever thread that is
                told.put(None)
            except RuntimeError as error:
                told.put(error)
        return np.full(3, k)

    frames = Decoded(decode, 2, threads=2, most=4)
    assert frames.get(0, 2)[0] == 0
    go.set()
    assert told.get(timeout=10) is None
    assert frames.get(0, 1)[0] == 0
    frames.close()


def _each(*options: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    return options
