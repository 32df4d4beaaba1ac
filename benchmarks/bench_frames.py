"""Frames: video, image folders and sequences against PyAV, OpenCV, decord, imageio and Pillow.

`scripts/bench frames [SECTION ...] [--json FILE]`. Rows are numbered as the bars of the issue: 1 speed of reading and
writing, 2 frames by number, 5 digits, 8 sequences; "-" are figures without a bar. Each part has a file of its own, frames_PART.py.
"""

from __future__ import annotations

from frames_digits import digits
from frames_sources import images, sequences
from frames_video import reading, seeking, writing
from harness import main

SECTIONS = {f.__name__: f for f in (reading, seeking, writing, images, sequences, digits)}

if __name__ == "__main__":
    main(SECTIONS, __doc__ or "")
