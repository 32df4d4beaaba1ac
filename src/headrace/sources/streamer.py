"""A stream from anything that makes items: a generator function with its arguments, an iterable, another stream."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from copy import deepcopy
from functools import partial, wraps
from itertools import chain, compress, islice, repeat
from operator import length_hint
from types import FunctionType, GeneratorType, MethodType
from typing import Any, ClassVar, Literal, TypeVar, get_origin, get_type_hints

import numpy as np

from headrace.core.coerce import as_stream
from headrace.core.cursor import Cursor
from headrace.core.functions import check_call, once_each, place_of_rng
from headrace.core.items import fresh
from headrace.core.key import Key
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.core.stream import Resume, Source, Stream
from headrace.errors import ResumeError, StreamConfigError
from headrace.sources.nested import Nested

T = TypeVar("T")
_MOST = 2**62
_MOVE_ON = (np.random.Generator, np.random.RandomState, random.Random, Iterator)  # what a pass changes
_FLAT = (str, bytes, range, np.ndarray)  # sequences whose items hold no containers of the caller's
How = Literal["call", "stream", "sequence", "iterable", "once"]


@register("streamer", example=lambda: Streamer(_countdown, 40))
@recipe
class Streamer(Stream[T]):
    """A recipe for a stream: something that makes items, and the arguments to start it with.

    Parameters
    ----------
    source
        A generator function (also a bound method, a ``partial``, or an object whose ``__call__`` is one); a function
        marked by :func:`streamable` or annotated as returning an iterator; another stream; any iterable. An iterator
        that is already running, such as a generator object, makes a stream that can be drawn once.
    *args, **kwargs
        The function's arguments, handed over as they are. A parameter of the function named ``rng`` is filled with a
        generator of its own for each pass. For a stream they are those of calling it: ``max_iter`` and ``cycle``.

    Raises
    ------
    StreamConfigError
        When ``source`` makes no items, or is a function that cannot be called with these arguments; at once.

    Notes
    -----
    Items of an iterable are handed out in containers of their own (dicts, lists, tuples, dataclasses), so that they can
    be changed. The arrays inside them are the caller's: change a copy. Rows of an array cannot be written to.
    Arguments after anything that is neither a function nor a stream have no meaning and are ignored.

    Examples
    --------
    >>> import headrace as hr
    >>> def noise(n, *, rng):
    ...     for _ in range(n):
    ...         yield rng.normal(size=3)
    >>> stream = hr.Streamer(noise, 2).seeded(7)
    >>> [item.shape for item in stream]
    [(3,), (3,)]
    >>> list(hr.Streamer(range(10)).iterate(max_iter=3))
    [0, 1, 2]
    """

    source: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    isolate: ClassVar[bool] = False  # True in compat: each pass gets its own copy of the arguments

    def __init__(self, source: Source[T], *args: Any, **kwargs: Any) -> None:
        if hasattr(source, "__recipe__") and not isinstance(source, type):
            source = as_stream(source)  # a handle, as it is now
        self.fix(source=source, args=args, kwargs=kwargs)
        kind = how(source)
        if kind == "stream":
            Nested.limits(*args, **kwargs)
        elif kind == "call" and not self.isolate:
            function: Any = source
            check_call(
                function.__wrapped__ if hasattr(function, "__streamable__") else function, len(args), tuple(kwargs)
            )

    @classmethod
    def from_params(cls, params: dict[str, Any]) -> Any:
        return cls(params["source"], *params["args"], **params["kwargs"])

    @property
    def children(self) -> tuple[Stream[Any], ...]:
        """The stream inside, when the source is one."""
        return (self.source,) if isinstance(self.source, Stream) else ()

    @property
    def size(self) -> float | None:
        """Known for a sequence and for another stream."""
        if isinstance(self.source, Stream):
            return Nested.size(self.source, *self.args, **self.kwargs)
        return len(self.source) if how(self.source) == "sequence" else None

    @property
    def resume(self) -> Resume:
        """Exact for a sequence, by replay for a function or an iterable, none for a running iterator.

        And none for a function with an argument that moves on with each pass: a generator of random numbers, an iterator.
        """
        if isinstance(self.source, Stream):
            return self.source.resume
        kinds: dict[How, Resume] = {"sequence": "exact", "once": "none"}
        return "none" if self._moving() else kinds.get(how(self.source), "replay")

    def _moving(self) -> str:
        """Return what argument the function's next pass does not find as it was; nothing when there is none."""
        if self.isolate or not (self.args or self.kwargs) or how(self.source) != "call":
            return ""
        for name, value in chain(enumerate(self.args), self.kwargs.items()):
            if isinstance(value, _MOVE_ON):
                return f"{name if isinstance(name, str) else f'argument {name}'}, {_shown(value)},"
        return ""

    def why_no_resume(self) -> str:
        if moving := self._moving():
            return (
                f"its {moving} is not what it was when a pass has used it.\n"
                "  A parameter named rng that is left out is filled for each pass; else give a seed, or a function."
            )
        return "it can be run only once.\n  Give a function or a sequence instead of a running iterator."

    def remarks(self) -> tuple[str, ...]:
        if self.children:
            return ()
        kind = how(self.source)
        once = ("a running iterator: it can be drawn once",) if kind == "once" else ()
        if moving := self._moving():
            return (f"its {moving} moves on with each pass: no run can be resumed",)
        unused = ("its arguments are ignored: the source is no function",) if self.args or self.kwargs else ()
        return once + (unused if kind != "call" else ())

    def start(self, key: Key) -> Cursor[T]:
        if isinstance(self.source, Stream):
            return Nested(self, key)
        return _Pass(self, key)

    def hands_rng(self, function: Callable[..., Any]) -> bool:
        """Tell whether ``function`` is handed a generator: it has a parameter ``rng`` that no argument fills."""
        return len(self.args) <= place_of_rng(function)

    def begin(self, key: Key, position: int = 0) -> Iterator[T]:
        """Return the items of one pass from ``position`` on. Runs the user's code."""
        source, args, kwargs = self.source, self.args, self.kwargs
        kind = how(source)
        if self.isolate:
            source, args, kwargs = _copied((source, args, kwargs))
        made: Iterator[T]
        if kind == "call":
            function = source.__wrapped__ if hasattr(source, "__streamable__") else source
            if "rng" not in kwargs and self.hands_rng(function):
                kwargs = {**kwargs, "rng": key.rng()}
            items = function(*args, **kwargs)
            made = items if type(items) is GeneratorType else _opened(items, key)
        elif kind == "sequence":
            if isinstance(source, np.ndarray) and not self.isolate:
                source = source.view()
                source.flags.writeable = False  # rows are views: whoever changes one in place changes the caller's
            rows = iter(source) if not position else (source[i] for i in range(position, len(source)))
            return rows if type(source) in _FLAT else _fresh(rows)
        else:
            made = iter(source) if kind == "once" else _fresh(iter(source))
        if position and kind != "once" and sum(1 for _ in islice(made, position)) < position:
            raise ResumeError(
                f"{self!r} ended before item {position} when it was replayed.\n"
                "  What it reads has changed, or it draws numbers of its own: take them from a parameter rng."
            )
        return made


