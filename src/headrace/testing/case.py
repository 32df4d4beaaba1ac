"""What every law is given: the stream, a key, and the items that should come."""

from __future__ import annotations

import copy
import gc
import json
import os
import pickle
import random
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from itertools import combinations, islice
from time import monotonic, sleep
from typing import Any, Final

import numpy as np

from headrace.core.cursor import Cursor
from headrace.core.functions import name_of_function, takes_rng
from headrace.core.items import branches, map_leaves, same
from headrace.core.key import Key
from headrace.core.plain import functions_in
from headrace.core.recipe import Recipe
from headrace.core.stream import Stream
from headrace.errors import DataError, HeadraceError, HeadraceWarning
from headrace.testing.report import LawError, NotApplicable

Wrap = Callable[[Stream[Any]], Stream[Any]]
_GRACE: Final = 1.0  # seconds


class Case:
    """One stream under examination.

    Parameters
    ----------
    stream
        What is examined.
    items
        At most how many items of a pass are looked at.
    seed
        Fixes the keys and every random choice of the laws.
    sources
        Returns the stream with each of its sources changed by a function; by default those directly inside it.
    """

    stream: Stream[Any]
    items: int
    seed: int
    key: Key

    def __init__(
        self, stream: Stream[Any], items: int, seed: int, sources: Callable[[Wrap], Stream[Any]] | None = None
    ) -> None:
        self.stream, self.items, self.seed = stream, items, seed
        self.key = Key(seed)
        self.law = ""
        self.sources = sources

    # --- saying so ------------------------------------------------------------------------------

    def broken(self, seen: str, wanted: str) -> LawError:
        """Return the error to raise when the law at hand is broken."""
        return LawError(self.law, seen, wanted, repr(self.stream))

    def needs(self, condition: Any, reason: str) -> None:
        """Leave the law when it has nothing to say."""
        if not condition:
            raise NotApplicable(reason)

    def compare(self, found: Iterable[Any], start: int, what: str) -> None:
        """Raise unless ``found`` are the expected items from ``start`` on, all of them."""
        self.compare_with(list(found), self.expected[start:], start, what)

    def compare_with(self, found: list[Any], expected: list[Any], start: int, what: str) -> None:
        """Raise unless ``found`` equals ``expected``, whose first item is number ``start``."""
        for i, (mine, theirs) in enumerate(zip(found, expected, strict=False), start):
            if not alike(mine, theirs):
                raise self.broken(f"{what}: item {i} is {short(mine)}", short(theirs))
        if len(found) != len(expected):
            raise self.broken(f"{what}: {start + len(found)} items had come at the end", str(start + len(expected)))

    # --- what is known --------------------------------------------------------------------------

    @cached_property
    def once(self) -> bool:
        """Whether it can be drawn only once."""
        return self.stream.resume == "none"

    @cached_property
    def expected(self) -> list[Any]:
        """The first items of a pass with the key, copied when they came."""
        with self.open() as cursor:
            return [copied(item) for item in islice(cursor, self.items)]

    @property
    def ended(self) -> bool:
        """Whether those are all the items there are."""
        return len(self.expected) < self.items

    @cached_property
    def json_items(self) -> bool:
        """Whether its items survive JSON, so that a state that holds some should, too."""
        try:
            return alike(json.loads(json.dumps(self.expected)), self.expected)
        except TypeError:
            return False

    @cached_property
    def _others(self) -> list[list[Any]]:
        """The first items with four other keys."""
        return [self.first(Key(self.seed).child("other", i)) for i in range(4)]

    @cached_property
    def draws(self) -> bool:
        """Whether its items are others with another key."""
        return any(not all_alike(other, self.expected) for other in self._others)

    @cached_property
    def varied(self) -> bool:
        """Whether five passes are five different ones: then equal passes are no accident."""
        return not any(all_alike(one, two) for one, two in combinations([self.expected, *self._others], 2))

    @cached_property
    def functions(self) -> list[Any]:
        """The user's functions anywhere inside."""
        return [f for node in nodes(self.stream) for value in node.params().values() for f in functions_in(value)]

    @property
    def assumed_pure(self) -> str:
        """The functions inside that take no ``rng``, for messages."""
        names = sorted({name_of_function(f) for f in self.functions if not isinstance(f, type) and not takes_rng(f)})
        return ", ".join(names[:5])

    @cached_property
    def pickled(self) -> bytes:
        """The description as bytes."""
        reason = not_picklable(self.stream)
        self.needs(reason is None, str(reason))
        return pickle.dumps(self.stream)

    def copy(self) -> Stream[Any]:
        """Return the description as another process would get it, or itself when it cannot travel."""
        made: Stream[Any] = self.stream if not_picklable(self.stream) else pickle.loads(self.pickled)
        return made

    # --- doing ----------------------------------------------------------------------------------

    def open(self, at: Any = None) -> Cursor[Any]:
        """Open the stream with the key."""
        return self.stream.open(self.key, at=at)

    def first(self, key: Key | None) -> list[Any]:
        """Return the first items of a pass with another key."""
        with self.stream.open(key) as cursor:
            return [copied(item) for item in islice(cursor, self.items)]

    def rng(self) -> random.Random:
        """Return the random choices of the law at hand."""
        return random.Random(f"{self.seed}/{self.law}")

    def cuts(self, n: int = 6) -> list[int]:
        """Return where to stop: before the first item, after it, before and after the last, and at random."""
        last = len(self.expected)
        found = {0, 1, last - 1, last, *(self.rng().randrange(last + 1) for _ in range(n))}
        return sorted(cut for cut in found if 0 <= cut <= last)

    def changed(self, wrap: Wrap) -> Stream[Any]:
        """Return the stream with its sources changed by ``wrap``."""
        try:
            return (self.sources or self._children_changed)(wrap)
        except HeadraceError as error:
            raise NotApplicable(f"cannot be put over such a source: {first_line(error)}") from None

    def _children_changed(self, wrap: Wrap) -> Stream[Any]:
        self.needs(self.stream.children, "it has no source inside")
        return with_params(self.stream, {name: _wrapped(v, wrap) for name, v in self.stream.params().items()})


