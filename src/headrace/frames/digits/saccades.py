"""Digits that are moved in front of an event camera, as N-MNIST was recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from headrace.core.indexed import Bound, Numbers
from headrace.core.key import Key, Seed
from headrace.core.notes import warn
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.errors import StreamConfigError
from headrace.frames.base.layout import Array, check_size
from headrace.frames.base.options import check_number, whole_number
from headrace.frames.digits.files import Opener, Split, find_digits
from headrace.frames.digits.mnist import DigitStream
from headrace.frames.digits.walk import ADVANCE, BoundWalk, Labels, Walk, example_digits, runs_of
from headrace.frames.sensors.dvs import DVS
from headrace.frames.sensors.sensor import IntegrativeMotionSensor, Sensor

STEPS = 300  # of a digit: three saccades of 100 ms
_LEG = 100
_MOST = 1 << 18  # pixels of a camera: a digit is 600 MB of events then


class PseudoNMNIST(DigitStream):
    """Digits in front of an event camera that makes three saccades for each: ``[1, 2, time, row, col]``, float32.

    Channel 0 counts ON, channel 1 OFF events. Each digit takes 300 frames of 1 ms, in which the camera goes along the
    sides of a triangle and comes back to where it was, as in N-MNIST (Orchard, Jayawant, Cohen and Thakor, Front.
    Neurosci. 9:437, 2015). The sensor begins each digit anew, so a digit's events depend on nothing before.

    Parameters
    ----------
    mnist_data_folder
        As ``data_folder`` of :class:`MNISTStream`.
    threshold
        Of the sensor; None for 0.2 of the log intensity, 5 with ``classic``.
    output_size
        Rows and columns of the camera: at least those of the digits. A camera of just their size has no room to move in, and
        so gives no event, with a HeadraceWarning.
    classic
        convis' geometry: legs of 21 pixels, the third of which begins elsewhere than the second has ended, which take
        half of the digit out of sight, and a sensor that adds up intensity.
    eps
        What is added to the intensity, 0 to 1, before its logarithm.
    init, advance, split, check, download, opener, seed
        As for :class:`MNISTStream`.
    pixel_per_degree, t_zero, dt
        As for :class:`FrameStream`.

    Raises
    ------
    StreamConfigError
        For a camera that is smaller than the digits, and as for :class:`MNISTStream`.
    DataError
        As for :class:`MNISTStream`.

    Examples
    --------
    >>> import numpy as np
    >>> from headrace.frames import PseudoNMNIST, write_idx
    >>> digit = np.zeros((28, 28), "u1")
    >>> digit[8:20, 12:16] = 255
    >>> write_idx("t10k-images-idx3-ubyte", digit[None])
    >>> write_idx("t10k-labels-idx1-ubyte", np.array([1], "u1"))
    >>> camera = PseudoNMNIST(".", init=0)
    >>> block = camera.get(300)
    >>> block.shape, bool(abs(block[0, 0].sum() / block[0, 1].sum() - 1) < 0.1)
    ((1, 2, 300, 34, 34), True)
    """

    def __init__(
        self,
        mnist_data_folder: Any = "../data/",
        threshold: float | None = None,
        output_size: tuple[int, int] = (34, 34),
        *,
        classic: bool = False,
        eps: float = 0.1,
        init: int | None = None,
        advance: int = ADVANCE,
        split: Split = "test",
        check: bool = True,
        download: bool = False,
        opener: Opener | None = None,
        seed: Seed | None = None,
        pixel_per_degree: float = 10,
        t_zero: float = 0.0,
        dt: float = 0.001,
    ) -> None:
        files = find_digits("PseudoNMNIST", mnist_data_folder, split, check, download, opener)
        super().__init__(
            Saccades(*files, threshold, output_size, bool(classic), eps, init, advance),
            seed,
            pixel_per_degree,
            t_zero,
            dt,
        )
        recipe: Any = self._source
        if not recipe.classic and recipe.output_size == recipe.shape()[1:]:
            rows, cols = recipe.output_size
            warn(
                f"PseudoNMNIST(output_size=) got {rows} x {cols}, just that of the digits, wanted more: there is no room to move "
                "in, and so no event, ever.\n  A few more rows or columns let the camera move."
            )

    def get_events(self, k: int) -> tuple[Array, int]:
        """Return the events of the digit that is shown as number ``k``, from 0 on, and its label. Moves nothing.

        Returns
        -------
        events
            A structured array of :data:`~headrace.frames.EVENT`; its times begin with the digit, and a frame is 1 ms.
        label
            The digit.

        Raises
        ------
        StreamConfigError
            For a ``k`` that is none, with ``classic``, whose events have no times, and without a file of labels.
        """
        k = whole_number("PseudoNMNIST.get_events", "k", k, 0)
        recipe: Any = self._source
        if recipe.classic:
            raise StreamConfigError(
                "PseudoNMNIST.get_events got a classic sensor, wanted one whose events have times.\n"
                "  get(n) counts its events, frame by frame."
            )
        with self._lock:
            run: Any = self._open()
            bound = run.bound()
            first = np.array([k % recipe.shape()[0] * STEPS])  # the walk comes to the same digits again
            label = int(bound.labels(first)[0])
            film = bound.film(int(bound.shown(first)[0]))
        # The last frame shows what the first of the next lap would: the path is closed.
        return recipe.sensor().events(film), label


@register("saccades", example=lambda: Saccades(*example_digits(), output_size=(8, 9), init=0))
@recipe
class Saccades(Walk):
    """The recipe of :class:`PseudoNMNIST`."""

    who: ClassVar[str] = "PseudoNMNIST"

    path: Path
    label_path: Path | None
    threshold: float | None = None
    output_size: tuple[int, int] = (34, 34)
    classic: bool = False
    eps: float = 0.1
    init: int | None = None
    advance: int = ADVANCE
    labels: Labels = "none"
    rep: int = STEPS

    def __post_init__(self) -> None:
        self.check()
        threshold = (5.0 if self.classic else 0.2) if self.threshold is None else self.threshold
        self.fix(
            threshold=check_number(self.who, "threshold", threshold, 1e-6),
            eps=check_number(self.who, "eps", self.eps, 1e-9),
            output_size=check_size(self.who, self.output_size, "output_size"),
        )
        if self.rep != STEPS:
            raise StreamConfigError(
                f"PseudoNMNIST(rep=) got {self.rep!r}, wanted {STEPS}: three saccades of 100 ms.\n  Leave it out."
            )
        if self.output_size[0] * self.output_size[1] > _MOST:
            raise StreamConfigError(
                f"PseudoNMNIST(output_size=) got {self.output_size}, wanted at most {_MOST} pixels: {STEPS} frames of them are "
                "made at once.\n  Choose a smaller one; hr.map pads its frames."
            )
        _, rows, cols = self.shape()
        if not self.classic and (self.output_size[0] < rows or self.output_size[1] < cols):
            raise StreamConfigError(
                f"PseudoNMNIST(output_size=) got {self.output_size}, wanted at least the {rows} x {cols} of the digits.\n"
                "  A few more let the camera move."
            )

    def frame_shape(self) -> tuple[int, ...]:
        return (*self.output_size, 2)

    def sensor(self) -> Sensor:
        """Return a sensor that has seen nothing."""
        threshold: Any = self.threshold
        return IntegrativeMotionSensor("linear", threshold) if self.classic else DVS(threshold, eps=self.eps)

    def bind(self, key: Key) -> Bound[Array]:
        return _Saccades(self, key)


class _Saccades(BoundWalk):
    _kept: tuple[int, Array] = (-1, np.empty(0))

    def frames(self, at: Numbers) -> Array:
        shown, times = runs_of(self.shown(at))
        inside = at % STEPS
        made = np.empty((len(at), *self.stream.output_size, 2), np.float32)
        lo = 0
        for digit, n in zip(shown.tolist(), times.tolist(), strict=True):
            made[lo : lo + n] = self._of(digit)[inside[lo : lo + n]]
            lo += n
        return made

    def _of(self, digit: int) -> Array:
        if self._kept[0] != digit:
            self._kept = digit, self.stream.sensor().counts(self.film(digit))
        return self._kept[1]

    def film(self, digit: int) -> Array:
        """Return what the camera sees of a digit in 300 frames: float64, 0 to 1."""
        image = self.digits().images[digit] / 255.0
        see = classic_view if self.stream.classic else view
        return see(image, self.stream.output_size)

    def close(self) -> None:
        super().close()
        self._kept = (-1, np.empty(0))


def path_of(steps: Any) -> Array:
    """Return where the camera is at some of the 300 steps: ``(n, 2)``, the sides of a triangle in a square of side 2.

    From (0, 0) to (1, 1), to (0, 2), and back: rows first.

    Examples
    --------
    >>> path_of([0, 100, 200, 300]).tolist()
    [[0.0, 0.0], [1.0, 1.0], [0.0, 2.0], [0.0, 0.0]]
    """
    at = np.asarray(steps, np.float64)
    corners = np.arange(4) * _LEG
    return np.stack([np.interp(at, corners, [0, 1, 0, 0]), np.interp(at, corners, [0, 1, 2, 0])], axis=-1)


def corners_of(image: tuple[int, int], size: tuple[int, int]) -> Array:
    """Return where the upper left corner of a digit is in each of 300 frames, ``(300, 2)``: inside, wherever it is."""
    slack = np.array([size[0] - image[0], size[1] - image[1]]) / 2
    offset = np.array([slack[0] / 2, 0.0])  # the triangle is half as high as it is wide
    found: Array = path_of(np.arange(STEPS)) * slack + offset
    return found


def view(image: Array, size: tuple[int, int]) -> Array:
    """Return 300 frames of a digit that moves along the path, bilinear between pixels."""
    corners = corners_of((image.shape[0], image.shape[1]), size)
    whole = np.floor(corners).astype(int)
    part = corners - whole
    made = np.zeros((STEPS, size[0] + 1, size[1] + 1))
    rows, cols = image.shape
    for frame, (top, left), (down, right) in zip(made, whole.tolist(), part.tolist(), strict=True):
        frame[top : top + rows, left : left + cols] += (1 - down) * (1 - right) * image
        if down:
            frame[top + 1 : top + 1 + rows, left : left + cols] += down * (1 - right) * image
        if right:
            frame[top : top + rows, left + 1 : left + 1 + cols] += (1 - down) * right * image
        if down and right:
            frame[top + 1 : top + 1 + rows, left + 1 : left + 1 + cols] += down * right * image
    return made[:, : size[0], : size[1]]


def classic_view(image: Array, size: tuple[int, int]) -> Array:
    """Return 300 frames as convis cuts them: a window of whole pixels, which leaves the digit by half."""
    rows, cols = image.shape
    steps = np.arange(STEPS) % _LEG / _LEG
    leg = np.arange(STEPS) // _LEG
    # (0, 0) -> (1, 1), (1, 1) -> (0, 0), and then from (0, 1) to (0, 0): the column jumps.
    down = np.select([leg == 0, leg == 1], [steps, 1 - steps], 0.0)
    right = np.where(leg == 0, steps, 1 - steps)
    scale = 0.75 * np.array([rows, cols])
    starts = (scale * (1 + np.stack([down, right], axis=-1))).astype(int)
    padded = np.zeros((max(4 * rows, 2 * rows + size[0]), max(4 * cols, 2 * cols + size[1])))
    padded[rows : 2 * rows, cols : 2 * cols] = image
    return np.stack([padded[top : top + size[0], left : left + size[1]] for top, left in starts.tolist()])
