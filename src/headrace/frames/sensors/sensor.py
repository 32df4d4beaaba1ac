"""Sensors that see change: what they emit for a frame, and what they keep until the next one.

A :class:`Sensor` is a set of numbers and two functions: ``begin`` gives what it keeps before the first frame, ``step``
takes a frame and changes that in place. So the same sensor is a model that is called block by block, a stream that
resumes exactly, and a camera whose events have times.
"""

from __future__ import annotations

from copy import copy
from typing import Any, Literal, Self, get_args

import numpy as np

from headrace.core.key import Key
from headrace.errors import DataError, StreamConfigError
from headrace.frames.base.layout import Array, arranged
from headrace.frames.base.module_blocks import given_frames
from headrace.frames.base.options import check_number

Kept = dict[str, Any]
Mode = Literal["linear", "log"]


class Sensor:
    """What a sensor is called with, block by block; a subclass writes :meth:`begin` and :meth:`step`.

    Calling it goes on where the last call ended, so that blocks may be cut anywhere; :meth:`clear_state` begins anew.

    Examples
    --------
    >>> import numpy as np
    >>> from headrace.frames import Sensor, SensorStream
    >>> class Bright(Sensor):
    ...     def begin(self, frame, key):
    ...         return {"level": np.zeros(frame.shape)}
    ...
    ...     def step(self, kept, frame, key, times=None):
    ...         on = frame > 0.5
    ...         return on.astype("f4"), np.zeros(frame.shape, "f4")
    >>> SensorStream(np.ones((3, 4, 4)), Bright()).get(3).sum(axis=(0, 2, 3, 4)).tolist()
    [48.0, 0.0]
    """

    seed: int | None = None
    draws: bool = False
    _kept: Kept | None = None
    _key: Key | None = None

    def begin(self, frame: Array, key: Key) -> Kept:
        """Return what is kept before a first frame, as plain arrays and numbers."""
        raise NotImplementedError(f"{type(self).__name__} needs a method begin(frame, key)")

    def step(self, kept: Kept, frame: Array, key: Key, times: list[Any] | None = None) -> tuple[Array, Array]:
        """Return how many ON and OFF events each pixel emits for a frame, float32; changes ``kept`` in place.

        With a list, append to it where and when: arrays (rows, cols, part of the time since the last frame, polarity).
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method step(kept, frame, key, times)")

    def clear_state(self) -> None:
        """Forget all frames."""
        self._kept = None

    def __call__(self, block: Any) -> Array:
        """Return ``[batch, channel, time, row, col]``, float32, of a block of frames: ON events, then OFF events.

        Raises
        ------
        DataError
            For what is no block of frames, or frames of another size than before.
        """
        columns = given_frames(block, type(self).__name__)
        return arranged(self.counts(columns), "5d")

    def counts(self, columns: Array) -> Array:
        """Return columns ``(n, rows, cols, 2 channels)`` of columns of frames; goes on where the last call ended."""
        made = np.empty((len(columns), *pair_shape(columns.shape[1:])), np.float32)
        if len(columns):
            kept = self._begun(columns[0])
            for k, frame in enumerate(columns):
                made[k] = paired(*self.step(kept, frame, self._root()))
            self._kept = kept
        return made

    def _root(self) -> Key:
        if self._key is None:
            self._key = Key.fresh() if self.seed is None else Key(self.seed)
        return self._key

    def _begun(self, frame: Array) -> Kept:
        """Return a copy of what is kept: a block that fails changes nothing."""
        kept = self.begin(frame, self._root()) if self._kept is None else copied(self._kept)
        check_shape(self, kept, frame)
        return kept

    def fresh(self) -> Self:
        """Return an equal sensor that has seen no frame."""
        twin = copy(self)
        twin._kept = twin._key = None
        return twin

    def shown_every(self, dt: float) -> Self:
        """Return an equal sensor that has seen no frame, for frames that are ``dt`` seconds apart.

        A sensor whose numbers are by the second overrides this.
        """
        return self.fresh()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sensor) and self.__plain__() == other.__plain__()

    def __hash__(self) -> int:
        return hash(repr(self))

    def __plain__(self) -> Any:
        """Return what makes two of them equal, for fingerprints."""
        told = {name: value for name, value in self.__dict__.items() if not name.startswith("_")}
        return {"sensor": type(self).__name__, **told}

    def __repr__(self) -> str:
        told = ", ".join(f"{name}={value!r}" for name, value in self.__dict__.items() if not name.startswith("_"))
        return f"{type(self).__name__}({told})"


def check_shape(sensor: Sensor, kept: Kept, frame: Array) -> None:
    """Raise DataError when a frame has another shape than the first one had."""
    if kept["level"].shape != frame.shape:
        raise DataError(
            f"{type(sensor).__name__} got a frame of shape {frame.shape}, wanted {kept['level'].shape}, as before.\n"
            "  clear_state() begins anew."
        )


def copied(kept: Kept) -> Kept:
    """Return what is kept, to be changed."""
    return {name: value.copy() if isinstance(value, np.ndarray) else value for name, value in kept.items()}


def pair_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of a frame of ON and OFF events of frames of a shape."""
    return (*shape[:-1], 2 * shape[-1]) if len(shape) > 2 else (*shape, 2)


