"""Text as pixels, for kernels and stimuli with a shape that anyone can check."""

from __future__ import annotations

from math import ceil, floor
from typing import Any

import numpy as np

from headrace.core.optional import optional
from headrace.errors import StreamConfigError
from headrace.frames.base.layout import Array
from headrace.frames.stimuli.grid import lengths

_LONGEST = 100  # characters


def text_kernel(text: str = "A", x: int = 20, y: int = 20) -> Array:
    """Return text, 1 on 0, as large as fits and in the middle, ``[row, col]``, float64.

    Parameters
    ----------
    text
        1 to 100 characters, in several lines if it has line ends. The face is Pillow's own.
    x, y
        Rows and columns.

    Raises
    ------
    StreamConfigError
        When there is nothing to see of the text, or too much, or a character that the face has no picture of (it has those
        of ASCII and a few more), or ``x`` or ``y`` is no number of pixels.
    MissingExtraError
        Without Pillow: ``pip install 'headrace[frames]'``.

    Examples
    --------
    >>> bar = text_kernel("|", 9, 5)
    >>> bar.shape, bool(bar[:, 2].min() > 0.5), bool(bar[:, [0, 4]].any())
    ((9, 5), True, False)
    """
    rows, cols = lengths("text_kernel", {"x": x, "y": y})
    if not isinstance(text, str) or not text.strip() or len(text) > _LONGEST:
        raise StreamConfigError(
            f"text_kernel(text) got {text!r:.60}, wanted 1 to {_LONGEST} characters that can be seen.\n"
            "  Longer texts are put together of several kernels."
        )
    pillow: Any = optional("PIL.Image", "frames", "text_kernel")
    drawing: Any = optional("PIL.ImageDraw", "frames", "text_kernel")
    fonts: Any = optional("PIL.ImageFont", "frames", "text_kernel")
    face = fonts.load_default(min(256, max(64, rows)))
    lacks = _lacking(text, pillow, drawing, fonts)
    if lacks:
        raise StreamConfigError(
            f"text_kernel(text) got {lacks!r} in {text!r:.60}, wanted characters of Pillow's own face.\n"
            "  It has letters, digits and signs of ASCII, and few others."
        )
    left, top, right, bottom = drawing.Draw(pillow.new("L", (1, 1))).textbbox((0, 0), text, font=face)
    left, top, width, height = floor(left), floor(top), ceil(right) - floor(left), ceil(bottom) - floor(top)
    image = pillow.new("L", (max(1, width), max(1, height)))
    drawing.Draw(image).text((-left, -top), text, fill=255, font=face)
    inside = image.getbbox()  # a face leaves room around its letters
    if inside is None:
        raise StreamConfigError(
            f"text_kernel(text) got {text!r:.60}, wanted characters that can be seen.\n  The face has letters, digits and signs."
        )
    image = image.crop(inside)
    scale = min(rows / image.height, cols / image.width)
    high, wide = (max(1, round(scale * n)) for n in (image.height, image.width))
    made = np.zeros((rows, cols))
    above, before = (rows - high) // 2, (cols - wide) // 2
    small = np.asarray(image.resize((wide, high), pillow.Resampling.BILINEAR), np.float64)
    made[above : above + high, before : before + wide] = small / 255
    return made


def _lacking(text: str, pillow: Any, drawing: Any, fonts: Any) -> str:
    """Return a character that the face has no picture of: it draws the same box for all of these; else nothing."""
    face = fonts.load_default(16)

    def drawn(letter: str) -> bytes:
        image = pillow.new("L", (48, 48))
        drawing.Draw(image).text((16, 16), letter, fill=255, font=face)
        made: bytes = image.tobytes()
        return made

    box = drawn("\uffff")  # no character at all
    return next((letter for letter in text if not letter.isspace() and drawn(letter) == box), "")
