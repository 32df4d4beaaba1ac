"""Fields of dict items as tuples: what most training loops take."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from operator import itemgetter
from typing import Any, overload

from headrace.core.coerce import as_stream
from headrace.core.cursor import Cursor
from headrace.core.indexed import Bound, Indexed, Places
from headrace.core.key import Key
from headrace.core.op import Op
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.core.stream import Stream
from headrace.errors import DataError, StreamConfigError
from headrace.ops.base import OpCursor

Wanted = str | tuple[str, ...] | None


@overload
def tuples(stream: str, /, *keys: str) -> Op[Any, tuple[Any, ...]]: ...
@overload
def tuples(stream: Any, /, *keys: Any) -> Stream[tuple[Any, ...]]: ...
def tuples(*args: Any) -> Any:
    """Give the fields ``keys`` of each item as a tuple: ``tuples(stream, "X", "y")`` or ``stream | tuples("X", "y")``.

    Parameters
    ----------
    stream
        Anything that makes dict items; left out, the result is an op.
    *keys
        Names of fields, in the order wanted.

    Raises
    ------
    StreamConfigError
        When no key is given, at once.
    KeyError
        While running, when an item lacks a field; names those it has.
    DataError
        While running, when an item is no dict.

    Examples
    --------
    >>> import headrace as hr
    >>> items = [{"X": 1, "y": 2, "id": "a"}, {"X": 3, "y": 4, "id": "b"}]
    >>> list(hr.tuples(items, "X", "y"))
    [(1, 2), (3, 4)]
    >>> list(hr.Streamer(items) | hr.tuples("y"))
    [(2,), (4,)]
    """
    if args and not isinstance(args[0], str):
        return Tuples(as_stream(args[0]), args[1:])
    return Op(Tuples, args)


def keras_tuples(stream: Any = None, inputs: Any = None, outputs: Any = None) -> Any:
    """Give each item as ``(x, y)``, as Keras takes it: ``keras_tuples(stream, "X", "y")``.

    Parameters
    ----------
    stream
        Anything that makes dict items. Left out, ``keras_tuples(inputs="X", outputs="y")`` or
        ``keras_tuples("X", "y")``, the result is an op.
    inputs, outputs
        A name gives that field, a list of names a list of fields, nothing gives None.

    Raises
    ------
    StreamConfigError
        When neither inputs nor outputs are given, at once.
    KeyError
        While running, when an item lacks a field; names those it has.
    DataError
        While running, when an item is no dict.

    Examples
    --------
    >>> import headrace as hr
    >>> list(hr.keras_tuples([{"a": 1, "b": 2, "y": 3}], ["a", "b"], "y"))
    [([1, 2], 3)]
    >>> list(hr.Streamer([{"X": 1}]) | hr.keras_tuples(inputs="X"))
    [(1, None)]
    """
    if isinstance(stream, str) or (stream is not None and _all_names(stream)):
        if outputs is not None:
            raise StreamConfigError(
                f"keras_tuples got {stream!r} for its stream, wanted a stream.\n"
                "  Without one give the keys alone: stream | keras_tuples(inputs=..., outputs=...)."
            )
        stream, inputs, outputs = None, stream, inputs
    return Op(KerasTuples, inputs, outputs) if stream is None else KerasTuples(as_stream(stream), inputs, outputs)


def _all_names(keys: Any) -> bool:
    return isinstance(keys, tuple | list) and bool(keys) and all(isinstance(key, str) for key in keys)


def _dicts() -> Stream[Any]:
    return as_stream([{"X": (i, i), "y": i, "id": str(i)} for i in range(50)])


@register("tuples", example=lambda: Tuples(_dicts(), ("X", "y")))
@recipe
class Tuples(Indexed[tuple[Any, ...]]):
    """The recipe of :func:`tuples`."""

    source: Stream[Any]
    keys: tuple[Any, ...]

    def __post_init__(self) -> None:
        self.fix(keys=tuple(self.keys))
        if not self.keys:
            raise StreamConfigError("tuples got no keys, wanted the names of the fields: tuples(stream, 'X', 'y').")

    @property
    def size(self) -> float | None:
        return self.source.size

    def bind(self, key: Key) -> Bound[tuple[Any, ...]]:
        return _Picked(self, key, self._pick(), self.keys)

    def start_cursor(self, key: Key) -> Cursor[tuple[Any, ...]]:
        return _Picking(self, key, self._pick(), self.keys)

    def _pick(self) -> Callable[[Any], Any]:
        if len(self.keys) > 1:
            return itemgetter(*self.keys)
        (only,) = self.keys
        return lambda item: (item[only],)


@register("keras_tuples", example=lambda: KerasTuples(_dicts(), ("X", "id"), "y"))
@recipe
class KerasTuples(Indexed[tuple[Any, Any]]):
    """The recipe of :func:`keras_tuples`."""

    source: Stream[Any]
    inputs: Wanted = None
    outputs: Wanted = None

    def __post_init__(self) -> None:
        self.fix(inputs=_wanted("inputs", self.inputs), outputs=_wanted("outputs", self.outputs))
        if self.inputs is None and self.outputs is None:
            raise StreamConfigError(
                "keras_tuples got neither inputs nor outputs, wanted the name of a field, or a list of names, for one."
            )

    @property
    def size(self) -> float | None:
        return self.source.size

    def bind(self, key: Key) -> Bound[tuple[Any, Any]]:
        return _Picked(self, key, *self._pick())

    def start_cursor(self, key: Key) -> Cursor[tuple[Any, Any]]:
        return _Picking(self, key, *self._pick())

    def _pick(self) -> tuple[Callable[[Any], Any], tuple[str, ...]]:
        x, y = _getter(self.inputs), _getter(self.outputs)
        return lambda item: (x(item), y(item)), (*_names(self.inputs), *_names(self.outputs))


def _wanted(which: str, keys: Any) -> Wanted:
    if keys is None or (isinstance(keys, Iterable) and not isinstance(keys, str) and not tuple(keys)):
        return None
    if isinstance(keys, str):
        return keys
    if _all_names(keys):
        return tuple(keys)
    raise StreamConfigError(f"keras_tuples({which}=) got {keys!r}, wanted the name of a field or a list of names.")


def _names(wanted: Wanted) -> tuple[str, ...]:
    return () if wanted is None else (wanted,) if isinstance(wanted, str) else wanted


def _getter(wanted: Wanted) -> Callable[[Any], Any]:
    if wanted is None:
        return lambda item: None
    if isinstance(wanted, str):
        return itemgetter(wanted)
    return lambda item: [item[name] for name in wanted]


class _Picking(OpCursor[Any]):
    """Gives ``pick(item)``; looks for the reason only when that fails."""

    def __init__(self, stream: Any, key: Key, pick: Callable[[Any], Any], keys: tuple[Any, ...]) -> None:
        super().__init__(stream, key)
        self.pick, self.keys = pick, keys

    def run(self) -> Generator[Any, None, None]:
        pick = self.pick
        for self.count, item in enumerate(self.pending(), self.count + 1):
            try:
                made = pick(item)
            except Exception as error:
                self.count -= 1
                self.held = [item]
                if (reason := _reason(self.stream, self.keys, item)) is None:
                    raise
                raise reason from error
            yield made


class _Picked(Bound[Any]):
    """The same by number."""

    def __init__(self, stream: Any, key: Key, pick: Callable[[Any], Any], keys: tuple[Any, ...]) -> None:
        super().__init__(stream, key)
        self.source: Bound[Any] = stream.source.bound(key)
        self.pick, self.keys = pick, keys

    def walk(self, at: Places) -> Iterator[Any]:
        pick = self.pick
        places = at if isinstance(at, range) else at.tolist()
        for i, item in zip(places, self.source.walk(at), strict=True):  # noqa: B007  # error notes read i
            try:
                made = pick(item)
            except Exception as error:
                if (reason := _reason(self.stream, self.keys, item)) is None:
                    raise
                raise reason from error
            yield made


def _reason(stream: Any, keys: tuple[Any, ...], item: Any) -> Exception | None:
    call = f"{stream.node_name}({', '.join(map(repr, keys))})"
    if not isinstance(item, Mapping):
        return DataError(
            f"{call} got a {type(item).__name__}, wanted a dict of fields.\n"
            "  Map the items to dicts first, or pick from what they are with hr.map."
        )
    missing = [key for key in keys if key not in item]
    if not missing:
        return None  # the dict's own reason
    return KeyError(f"{call} got an item without {missing}; its fields are {list(item)}")
