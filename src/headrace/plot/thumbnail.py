"""A sample as a small picture: images as images, signals as lines, anything else by name; several take turns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from headrace.core.items import leaves
from headrace.errors import StreamConfigError
from headrace.plot.png import Bytes, data_uri, png
from headrace.plot.svg import Svg, document, number, shortened, tag, width_of, words

WIDTH, HEIGHT = 104.0, 56.0  # of the picture of a signal
IMAGE = 64.0  # the longer side of an image
CAPTION = 9.0  # size of letters
_PIXELS = 96  # an image with more is thinned out: a thumbnail shows no more
_POINTS = 128  # a longer signal is drawn as its lowest and highest values
_LINES = 4  # a signal of so many channels at most
_COLOURS = ("#0b6bcb", "#b34a00", "#1a7f4b", "#7d4bb3")
Array = np.ndarray[Any, np.dtype[Any]]


class Picture(NamedTuple):
    """A piece of a drawing whose upper left corner is at (0, 0), and its size in pixels."""

    width: float
    height: float
    svg: str


class Shown(NamedTuple):
    """What is shown of a sample: an array, or a text where there is none; and what is written under it."""

    kind: str  # "image", "signal" or "text"
    value: Any
    caption: str


def thumbnail(samples: Any, fps: float = 2.0) -> Svg:
    """Return a drawing of a sample, or of a list of samples that take turns.

    Parameters
    ----------
    samples
        A sample, or a list of samples. The largest array of each is drawn: shapes (rows, columns) and
        (rows, columns, 1, 3 or 4) as images, (time,) and (time, channels) as lines; numbers and texts beside it are
        written under it. All samples share one scale.
    fps
        How many are shown in a second.

    Raises
    ------
    StreamConfigError
        For an empty list, or a rate that is none.

    Examples
    --------
    >>> import numpy as np
    >>> from headrace.plot import thumbnail
    >>> thumbnail((np.eye(8), "diagonal")).data.count("<image")
    1
    """
    if isinstance(samples, list) and not samples:
        raise StreamConfigError("thumbnail got a list of no samples, wanted a sample, or some in a list.")
    made = picture(samples if isinstance(samples, list) else [samples], rate("thumbnail", fps))
    return document(made.width + 8, made.height + 8, [tag("g", made.svg, transform="translate(4 4)")], "sample")


def rate(who: str, fps: Any) -> float:
    """Return a rate in frames a second.

    Raises
    ------
    StreamConfigError
        When it is none.
    """
    if isinstance(fps, bool) or not isinstance(fps, int | float) or not 0 < fps < 1000:
        raise StreamConfigError(f"{who}(fps=) got {fps!r}, wanted frames in a second, above 0.")
    return float(fps)


def picture(samples: Sequence[Any], fps: float = 2.0, unsaid: str = "") -> Picture:
    """Return samples as a piece of a drawing, which shows one after the other; ``unsaid`` is not written under them."""
    shown = [seen(sample, unsaid) for sample in samples]
    scale = _scale(shown)
    frames = [_frame(one, scale) for one in shown]
    width, height = max(frame.width for frame in frames), max(frame.height for frame in frames)
    return Picture(width, height, turns([_centred(frame, width) for frame in frames], fps))


def turns(frames: Sequence[str], fps: float) -> str:
    """Return pieces of a drawing that are shown one after the other, for ever; the first where nothing moves."""
    if len(frames) == 1:
        return frames[0]
    length = f"{len(frames) / fps:.3f}s"
    made = []
    for k, frame in enumerate(frames):
        # Each is switched on at its time and off at the next one's: three values, of which the first and the last
        # frame need two.
        times = [(0.0, "visible" if k == 0 else "hidden"), (k / len(frames), "visible")]
        times += [((k + 1) / len(frames), "hidden")] if k + 1 < len(frames) else []
        times = times[1:] if k == 0 else times
        animation = tag(
            "animate",
            attributeName="visibility",
            values=";".join(value for _, value in times),
            keyTimes=";".join(f"{time:.5f}" for time, _ in times),
            calcMode="discrete",
            dur=length,
            repeatCount="indefinite",
        )
        made.append(tag("g", frame + animation, visibility="visible" if k == 0 else "hidden"))
    return "".join(made)


def seen(sample: Any, unsaid: str = "") -> Shown:
    """Return what is shown of a sample; ``unsaid`` is a text that is known without it.

    Examples
    --------
    >>> seen(((np.zeros((8, 8, 3)), "a"), "b"))[0::2], seen({"X": np.zeros(256), "y": 3})[0::2], seen("word")
    (('image', 'a, b'), ('signal', '3'), Shown(kind='text', value='word', caption=''))
    """
    found: list[Any] = [leaf for _, leaf in leaves(sample)]
    arrays = [(k, array) for k, leaf in enumerate(found) if (array := _array(leaf)) is not None]
    drawn = max(arrays, key=lambda pair: (pair[1].size, -pair[0]), default=None)
    told = [_short(leaf) for k, leaf in enumerate(found) if drawn is None or k != drawn[0]]
    first = told.pop(0) if drawn is None and told else ""
    caption = ", ".join(text for text in told if text != unsaid)
    if drawn is None:
        return Shown("text", first, caption)
    kind = _kind(drawn[1])
    return Shown(kind, _short(drawn[1]) if kind == "text" else drawn[1], caption)


def _array(leaf: Any) -> Array | None:
    if isinstance(leaf, str | bytes | int | float | complex | None):
        return None
    try:
        found = np.asarray(leaf)
    except (TypeError, ValueError, RuntimeError):  # ragged lists, tensors on other devices, what refuses to be one
        return None
    if found.ndim == 0 or found.size < 2 or found.dtype.kind not in "biufc":
        return None
    return found


def _kind(array: Array) -> str:
    if array.ndim == 1:
        return "signal"
    if array.ndim == 2:
        return "signal" if array.shape[1] <= _LINES and array.shape[0] >= 8 * array.shape[1] else "image"
    return "image" if array.ndim == 3 and array.shape[2] in (1, 3, 4) else "text"


def _short(leaf: Any) -> str:
    if isinstance(leaf, str):
        return leaf
    array = _array(leaf)
    if array is not None:
        return str(array.tolist()) if array.size <= 8 else f"{array.dtype} {array.shape}".replace(",)", ")")
    if isinstance(leaf, np.ndarray | np.generic):
        leaf = leaf.tolist()
    if isinstance(leaf, float):
        return f"{leaf:.4g}"
    if isinstance(leaf, set | frozenset):
        return ", ".join(sorted(map(str, leaf)))
    return str(leaf) if isinstance(leaf, int | bytes | list | None) else type(leaf).__name__


# --- frames ---------------------------------------------------------------------------------------


def _scale(shown: Sequence[Shown]) -> tuple[float, float]:
    """Return the lowest and the highest finite value of all: what moves shall not flicker."""
    low, high = np.inf, -np.inf
    for one in shown:
        if one.kind == "text":
            continue
        values = _real(one.value)
        finite = values[np.isfinite(values)]
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    return (0.0, 1.0) if low > high else (low, high)


def _real(values: Array) -> Array:
    found: Array = (np.abs(values) if np.iscomplexobj(values) else values).astype(np.float64)
    return found


def _frame(shown: Shown, scale: tuple[float, float]) -> Picture:
    if shown.kind == "text":
        made = _written(str(shown.value), 11.0)
    else:
        made = _image(shown.value, scale) if shown.kind == "image" else _lines(shown.value, scale)
    if not shown.caption:
        return made
    under = _written(shown.caption, CAPTION)
    width = max(made.width, under.width)
    below = tag("g", _centred(under, width), transform=f"translate(0 {number(made.height)})")
    return Picture(width, made.height + under.height, _centred(made, width) + below)


def _centred(made: Picture, width: float) -> str:
    left = (width - made.width) / 2
    return made.svg if left < 0.05 else tag("g", made.svg, transform=f"translate({number(left)} 0)")


def _written(text: str, size: float) -> Picture:
    text = shortened(text, 24)
    width, height = max(8.0, width_of(text, size)), size + 5
    return Picture(width, height, words(text, width / 2, height / 2, size, fill="#3d444d"))


def _image(values: Array, scale: tuple[float, float]) -> Picture:
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[:, :, 0]
    rows, columns = values.shape[:2]
    thin = -(-max(rows, columns) // _PIXELS)
    data = data_uri(png(_as_bytes(values[::thin, ::thin], scale)))
    zoom = IMAGE / max(rows, columns)
    width, height = max(2.0, columns * zoom), max(2.0, rows * zoom)
    sharp = {"style": "image-rendering: pixelated"} if zoom > 1.5 else {}  # every pixel of a small one is to be seen
    picture = tag("image", width=width, height=height, preserveAspectRatio="none", href=data, **sharp)
    frame = tag("rect", width=width, height=height, fill="none", stroke="#c8ced6")
    return Picture(width, height, picture + frame)


def _as_bytes(values: Array, scale: tuple[float, float]) -> Bytes:
    if values.dtype == np.uint8:
        return values
    values, (low, high) = _real(values), scale
    if values.ndim == 3 and low >= 0:  # colours on [0, 1] or [0, 255] are what they are
        low, high = 0.0, 1.0 if high <= 1 else max(255.0, high)
    shares = _shares(values, low, high if high > low else low + 1.0)
    return np.asarray(np.clip(np.nan_to_num(shares), 0, 1) * 255 + 0.5, np.uint8)


def _shares(values: Array, low: float, high: float) -> Array:
    """Return how far from ``low`` to ``high`` values are, as a share of that; the distance may be more than floats hold."""
    size = max(abs(low), abs(high))
    if size > 1e300:
        values, low, high = values / size, low / size, high / size
    found: Array = (values - low) / (high - low)
    return found


def _lines(values: Array, scale: tuple[float, float]) -> Picture:
    low, high = scale
    if low == high:
        low, high = low - 1, high + 1
    frame = tag("rect", width=WIDTH, height=HEIGHT, fill="#fbfcfd", stroke="#c8ced6")
    made = [frame]
    if low < 0 < high:
        made.append(_level(3 + (HEIGHT - 6) * (1 - float(_shares(np.zeros(1), low, high)[0]))))
    columns = _real(values).reshape(len(values), -1)
    for k, column in enumerate(columns.T):
        path = _path(column, low, high)
        made.append(tag("path", d=path, fill="none", stroke=_COLOURS[k], stroke_width=1, stroke_linejoin="round"))
    return Picture(WIDTH, HEIGHT, "".join(made))


def _level(y: float) -> str:
    return tag("line", x1=0, x2=WIDTH, y1=y, y2=y, stroke="#e3e7ec")


def _path(values: Array, low: float, high: float) -> str:
    """Return a line through values; values that are no numbers leave gaps."""
    at: Array = np.linspace(3, WIDTH - 3, len(values))
    if len(values) > _POINTS:
        at, values = _envelope(at, values)
    heights = 3 + (HEIGHT - 6) * (1 - _shares(values, low, high))
    made, on = [], False
    for x, y, there in zip(at.tolist(), heights.tolist(), np.isfinite(values).tolist(), strict=True):
        if there:
            made.append(f"{'L' if on else 'M'}{number(x)} {number(y)}")
        on = there
    return "".join(made)


def _envelope(at: Array, values: Array) -> tuple[Array, Array]:
    """Return the lowest and the highest value of each of some stretches, in the order they come in."""
    edges = np.linspace(0, len(values), _POINTS // 2 + 1).astype(int)
    places: list[int] = []
    for lo, hi in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        part = values[lo:hi]
        if np.isnan(part).all():
            places.append(lo)
        else:
            places += sorted({lo + int(np.nanargmin(part)), lo + int(np.nanargmax(part))})
    return at[places], values[places]
