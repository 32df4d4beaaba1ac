"""Frames that come when they are taken: of cameras, and from addresses."""

from __future__ import annotations

from collections.abc import Generator
from math import inf
from typing import Any, Final

import numpy as np

from headrace.core.cursor import Cursor
from headrace.core.key import Key
from headrace.core.recipe import recipe
from headrace.core.stream import Resume, Spec, Stream
from headrace.frames.base.footage import Header, spec_of
from headrace.frames.base.layout import Array, centred
from headrace.frames.video.mean import mean_of_planes
from headrace.frames.video.pixels import CHANNEL, Mode, given_as
from headrace.frames.video.recipe import checked
from headrace.sources.grabber import Grab, Grabber

LUMA: Final = np.array([0.299, 0.587, 0.114], np.float32)  # of red, green and blue: ITU-R BT.601, 2.5.1


def is_live(filename: Any) -> bool:
    """Whether frames of it have no numbers: it is a camera's number, or an address."""
    if isinstance(filename, str):
        return "://" in filename and not filename.startswith("file:")
    return isinstance(filename, (int, np.integer)) and not isinstance(filename, bool)


@recipe
class Camera(Stream[Array]):
    """The recipe of :class:`headrace.frames.VideoReader` for a camera or an address.

    It is not registered: what comes from there is not the same twice, so that no law of streams could be tried on it.
    """

    source: Any
    part: tuple[int, int] | None = None
    offset: tuple[int, int] | None = None
    mode: Mode = "rgb"
    dtype: str | None = None

    def __post_init__(self) -> None:
        self.fix(**checked(self.part, self.offset, self.mode, self.dtype))

    def grabber(self) -> Grabber:
        """Return what opens it."""
        return Grabber(self.source, who="VideoReader")

    def check(self) -> float:
        """Open it once, and return the frames a second that it says; raises what keeps it from being opened."""
        with self.grabber().open() as frames:
            _, _, rows, cols = centred("VideoReader", frames.size, self.part, self.offset)
            self.fix(_header=Header(0, *given_as(self.mode, self.dtype, rows, cols)))
            return frames.fps or 25.0

    @property
    def size(self) -> float | None:
        return None if isinstance(self.source, str) else inf  # what is at an address may end

    @property
    def spec(self) -> Spec | None:
        known: Header | None = self.__dict__.get("_header")  # as check() has found it
        return None if known is None else spec_of(known)

    @property
    def resume(self) -> Resume:
        return "none"

    def start(self, key: Key) -> Cursor[Array]:
        return _Frames(self, key)

    def of(self, image: Array) -> Array:
        """Return what is asked for of a whole frame in colour."""
        top, left, rows, cols = centred("VideoReader", (image.shape[0], image.shape[1]), self.part, self.offset)
        found = image[top : top + rows, left : left + cols]
        if self.mode == "bgr":
            found = found[..., ::-1]
        elif self.mode in CHANNEL:
            found = found[..., CHANNEL[self.mode]]
        elif self.mode != "rgb":
            whole_numbers = self.dtype is not None and np.dtype(self.dtype).kind in "ui"  # which are rounded to
            if self.mode == "mean":
                mean = np.empty((rows, cols), np.uint8 if whole_numbers else np.float32)
                mean_of_planes([*np.moveaxis(found, 2, 0)], mean)
                found = mean
            else:
                found = np.rint(found @ LUMA) if whole_numbers else found @ LUMA
        return np.ascontiguousarray(found, self.dtype)


class _Frames(Cursor[Array]):
    stream: Camera
    _grab: Grab | None = None  # stays open while the generator comes and goes

    def run(self) -> Generator[Array, None, None]:
        if self._grab is None:
            self._grab = self.stream.grabber().open()
        for frame in self._grab:
            self.count += 1
            yield self.stream.of(frame.image)

    def pass_failed(self) -> None:
        """Go on: a frame that cannot be read is gone already."""
        self.count += 1

    def release(self) -> None:
        if self._grab is not None:
            self._grab.close()