def _shown(value: Any) -> str:
    return "an iterator" if isinstance(value, Iterator) else f"a {type(value).__name__}"


class _Fresh(map):  # type: ignore[type-arg]  # no subscript at run time before Python 3.14
    """Items in containers of their own, and the iterator they come from, so that it can be closed."""

    made: Iterator[Any]


def _fresh(made: Iterator[Any]) -> Iterator[Any]:
    items = _Fresh(fresh, made)
    items.made = made
    return items


def _opened(made: Any, key: Key) -> Iterator[Any]:
    """Return the items of what a function returned; a stream gets a key of the pass, so that its seed reaches it."""
    if isinstance(made, Stream) or hasattr(made, "__recipe__"):
        return _items_of(as_stream(made).open(key.child("made")))
    return iter(made)


def _items_of(cursor: Cursor[T]) -> Generator[T, None, None]:
    with cursor:
        yield from cursor


class _Pass(Cursor[T]):
    """A failed generator is dead, so trying again means running it anew up to the item that failed."""

    stream: Streamer[T]
    _source: Iterator[T] | None = None
    _error: BaseException | None = None  # what a running iterator raised: it cannot be run anew, so it stays
    _upto = 0  # the count when all ticks are used up
    _ticks: repeat[bool] | None = None  # one is used up with each item, by compress(): counting costs nothing
    _over = False  # the failed item was passed, and there is nothing behind it

    @property
    def count(self) -> int:  # type: ignore[override]  # computed here, counted elsewhere
        return self._upto if self._ticks is None else self._upto - length_hint(self._ticks)

    def run(self) -> Generator[T, None, None]:
        if self._over:
            return
        if self._error is not None:
            raise self._error.with_traceback(None)
        try:
            source = self._source
            if source is None:
                source = self._source = self.stream.begin(self.key, self.count)
            self._upto = self.count + _MOST
            self._ticks = ticks = repeat(True, _MOST)
            yield from compress(source, ticks)
        except GeneratorExit:
            raise
        except BaseException as error:
            if how(self.stream.source) == "once":
                self._error = error
            else:
                self._source = None
            raise

    def pass_failed(self) -> None:
        if how(self.stream.source) == "sequence":  # the elements behind the failed one can be had
            self._upto, self._ticks, self._source = self.count + 1, None, None
            self.restart()
            return
        # An iterator that is no generator may have more behind the item it failed on.
        self._over = self._error is None or inspect.isgenerator(self._source)
        self._error = None

    def save(self) -> Any:
        return [self.count, "over"] if self._over else self.count

    def load(self, saved: Any) -> None:
        self.release()
        self._over = isinstance(saved, list)
        self._upto, self._ticks = saved[0] if self._over else saved, None
        self._source = None
        self.restart()

    def release(self) -> None:
        source = self._source
        if type(source) is _Fresh:
            source = source.made
        if type(source) is GeneratorType and source is not self.stream.source:  # one of the caller's goes on
            source.close()

    def close(self) -> None:  # as Cursor's, written flat: a mux closes thousands of these in a second
        if self._closed:
            return
        self._closed = True
        items, self._items = self._items, None
        if items is not None:
            items.close()
        source = self._source
        if type(source) is _Fresh:
            source, self._source = source.made, None
        if type(source) is GeneratorType and source is not self.stream.source:
            source.close()


