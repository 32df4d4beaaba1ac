"""Frames by OpenCV: where PyAV is not installed, and for cameras that it cannot open."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from headrace.errors import DataError, MissingExtraError, StreamConfigError

Array = np.ndarray[Any, Any]


def opened(
    source: int | str, live: bool, size: tuple[int, int] | None, kind: str | None, options: Mapping[str, str], who: str
) -> tuple[Iterator[tuple[float, Array]], Any, dict[str, Any]]:
    """Return times and images, what closes them, and what is known of them.

    Raises
    ------
    StreamConfigError
        When there is no such camera, or something is asked that only FFmpeg does.
    DataError
        When there is no video.
    MissingExtraError
        When OpenCV is not installed.
    """
    if find_spec("cv2") is None:
        raise MissingExtraError(
            f"{who}(driver='cv2') needs the package cv2, which is not installed.\n"
            "  Install it with: pip install opencv-python-headless; or take driver='av'."
        )
    cv2 = import_module("cv2")
    if kind is not None or options:
        raise StreamConfigError(
            f"{who} got format={kind!r} and options={options!r} with OpenCV, wanted neither.\n"
            "  They are FFmpeg's: take driver='av'."
        )
    capture = cv2.VideoCapture(source)
    if not capture.isOpened():
        capture.release()
        if isinstance(source, int):
            raise StreamConfigError(
                f"{who} got camera {source}, wanted one that opens: OpenCV finds none of that number.\n"
                "  Check that it is plugged in, that no other program has it, and that you may read it."
            )
        raise DataError(
            f"{who} got {source!r}, wanted a video: OpenCV cannot open it.\n  ffmpeg -i says what is in it."
        )
    fps, count = float(capture.get(cv2.CAP_PROP_FPS)), int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    told = {"fps": fps if 0 < fps < math.inf else None, "frames": count if count > 0 else None}
    return _captured(cv2, capture, live, size), capture.release, told


def _captured(cv2: Any, capture: Any, live: bool, size: tuple[int, int] | None) -> Iterator[tuple[float, Array]]:
    while True:
        there, image = capture.read()
        if not there:  # it does not say whether that is the end
            return
        time = capture.get(cv2.CAP_PROP_POS_MSEC) / 1e3
        if size is not None:
            image = cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA)
        code = cv2.COLOR_GRAY2RGB if image.ndim == 2 else cv2.COLOR_BGR2RGB
        yield math.nan if live and time <= 0 else time, cv2.cvtColor(image, code)