def with_params(stream: Stream[Any], params: dict[str, Any]) -> Stream[Any]:
    """Return a stream like ``stream``, through its constructor, with these parameters."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HeadraceWarning)  # of parameters that the user never chose
        made: Stream[Any] = type(stream).from_params(params)
    return made if stream.seed is None else made.with_(seed=stream.seed)


def _wrapped(value: Any, wrap: Wrap) -> Any:
    if isinstance(value, Stream):
        return wrap(value)
    if isinstance(value, tuple | list) and any(isinstance(part, Stream) for part in value):
        return type(value)(wrap(part) if isinstance(part, Stream) else part for part in value)
    if isinstance(value, dict) and any(isinstance(part, Stream) for part in value.values()):
        return {name: wrap(part) if isinstance(part, Stream) else part for name, part in value.items()}
    return value


def nodes(stream: Recipe, most: int = 200) -> list[Any]:
    """Return a description's nodes, the root first, at most ``most``."""
    found: list[Any] = []
    waiting: list[Recipe] = [stream]
    while waiting and len(found) < most:
        found.append(waiting.pop(0))
        waiting.extend(found[-1].children)
    return found


def copied(item: Any) -> Any:
    """Return a copy of an item that shares nothing with it."""
    return map_leaves(_copied_leaf, item)


def _copied_leaf(leaf: Any) -> Any:
    if isinstance(leaf, np.ndarray) and not leaf.dtype.hasobject:
        return leaf.copy(order="K")
    try:
        return copy.deepcopy(leaf)
    except Exception:  # an opaque leaf that refuses is compared as it is
        return leaf


