"""Samples as small pictures."""

from __future__ import annotations

import base64
import re
import struct
import zlib
from io import BytesIO
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import headrace as hr
from headrace import plot
from headrace.plot.png import png
from plot.drawings import NS
from support.require import require


def drawn(sample: Any, **more: Any) -> ElementTree.Element:
    return ElementTree.fromstring(plot.thumbnail(sample, **more).data)


def pixels(root: ElementTree.Element, k: int = 0) -> Any:
    """The pixels of an image in a drawing, read back by our own reader: grey or RGB(A), not filtered."""
    href = root.findall(f".//{NS}image")[k].get("href", "")
    data = base64.b64decode(href.removeprefix("data:image/png;base64,"))
    columns, rows, depth, colour = struct.unpack(">IIBB", data[16:26])
    assert depth == 8
    channels = {0: 1, 2: 3, 6: 4}[colour]
    start = data.index(b"IDAT") + 4
    (length,) = struct.unpack(">I", data[start - 8 : start - 4])
    lines = np.frombuffer(zlib.decompress(data[start : start + length]), np.uint8).reshape(rows, -1)
    assert not lines[:, 0].any()
    made = lines[:, 1:].reshape(rows, columns, channels)
    return made[:, :, 0] if channels == 1 else made


def captions(root: ElementTree.Element) -> list[str]:
    return [text.text or "" for text in root.iter(f"{NS}text")]


def path(root: ElementTree.Element, k: int = 0) -> list[tuple[float, float]]:
    found = [float(x) for x in re.findall(r"-?[\d.]+", root.findall(f".//{NS}path")[k].get("d", ""))]
    return list(zip(found[::2], found[1::2], strict=True))


def test_grey_images_go_from_their_lowest_to_their_highest_value() -> None:
    image = np.arange(12.0).reshape(3, 4) - 5
    assert np.array_equal(pixels(drawn(image)), np.round(np.arange(12) / 11 * 255).reshape(3, 4))
    assert pixels(drawn(np.eye(3, dtype=bool))).tolist() == (np.eye(3) * 255).tolist()
    assert np.array_equal(pixels(drawn(image[:, :, None])), pixels(drawn(image)))


def test_bytes_and_colours_are_what_they_are() -> None:
    rng = np.random.default_rng(0)
    for channels in (3, 4):
        image = rng.integers(0, 256, (5, 7, channels), np.uint8)
        assert np.array_equal(pixels(drawn((image, "label"))), image)
        assert np.array_equal(pixels(drawn(image / 255)), image)
    grey = rng.integers(0, 256, (5, 7), np.uint8)
    assert np.array_equal(pixels(drawn(grey)), grey)


def test_large_images_are_thinned_out() -> None:
    made = pixels(drawn(np.zeros((4000, 1000, 3))))
    assert max(made.shape) <= 96
    assert abs(made.shape[0] / made.shape[1] - 4) < 0.3
    assert len(plot.thumbnail(np.random.default_rng(0).random((4000, 4000))).data) < 40_000


def test_signals_are_lines_with_their_highest_value_on_top() -> None:
    root = drawn(np.array([0.0, 1.0, 0.0, -1.0]))
    heights = [y for _, y in path(root)]
    assert heights[1] < heights[0] == heights[2] < heights[3]
    two = drawn(np.stack([np.zeros(64), np.ones(64)], axis=1))
    assert len(two.findall(f".//{NS}path")) == 2, "(time, channels)"
    assert not two.findall(f".//{NS}image")


def test_long_signals_keep_their_extremes() -> None:
    signal = np.zeros(100_000)
    signal[51_234] = 1.0
    root = drawn(signal)
    assert len(path(root)) <= 128
    assert min(y for _, y in path(root)) == min(y for _, y in path(drawn(np.array([0.0, 1.0]))))


def test_values_that_are_no_numbers_leave_gaps() -> None:
    signal = np.array([0.0, 1.0, np.nan, np.inf, 1.0, 0.0])
    (line,) = drawn(signal).findall(f".//{NS}path")
    assert line.get("d", "").count("M") == 2
    assert pixels(drawn(np.array([[np.nan, 0.0], [1.0, np.inf]]))).tolist() == [[0, 0], [255, 255]]
    drawn(np.full(10, np.nan))
    drawn(np.full((3, 3), np.nan))


@pytest.mark.parametrize(
    ("sample", "told"),
    [
        ((np.zeros(9), "cat"), ["cat"]),
        (((np.zeros(9), "cat"), "black"), ["cat, black"]),
        ({"X": np.zeros((4, 4)), "y": 3}, ["3"]),
        ((np.zeros(9), np.array([1.0, 0.0])), ["[1.0, 0.0]"]),
        ((np.zeros(9), frozenset({"b", "a"})), ["a, b"]),
        ((np.zeros(9), np.int64(2)), ["2"]),
        ("a word", ["a word"]),
        (3.14159265, ["3.142"]),
        (None, ["None"]),
        (object(), ["object"]),
        (np.zeros((2, 3, 4, 5)), ["float64 (2, 3, 4, 5)"]),
        (np.array(["a", "b"]), ["['a', 'b']"]),
        ((), [""]),
        ("<&>", ["<&>"]),
        ("x" * 100, ["x" * 23 + "…"]),
    ],
)
def test_what_is_no_picture_is_written(sample: Any, told: list[str]) -> None:
    assert captions(drawn(sample)) == told


def test_several_samples_take_turns_on_one_scale() -> None:
    root = drawn([np.zeros((2, 2)), np.ones((2, 2)), np.full((2, 2), 2.0)], fps=4)
    assert [int(pixels(root, k)[0, 0]) for k in range(3)] == [0, 128, 255]
    animations = root.findall(f".//{NS}animate")
    assert {a.get("dur") for a in animations} == {"0.750s"}
    shown = [np.array([float(t) for t in a.get("keyTimes", "").split(";")]) for a in animations]
    values = [a.get("values", "").split(";") for a in animations]
    for time in np.linspace(0, 0.999, 50):
        visible = [
            v[int(np.searchsorted(t, time, side="right")) - 1] == "visible" for t, v in zip(shown, values, strict=True)
        ]
        assert visible.index(True) == int(time * 3)
        assert sum(visible) == 1
    groups = [g.get("visibility") for g in root.iter(f"{NS}g") if g.find(f"{NS}animate") is not None]
    assert groups == ["visible", "hidden", "hidden"], "the first, where nothing moves"
    with pytest.raises(hr.StreamConfigError, match="fps"):
        plot.thumbnail([1, 2], fps=0)


anything = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(),
        st.binary(),
        st.complex_numbers(),
        hnp.arrays(
            hnp.scalar_dtypes() | hnp.unicode_string_dtypes(), hnp.array_shapes(min_dims=0, max_dims=4, min_side=0)
        ),
    ),
    lambda inner: st.tuples(inner, inner) | st.dictionaries(st.text(), inner, max_size=3) | st.lists(inner, max_size=3),
    max_leaves=5,
)


@given(anything)
def test_anything_has_a_picture(sample: Any) -> None:
    if sample == [] and isinstance(sample, list):
        with pytest.raises(hr.StreamConfigError, match="no samples"):
            plot.thumbnail(sample)
        return
    drawn((sample, "label"))
    drawn(sample)


def test_pictures_are_png_files_to_others_too() -> None:
    images = require("PIL.Image")
    rng = np.random.default_rng(1)
    for shape in ((3, 5), (3, 5, 3), (3, 5, 4)):
        made = rng.integers(0, 256, shape, np.uint8)
        assert np.array_equal(np.asarray(images.open(BytesIO(png(made)))), made)