def _copied(value: Any) -> Any:
    """Return a deep copy of what can be copied; a memory-mapped array stays on its file."""
    if isinstance(value, np.memmap):
        return value
    if type(value) in (tuple, list):
        return type(value)(_copied(part) for part in value)
    if type(value) is dict:
        return {name: _copied(part) for name, part in value.items()}
    try:
        return deepcopy(value)
    except Exception:  # whatever a foreign __deepcopy__ raises, the thing itself is handed over
        return value


def how(source: Any) -> How:
    """Return how items are made from ``source``.

    Raises
    ------
    StreamConfigError
        When they cannot be.
    """
    if type(source) is FunctionType and _known_to_make_items(source):  # nearly all, and asked at each activation
        return "call"
    if isinstance(source, Stream):
        return "stream"
    if callable(source) and not isinstance(source, Iterable):
        if _makes_items(source):
            return "call"
    elif isinstance(source, Iterator):
        return "once"
    elif isinstance(source, Sequence) or (isinstance(source, np.ndarray) and source.ndim):
        return "sequence"
    elif isinstance(source, Iterable) and not isinstance(source, type | np.ndarray):
        return "iterable"
    raise StreamConfigError(_refused(source))


def _makes_items(function: Any) -> bool:
    if type(function) is FunctionType:
        return _known_to_make_items(function)
    if type(function) in (MethodType, partial):  # what they own is not to be kept with an answer
        return _makes_items(function.__func__ if type(function) is MethodType else function.func)
    return not isinstance(function, type) and _asked(function)


def _asked(function: Any) -> bool:
    if inspect.isgeneratorfunction(function) or inspect.isgeneratorfunction(getattr(function, "__call__", None)):  # noqa: B004
        return True
    return hasattr(function, "__streamable__") or _annotated(function)


_known_to_make_items = once_each(_asked)


def _annotated(function: Callable[..., Any]) -> bool:
    """Tell whether a function says that it returns an iterator, an iterable or a stream."""
    try:
        returned = get_type_hints(function).get("return")
    except Exception:  # a hint that names nothing, in a module we know nothing of
        returned = getattr(function, "__annotations__", {}).get("return")
    if isinstance(returned, str):
        return returned.split("[")[0].rpartition(".")[2] in ("Iterator", "Iterable", "Generator", "Stream")
    kind = get_origin(returned) or returned
    return isinstance(kind, type) and issubclass(kind, Iterable) and not issubclass(kind, str | bytes | dict)


def _refused(source: Any) -> str:
    if isinstance(source, type):
        return f"Streamer got the class {source.__qualname__}, wanted something that makes items.\n  Call it first."
    if callable(source):
        name = getattr(source, "__qualname__", type(source).__qualname__)
        return (
            f"Streamer got {name}, an ordinary function, wanted a generator function.\n"
            "  If it returns an iterator, mark it with @hr.streamable or annotate it -> Iterator."
        )
    return (
        f"Streamer got {source!r}, wanted a generator function or an iterable.\n"
        "  Anything with __iter__ will do, and a function that yields."
    )


def streamable(function: Callable[..., Iterable[T]]) -> Callable[..., Streamer[T]]:
    """Make a function that yields items (or returns an iterator) return a recipe for them: calling it costs nothing.

    A parameter named ``rng`` is left out of the call; each pass is handed its own generator.

    Examples
    --------
    >>> import headrace as hr
    >>> @hr.streamable
    ... def countdown(n):
    ...     yield from range(n, 0, -1)
    >>> list(countdown(3))
    [3, 2, 1]
    """
    if not callable(function) or isinstance(function, type):
        raise StreamConfigError(f"@streamable got {function!r}, wanted a function that yields items.")

    @wraps(function)
    def recipe_of(*args: Any, **kwargs: Any) -> Streamer[T]:
        return Streamer(recipe_of, *args, **kwargs)

    recipe_of.__streamable__ = True  # type: ignore[attr-defined]  # typing knows no attributes of functions
    return recipe_of


def _countdown(n: int) -> Iterator[int]:
    yield from range(n, 0, -1)