def alike(a: Any, b: Any) -> bool:
    """Tell whether two items are equal; objects that do not say what equal means, by their pickles."""
    try:
        if same(a, b):
            return True
    except Exception:  # foreign objects may answer == with anything
        pass
    if type(a) is not type(b) or isinstance(a, np.ndarray | int | float | str | bytes | bool):
        return False
    parts, others = branches(a), branches(b)
    if parts is not None and others is not None:
        return [n for n, _ in parts] == [n for n, _ in others] and all(
            alike(x, y) for (_, x), (_, y) in zip(parts, others, strict=True)
        )
    try:
        return pickle.dumps(a) == pickle.dumps(b)
    except Exception:  # then there is no way to tell
        return False


def all_alike(a: list[Any], b: list[Any]) -> bool:
    """Tell whether two lists of items are equal."""
    return len(a) == len(b) and all(map(alike, a, b))


def short(value: Any) -> str:
    """Return a value as one short line."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 160 else text[:157] + "..."


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def not_picklable(stream: Stream[Any]) -> str | None:
    """Return why a description cannot be sent to another process through no fault of its components, or None."""
    for node in nodes(stream):
        if node.resume == "none" and not node.children:
            return f"{node!r} can be drawn only once"
        things = [type(node), *(f for value in node.params().values() for f in functions_in(value))]
        for thing in things:
            where = getattr(thing, "__qualname__", "")
            found: Any = sys.modules.get(getattr(thing, "__module__", None) or "")
            for name in where.split("."):
                found = getattr(found, name, None)
            if where and found is None:
                return f"{where} is not at the top of a module, so pickle cannot name it"
    return None


class Held:
    """What this process holds when it is made: descriptors and threads."""

    descriptors: int | None
    threads: set[int | None]

    def __init__(self) -> None:
        self.descriptors = _descriptors()
        self.threads = {t.ident for t in threading.enumerate()}

    def grown(self) -> str:
        """Return what is held now that was not held then, or nothing.

        A thread that has been told to end has a second for it, as that of a server in this process which hears from
        a socket that its consumer has left.
        """
        if self._more():
            gc.collect()
        until = monotonic() + _GRACE
        while (found := self._more()) and monotonic() < until:
            sleep(0.002)
        return found

    def _more(self) -> str:
        now, found = Held(), []
        if self.descriptors is not None and now.descriptors is not None and now.descriptors > self.descriptors:
            found.append(f"{now.descriptors - self.descriptors} more open descriptors")
        if new := now.threads - self.threads:
            found.append(f"{len(new)} more threads")
        return " and ".join(found)


def _descriptors() -> int | None:
    try:
        return len(os.listdir("/dev/fd"))
    except OSError:
        return None


def draw(cursor: Cursor[Any], rng: random.Random, most: int) -> Iterator[tuple[str, Any, int]]:
    """Yield (how, what came, how many were asked for) of random ways to draw up to ``most`` items.

    A ``read`` of items that do not stack is "refused"; what came is what ``take`` gives then.
    """
    left = most
    while left > 0:
        how = rng.choice(["next", "take", "read", "skip", "for"])
        n = 1 if how == "next" else min(left, rng.randrange(7))
        try:
            found = _draw(cursor, how, n, rng)
        except DataError:
            if how != "read":
                raise
            how, found = "refused", cursor.take(n)
        left -= n
        yield how, found, n


def _draw(cursor: Cursor[Any], how: str, n: int, rng: random.Random) -> Any:
    if how == "next":
        return [item for item in [next(cursor, _END)] if item is not _END]
    if how == "for":
        return _loop(cursor, n, rng)
    return getattr(cursor, how)(n)


def _loop(cursor: Cursor[Any], n: int, rng: random.Random) -> list[Any]:
    """Return up to n items of a ``for`` loop, with other calls in its body that change where it goes on from."""
    found: list[Any] = []
    if not n:
        return found
    for item in cursor:
        found.append(item)
        if len(found) == n:
            break
        also = rng.choice(["nothing", "next", "take"])  # restore has laws of its own
        if also != "nothing":
            found += _draw(cursor, also, 1, rng)
        if len(found) == n:
            break
    return found


_END: Any = object()
