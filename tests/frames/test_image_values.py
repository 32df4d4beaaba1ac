"""Frames of image files are the values that Pillow gives, to the bit, however it is asked for them."""

from __future__ import annotations

from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np
import pytest

from headrace.frames import ImageSequence
from support.require import require

Image = require("PIL.Image")
RGB = np.random.default_rng(0).integers(0, 255, (150, 200, 3), dtype=np.uint8)  # of more than 64 KB
KINDS = {"jpg": ("jpg", "RGB"), "png": ("png", "RGB"), "bmp": ("bmp", "RGB")}
KINDS |= {"grey": ("png", "L"), "grey, jpg": ("jpg", "L"), "palette": ("png", "P"), "palette, gif": ("gif", "P")}
KINDS |= {"cmyk": ("jpg", "CMYK"), "cmyk, tif": ("tif", "CMYK"), "transparent": ("png", "RGBA")}


class Other:
    """An encoder that answers with other values than all of them."""

    def __init__(self, *answer: Any) -> None:
        self.answer = answer

    def setimage(self, *_: Any) -> None:
        pass

    def encode(self, _: int) -> Any:
        return self.answer


def refusing(*_: Any) -> Any:
    raise TypeError("it takes other arguments")


ENCODERS: dict[str, Any] = {"missing": None, "of other arguments": refusing, "without its methods": lambda *_: object()}
ENCODERS |= {
    "in pieces": lambda *_: Other(9, 0, b"\0" * RGB.size),
    "with too few": lambda *_: Other(9, 1, b"\0" * 9),
    "with an error": lambda *_: Other(0, -2, b""),
    "with another answer": lambda *_: Other(b"\0" * RGB.size),
}


def give(encoder: Any, patch: pytest.MonkeyPatch) -> None:
    """Let Pillow have another encoder, or none, for all but its own ``tobytes``, by which np.asarray gets the values."""
    plain: Any = Image.Image.tobytes
    own = FunctionType(plain.__code__, dict(vars(Image)), plain.__name__, plain.__defaults__)
    patch.setattr(Image.Image, "tobytes", own)
    if encoder is None:
        patch.delattr(Image, "_getencoder")
    else:
        patch.setattr(Image, "_getencoder", encoder)


@pytest.mark.parametrize("encoder", [None, *ENCODERS])
@pytest.mark.parametrize("kind", KINDS)
def test_colours_are_those_that_pillow_gives(
    kind: str, encoder: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ending, mode = KINDS[kind]
    path = tmp_path / f"a.{ending}"
    Image.fromarray(RGB).convert(mode).save(path)
    with Image.open(path) as image:
        due = np.asarray(image.convert("RGB"))
    if encoder is not None:
        give(ENCODERS[encoder], monkeypatch)
    film = ImageSequence([path], size=None, is_color=True)
    assert film.get().dtype == due.dtype
    assert np.array_equal(film[0], due)
    part = ImageSequence([path], size=(60, 70), offset=(20, 10), is_color=True)
    assert np.array_equal(part[0], due[20:80, 10:80])
    film[0][:] = 0  # the caller's own
    assert np.array_equal(film[0], due)