def paired(on: Array, off: Array) -> Array:
    """Return ON and OFF as channels of one frame: all ON channels, then all OFF channels."""
    if on.ndim == 2:
        return np.stack([on, off], axis=-1)
    return np.concatenate([on, off], axis=-1)


class IntegrativeMotionSensor(Sensor):
    """At most one event per pixel and frame, where what came in has gone past a threshold.

    ``"linear"`` adds up what comes in, and takes the threshold off with every event: it tells how bright a pixel is.
    ``"log"`` keeps a level, from 0.5 on, and emits where a pixel is more than ``threshold`` times above or below it,
    multiplying or dividing the level: it tells how a pixel changes. Both are convis' ``IntegrativeMotionSensor`` (Huth,
    Masquelier and Arleo, Front. Neuroinform. 12:9, 2018).

    Parameters
    ----------
    spiking_mode
        ``"linear"`` or ``"log"``.
    threshold
        Above 0; above 1 for ``"log"``.

    Raises
    ------
    StreamConfigError
        For options that are none of the above.

    Examples
    --------
    >>> import numpy as np
    >>> from headrace.frames import IntegrativeMotionSensor
    >>> sensor = IntegrativeMotionSensor("linear", threshold=1.0)
    >>> events = sensor(np.full((40, 1, 1), 0.3))
    >>> events.shape, events.sum(axis=(0, 2, 3, 4)).tolist()
    ((1, 2, 40, 1, 1), [11.0, 0.0])
    """

    spiking_mode: Mode
    threshold: float

    def __init__(self, spiking_mode: Mode = "linear", threshold: float = 1.0) -> None:
        if not isinstance(spiking_mode, str) or spiking_mode not in get_args(Mode):
            raise StreamConfigError(
                f"IntegrativeMotionSensor(spiking_mode=) got {spiking_mode!r}, wanted 'linear' or 'log'.\n"
                "  'linear' tells how bright a pixel is, 'log' how it changes."
            )
        least = 1 if spiking_mode == "log" else 0
        self.spiking_mode = spiking_mode
        self.threshold = check_number("IntegrativeMotionSensor", "threshold", threshold)
        if self.threshold <= least:
            raise StreamConfigError(
                f"IntegrativeMotionSensor(threshold=) got {threshold!r}, wanted more than {least} for {spiking_mode!r}.\n"
                "  'linear' takes the threshold off, 'log' divides by it."
            )

    def begin(self, frame: Array, key: Key) -> Kept:
        return {"level": np.full(frame.shape, 0.5 if self.spiking_mode == "log" else 0.0)}

    def step(self, kept: Kept, frame: Array, key: Key, times: list[Any] | None = None) -> tuple[Array, Array]:
        level, threshold = kept["level"], self.threshold
        if frame.dtype.kind == "f" and not np.isfinite(frame).all():
            raise DataError(
                "IntegrativeMotionSensor got a frame with NaN or infinite values, wanted finite ones: their pixels would never "
                "be right again.\n  np.nan_to_num replaces them."
            )
        if self.spiking_mode == "linear":
            level += frame
            on, off = level > threshold, level < -threshold
            level -= threshold * on
            level += threshold * off
        else:
            on, off = frame > level * threshold, frame < level / threshold
            level[on] *= threshold
            level[off] /= threshold
        if times is not None:
            for sign, mask in ((1, on), (0, off)):
                rows, cols = np.nonzero(mask)[:2]
                times.append((rows, cols, np.ones(len(rows)), np.full(len(rows), sign)))
        return on.astype(np.float32), off.astype(np.float32)
