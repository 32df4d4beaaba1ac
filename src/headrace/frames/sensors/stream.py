"""Frames through a sensor, as a stream that resumes exactly."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, ClassVar

import numpy as np

from headrace.core.cursor import Cursor
from headrace.core.key import Key, Seed
from headrace.core.notes import warn
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.core.stream import Spec, Stream
from headrace.errors import DataError, StreamConfigError
from headrace.frames.base.bounded import memory
from headrace.frames.base.footage import Header, spec_of
from headrace.frames.base.layout import Array
from headrace.frames.base.options import in_short, whole_number
from headrace.frames.base.stream import FrameStream, OnEnd, frames_of
from headrace.frames.base.timing import check_dt, shown_at
from headrace.frames.events.arrays import joined_events
from headrace.frames.memory.noise import Noise
from headrace.frames.sensors.crossings import ROOM, timed_events
from headrace.frames.sensors.dvs import DVS
from headrace.frames.sensors.sensor import Kept, Sensor, check_shape, copied, paired
from headrace.ops.base import END, OpCursor, inside


class SensorStream(FrameStream):
    """What a sensor emits for each frame of another stream: ``[1, 2, time, row, col]``, float32, ON and OFF counts.

    Parameters
    ----------
    input_stream
        A stream of frames. Its recipe is taken as it is now, from frame 0; it is not moved.
    sensor
        A :class:`~headrace.frames.DVS` or an :class:`~headrace.frames.IntegrativeMotionSensor`, whose numbers are taken
        and not what it has seen. What it has by the second is so in the time of the film, by its ``dt``; where
        ``input_stream`` has none, by the sensor's.
    seed
        Fixes the noise of a sensor without a seed of its own.
    on_end
        As for :class:`FrameStream`.

    Raises
    ------
    StreamConfigError
        When ``sensor`` is none, or a DVS for frames further apart or closer than those of the film; when ``dt`` is set
        to another.
    DataError
        While running: frames that it cannot take.

    Examples
    --------
    >>> import numpy as np
    >>> from headrace.frames import DVS, SensorStream, moving_bar
    >>> film = moving_bar(100, 20, 20, bar_v=0.02) + 0.1
    >>> one, two = SensorStream(film, DVS(0.2)), SensorStream(film, DVS(0.2))
    >>> whole = one.get(100)
    >>> whole.shape, bool((np.concatenate([two.get(7), two.get(93)], axis=2) == whole).all())
    ((1, 2, 100, 20, 20), True)
    >>> one.reset()
    >>> bool(len(one.get_events(100)) == whole.sum())
    True
    """

    def __init__(self, input_stream: Any, sensor: Sensor, *, seed: Seed | None = None, on_end: OnEnd = "short") -> None:
        if not isinstance(sensor, Sensor):
            raise StreamConfigError(
                f"SensorStream(sensor) got {in_short(sensor)}, wanted a DVS or an IntegrativeMotionSensor.\n"
                "  ProcessingStream takes any function of a block."
            )
        source = frames_of(input_stream, "SensorStream")
        like = input_stream if isinstance(input_stream, FrameStream) else FrameStream(source, dt=given_dt(sensor))
        self._shown = sensor.shown_every(like.dt)
        made: Sensed = Sensed(source, self._shown)
        root = sensor.seed if sensor.seed is not None else seed
        super().__init__(
            made if root is None else made.seeded(root),
            like=like,
            layout="5d",
            on_end=on_end,
        )
        if self._uneven is not None and isinstance(sensor, DVS) and sensor.by_the_second:
            warn(
                f"SensorStream got {sensor!r} and a film whose rate varies, wanted an even one: its rates by the second are for "
                f"frames {like.dt:.4g} s apart, the mean.\n"
                "  TimedResampleStream(film, dt=) makes the film even; a plain DVS(theta) takes it as it is."
            )

    @property
    def dt(self) -> float:
        """Seconds from frame to frame, those of the film; a DVS emits by them, so they stay as they are."""
        return self._dt

    @dt.setter
    def dt(self, dt: float) -> None:
        found = check_dt(type(self).__name__, dt)
        if given_dt(self._shown, found) != found:
            raise StreamConfigError(
                f"SensorStream(dt=) got {dt!r}, wanted {given_dt(self._shown)!r}, that of the film: what the sensor emits depends "
                "on it.\n  Set it on the film, and make a SensorStream of that."
            )
        self._dt, self._uneven = found, None

    def get_events(self, n: int = 1) -> Array:
        """Return the events of the next ``n`` frames, fewer at the end, in order of time.

        Returns
        -------
        events
            A structured array of :data:`~headrace.frames.EVENT`; its times are those of this stream, in microseconds.
            Those of a frame are after the time of the frame before and at most at its own, as a video's ``times`` have these:
            where frames are shown every ``dt``, :func:`event_frames` with ``closed="right"`` counts them as ``get`` does.
            Where one of the frames fails, those of the frames before it; the next call raises what it raised. Where memory
            holds no more, those of so many frames, and ``i`` tells which are next.

        Raises
        ------
        StreamConfigError
            With ``on_end="repeat"``, and for frames in colour.
        DataError
            When the events of one frame are more than memory holds.
        ResumeError
            When frames have been looked at with :meth:`peek` that cannot be had again.
        """
        n = whole_number(f"{type(self).__name__}.get_events", "n", n, 0)
        with self._lock:
            return self._events(n)

    def _events(self, n: int) -> Array:
        run: Any = self._open()
        shape = self._shape()
        if not isinstance(run, _Sensing) or (shape is not None and shape[2] != 2):
            what = "on_end='repeat'" if not isinstance(run, _Sensing) else f"frames of {shape[2] // 2} channels"
            raise StreamConfigError(
                f"SensorStream.get_events got {what}, wanted a film with an end and one channel.\n  get(n) counts events."
            )
        if n and run.count != run.position:  # frames were looked at, and have no events any more: they are made again
            self.load_state_dict(self.state_dict())
            run = self._open()
        noted = run.noting = []
        begun, held = run.position, 0
        try:
            while run.position < begun + n and held * ROOM < memory() and run.take(1):
                held += sum(len(each[0]) for each in noted[-1][1])
        except Exception:
            if run.position == begun:
                raise
        finally:
            run.noting = None
        return joined_events([timed_events(times, *self._step_to(number)) for number, times in noted])

    def _step_to(self, number: int) -> tuple[float, float]:
        """Return when the step to a frame begins, and how long it takes, in seconds."""
        shown = self.uneven_times()
        if shown is None:
            return self.t_zero + (number - 1) * self.dt, self.dt
        since, until = (shown_at(n, shown, self.dt) for n in (number - 1, number))
        return self.t_zero + since, until - since


def given_dt(sensor: Sensor, otherwise: float | None = None) -> float | None:
    """Return the seconds from frame to frame that a sensor has; ``otherwise`` where it has none."""
    found: float | None = getattr(sensor, "dt", None)
    return otherwise if found is None else found


@register("sensed_frames", example=lambda: Sensed(Noise((3, 4)).seeded(1), DVS(0.3, sigma_theta=0.02, shot_noise=50)))
@recipe
class Sensed(Stream[Array]):
    """The recipe of :class:`SensorStream`: frames ``(rows, cols, 2)``."""

    keyed: ClassVar[bool] = True

    source: Stream[Any]
    sensor: Sensor

    @property
    def size(self) -> float | None:
        return self.source.size

    @property
    def draws(self) -> bool:
        """Whether the sensor is noisy."""
        return self.sensor.draws

    @property
    def spec(self) -> Spec | None:
        known = self.source.spec
        if known is None or "" not in known:
            return None
        rows, cols, *more = known[""].shape
        channels = more[0] if more else 1
        if len(more) > 1 or channels is None:
            return None
        return spec_of(Header(0, (rows, cols, 2 * channels), np.dtype(np.float32)))

    def shard(self, i: int, n: int) -> Any:
        """Raise StreamConfigError: a sensor sees one frame after the other."""
        raise StreamConfigError(
            f"{self.node_name} got shard({i}, {n}) and cannot be divided: what it emits for a frame depends on those before; "
            "wanted a stream whose items stand alone.\n  Give each part a film of its own."
        )

    def start(self, key: Key) -> Cursor[Array]:
        return _Sensing(self, key)


class _Sensing(OpCursor[Array]):
    stream: Sensed
    saves = ("count", "kept")
    noting: list[Any] | None = None

    def __init__(self, stream: Sensed, key: Key) -> None:
        super().__init__(stream, key, inside=inside(stream, key))
        self.kept: Kept | None = None

    def run(self) -> Generator[Array, None, None]:
        while True:
            item = self.held.pop(0) if self.held else next(self.source.items, END)
            if item is END:
                return
            self.held.insert(0, item)
            frame, sensor = _frame(item), self.stream.sensor
            # Of a copy: whatever stops it half-way, Ctrl-C too, the frame can be tried again.
            kept = sensor.begin(frame, self.key) if self.kept is None else copied(self.kept)
            check_shape(sensor, kept, frame)
            times: list[Any] | None = None if self.noting is None else []
            made = paired(*sensor.step(kept, frame, self.key, times))
            if self.noting is not None:
                self.noting.append((self.count, times))
            self.held.pop(0)
            self.kept = kept
            self.count += 1
            yield made

    def skip(self, n: int = 1) -> int:
        failed = self._failed
        if n > 0 and failed is not None and failed[0] is not self and failed[1] == self.count and not self._closed:
            super().skip(1)
            self.count += 1  # what the source failed at has had its time: the next frame is shown when it is due
            return 1 + super().skip(n - 1)
        return super().skip(n)

    def pass_failed(self) -> None:
        self.held = self.held[1:]
        self.count += 1
        self.restart()


def _frame(item: Any) -> Array:
    found = np.asarray(item)
    if found.dtype.kind not in "buif" or not 2 <= found.ndim <= 4:
        raise DataError(
            f"SensorStream got an item of {type(item).__name__}, {found.dtype} of shape {found.shape}, wanted frames of numbers: "
            "(rows, cols[, channels]).\n  Choose the frame with hr.map(lambda item: item['name'])."
        )
    return found
