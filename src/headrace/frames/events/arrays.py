"""Events of a camera as arrays: column, row, time and polarity."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, ulp
from typing import Any, Literal

import numpy as np

from headrace.errors import DataError, StreamConfigError
from headrace.frames.base.layout import Array, check_size
from headrace.frames.base.options import check_number, whole_number

Closed = Literal["left", "right"]
EVENT = np.dtype([("x", "<i2"), ("y", "<i2"), ("t", "<i8"), ("p", "<i1")])
NAMES: tuple[str, ...] = EVENT.names or ()
_ADVICE = {"t": "t is in microseconds.", "p": "1 is ON, 0 or -1 is OFF: where ON is 2, say p == 2."}


def events_of(events: Any, who: str = "events_of") -> Array:
    """Return events as a structured array of ``EVENT``, in the order they are given.

    Parameters
    ----------
    events
        A structured array with fields ``x``, ``y``, ``t`` and ``p``, or a dict of such columns, as a batch is: whole
        numbers, of floats too, since nothing is rounded.
    who
        The name that messages begin with.

    Returns
    -------
    events
        ``x``, ``y``: int16, column and row; ``t``: int64, microseconds; ``p``: int8, 1 for ON and 0 for OFF. Polarities
        -1 and 1 become 0 and 1; there are no others.

    Raises
    ------
    DataError
        When these are no events, or one of their numbers is not whole or has no room: times in seconds, a column
        beyond 32767.

    Examples
    --------
    >>> events_of({"x": [3], "y": [1], "t": [1000], "p": [-1]}).tolist()
    [(3, 1, 1000, 0)]
    >>> events_of({"x": [3], "y": [1], "t": [0.001], "p": [1]})
    Traceback (most recent call last):
    headrace.errors.DataError: events_of got 0.001 for t of event 0, wanted whole numbers.
      t is in microseconds: multiply seconds by 1e6, and round.
    """
    columns = columns_of(events, who)
    return pack(columns, np.empty(len(columns["t"]), EVENT), who)


def columns_of(events: Any, who: str) -> dict[str, Array]:
    """Return the columns of events, once their shapes and types are looked at; raises DataError for those of none."""
    names = getattr(getattr(events, "dtype", None), "names", None) or (tuple(events) if hasattr(events, "keys") else ())
    missing = [name for name in NAMES if name not in names]
    if missing:
        told = f"fields {', '.join(map(str, names))}" if names else type(events).__name__
        raise DataError(
            f"{who} got {told}, wanted events: x, y, t and p.\n  A structured array or a dict of columns has them."
        )
    columns = {name: np.asarray(events[name]) for name in NAMES}
    shapes = {column.shape for column in columns.values()}
    if len(shapes) != 1 or len(next(iter(shapes))) != 1 or any(c.dtype.kind not in "buif" for c in columns.values()):
        told = ", ".join(f"{name}: {column.dtype} {column.shape}" for name, column in columns.items())
        raise DataError(
            f"{who} got {told}, wanted numbers, one for each event, in all four.\n  Each is a column: (n,)."
        )
    return columns


def pack(columns: dict[str, Array], out: Array, who: str, first: int = 0) -> Array:
    """Put columns into an array of ``EVENT`` and return it; raises DataError for what has no room, by its number.

    ``first`` is the number of the first event.
    """
    for name, column in columns.items():
        _check_whole(who, name, column, first)
        out[name] = column > 0 if name == "p" else column
    return out


def _check_whole(who: str, name: str, column: Array, first: int) -> None:
    """Raise DataError for the first value that is not whole, or has no room: nothing is cut off, and nothing wraps."""
    if column.dtype.kind == "f":
        wrong = column != np.rint(column)  # so is what is not a number; what is infinite is outside
        if wrong.any():
            k = int(wrong.argmax())
            advice = (
                "t is in microseconds: multiply seconds by 1e6, and round." if name == "t" else "Round them before."
            )
            raise DataError(
                f"{who} got {column[k]!s} for {name} of event {first + k}, wanted whole numbers.\n  {advice}"
            )
    if not len(column):
        return
    most = 1 if name == "p" else np.iinfo(EVENT[name]).max
    least = -1 if name == "p" else np.iinfo(EVENT[name]).min if name == "t" else 0
    # Of Python's own numbers: 2**63 - 1 as a float is 2**63, and an int64 and a uint64 meet as floats.
    if _int_of(column.min()) < least or _int_of(column.max()) > most:
        values = column.astype(object)
        k = int(np.argmax((values < least) | (values > most)))
        advice = _ADVICE.get(name, "Columns and rows are counted from 0, in 16 bits.")
        raise DataError(
            f"{who} got {column[k]!s} for {name} of event {first + k}, wanted {least} to {most}.\n  {advice}"
        )


def _int_of(value: Any) -> float:
    """Return a number of NumPy as one of Python, as it is: an int but for what is infinite."""
    found = value.item()
    return int(found) if abs(found) < inf else found


def joined_events(parts: Sequence[Array]) -> Array:
    """Return several arrays of events as one."""
    return np.concatenate(parts) if parts else np.empty(0, EVENT)


def sensor_size(events: Array, size: Any, who: str) -> tuple[int, int]:
    """Return (rows, cols), by the events where ``size`` is None."""
    if size is not None:
        rows, cols = check_size(who, size)
    else:
        rows, cols = (int(events[name].max(initial=0)) + 1 for name in ("y", "x"))
    if len(events) and (events["y"].max() >= rows or events["x"].max() >= cols):
        raise DataError(
            f"{who}(size=) got {rows} x {cols} (rows x columns) for events up to row {events['y'].max()}, column "
            f"{events['x'].max()}, wanted room for all.\n  It is rows first: (rows, cols)."
        )
    return rows, cols


def event_frames(
    events: Any,
    size: Any = None,
    dt: float = 0.001,
    *,
    t_zero: float | None = None,
    frames: int | None = None,
    closed: Closed = "left",
) -> Array:
    """Return events counted in frames: ``[1, 2, time, row, col]``, float32, ON and OFF.

    Parameters
    ----------
    events
        As :func:`events_of` takes them.
    size
        Rows and columns; None for as many as the events need.
    dt
        Seconds of a frame.
    t_zero
        When the first frame begins, in seconds; by default with the first event. Events before are left out.
    frames
        How many; None for as many as it takes. Events behind the last are left out.
    closed
        Which frame an event on the border of two is in: the one that begins then, ``"left"``, or the one that ends then,
        ``"right"``. What a sensor emits for a frame is from after the frame before up to this one, so
        ``event_frames(stream.get_events(n), dt=stream.dt, t_zero=t - stream.dt, frames=n, closed="right")`` is ``stream.get(n)``
        of a :class:`SensorStream` at time ``t``, where ``dt`` is whole microseconds.

    Raises
    ------
    DataError
        When these are no events, or lie outside of ``size``; when they would take more than 2 GiB.
    StreamConfigError
        For a ``dt``, ``t_zero``, ``frames`` or ``closed`` that is none.

    Examples
    --------
    >>> import numpy as np
    >>> from headrace.frames import event_frames
    >>> events = {"x": [0, 1, 1], "y": [0, 0, 0], "t": [0, 100, 2100], "p": [1, 0, 1]}
    >>> event_frames(events)[0, :, :, 0].tolist()
    [[[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [0.0, 0.0], [0.0, 0.0]]]
    """
    if closed not in ("left", "right"):
        raise StreamConfigError(
            f"event_frames(closed=) got {closed!r}, wanted 'left' or 'right'.\n  It says which frame an event on a border is in."
        )
    found = events_of(events, "event_frames")
    size = sensor_size(found, size, "event_frames")
    step = check_number("event_frames", "dt", dt, 1e-12) * 1e6
    if t_zero is None:
        since = float(found["t"].min()) if len(found) else 0.0
    else:
        since = _microseconds(check_number("event_frames", "t_zero", t_zero))
    if closed == "left":
        at = frame_numbers(found["t"], since, step)
    elif t_zero is None:  # the first event is in frame 0
        at = np.maximum(-frame_numbers(-found["t"], -since, step) - 1, 0)
    else:
        at = -frame_numbers(-found["t"], -since, step) - 1
    n = int(at.max(initial=-1)) + 1 if frames is None else whole_number("event_frames", "frames", frames, 0)
    inside = (at >= 0) & (at < n)
    return counted(found[inside], at[inside], n, size, "event_frames")[np.newaxis]


def frame_numbers(times: Array, since: float, step: float) -> Array:
    """Return the number of the frame each event is in, float64, below 0 for one before ``since``.

    Parameters
    ----------
    times, since, step
        Of the events, of the beginning of frame 0, and from frame to frame, in microseconds.

    Examples
    --------
    >>> frame_numbers(np.array([99, 100, 350]), 100, 100).tolist()
    [-1.0, 0.0, 2.0]
    """
    # A rounding of the last bit must not move an event on a border into the frame before.
    found: Array = np.floor((times.astype(np.float64) - since) / step + 1e-9)
    return found


def counted(events: Array, at: Array, n: int, size: tuple[int, int], who: str) -> Array:
    """Return how many events each pixel has in each of ``n`` frames, ``(2, n, rows, cols)``, float32, ON and OFF.

    ``at`` is the number of the frame each event is in, 0 to n - 1. Raises what :func:`check_frames` does.
    """
    check_frames(n, size, who)
    rows, cols = size
    cell = (((events["p"] == 0) * n + at.astype(np.int64, copy=False)) * rows + events["y"]) * cols + events["x"]
    made = np.bincount(cell, minlength=2 * n * rows * cols).astype(np.float32)
    return made.reshape(2, n, rows, cols)


def check_frames(n: int, size: tuple[int, int], who: str) -> None:
    """Raise DataError for more frames than fit into 2 GiB."""
    rows, cols = size
    if n * rows * cols > 1 << 28:
        raise DataError(
            f"{who} got events that take {n} frames of {rows} x {cols}, wanted 2 GiB at most.\n"
            "  Choose a larger dt=, or fewer frames at a time."
        )


def _microseconds(seconds: float) -> float:
    """Return a time in microseconds: a whole number of them where a float of seconds can come no closer to one.

    Seconds since 1970 are exact to a quarter of a microsecond: left at that, an event on a border would be before it.
    """
    found = seconds * 1e6
    whole = float(round(found))
    return whole if abs(found - whole) <= 2 * ulp(found) else found


def time_surface(events: Any, size: Any = None, tau: float = 0.03, at: float | None = None) -> Array:
    """Return how long ago each pixel emitted its last event: ``exp(-age / tau)``, float32 ``(2, rows, cols)``, ON and OFF.

    Time surfaces are those of HOTS (Lagorce et al., IEEE PAMI 39:1346, 2017), over the whole field.

    Parameters
    ----------
    events
        As :func:`events_of` takes them.
    size
        Rows and columns; None for as many as the events need.
    tau
        Seconds in which it falls to 1/e.
    at
        When, in seconds; None for the last event. Later events do not count.

    Raises
    ------
    DataError
        When these are no events, or lie outside of ``size``.
    StreamConfigError
        For a ``tau`` or ``at`` that is none.

    Examples
    --------
    >>> import numpy as np
    >>> from headrace.frames import time_surface
    >>> events = {"x": [0, 1], "y": [0, 0], "t": [0, 30_000], "p": [1, 1]}
    >>> time_surface(events, tau=0.03)[0].round(2).tolist()
    [[0.3700000047683716, 1.0]]
    """
    found = events_of(events, "time_surface")
    rows, cols = sensor_size(found, size, "time_surface")
    seconds = check_number("time_surface", "tau", tau, 1e-12)
    if at is None:
        now = float(found["t"].max()) if len(found) else 0.0
    else:
        now = _microseconds(check_number("time_surface", "at", at))
    found = found[found["t"] <= now]
    last = np.full((2, rows, cols), -np.inf)
    np.maximum.at(last, (1 - found["p"], found["y"], found["x"]), found["t"])
    return np.exp((last - now) / (1e6 * seconds)).astype(np.float32)
