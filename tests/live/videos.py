"""Videos that tests make: frame k of n says which it is by how bright it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from support.require import require


def picture(k: int, rows: int = 32, cols: int = 48) -> Any:
    """Frame ``k``: a red top, a blue bottom, and on the left a bar of brightness 4 k."""
    image = np.zeros((rows, cols, 3), np.uint8)
    image[: rows // 2, :, 0] = image[rows // 2 :, :, 2] = 200
    image[:, : cols // 4] = 4 * k % 256
    return image


def write_video(
    path: Path, n: int = 25, fps: int = 50, *, rows: int = 32, cols: int = 48, codec: str = "ffv1", pixels: str = "bgr0"
) -> Path:
    """Write ``n`` frames, without loss unless the codec is another."""
    av = require("av")
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps)
        stream.width, stream.height, stream.pix_fmt = cols, rows, pixels
        for k in range(n):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(k, rows, cols), format="rgb24")))
        container.mux(stream.encode())
    return path
