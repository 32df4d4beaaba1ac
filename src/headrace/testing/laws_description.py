"""Laws on a description: it is a value, and having one costs and opens nothing."""

from __future__ import annotations

import builtins
import io
import json
import os
import pickle
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from typing import Any

import numpy as np

from headrace.core.describe import describe, dump, load
from headrace.core.plain import where_is
from headrace.core.registry import components
from headrace.core.stream import Stream
from headrace.errors import StreamConfigError
from headrace.testing.case import Case, Held, alike, first_line, nodes, short, with_params


def frozen(case: Case) -> None:
    """No attribute of any node can be set, and its hash goes with its equality."""
    for node in nodes(case.stream):
        for name in (*node.params(), "an_attribute_of_the_law"):
            try:
                setattr(node, name, getattr(node, name, None))
            except AttributeError:
                continue
            node.__dict__.pop("an_attribute_of_the_law", None)
            raise case.broken(f"{node!r}.{name} = ... was accepted", "a frozen description: decorate it with @recipe")
    if case.stream != case.stream.with_() or hash(case.stream) != hash(case.stream.with_()):
        raise case.broken("a copy is not equal or has another hash", "equal descriptions with equal hashes")


def picklable(case: Case) -> None:
    """A description comes back from pickle as it was."""
    try:
        twin = pickle.loads(case.pickled)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        raise case.broken(
            f"pickle says {first_line(error)!r}", "a description without files, threads or locks"
        ) from error
    if twin.fingerprint != case.stream.fingerprint:
        raise case.broken("it came back with another fingerprint", "the same description")


def printable(case: Case) -> None:
    """Printing says something."""
    for made in (repr, str, describe):
        if not str(made(case.stream)).strip():
            raise case.broken(f"{made.__name__}() says nothing", "a description to read")


def start_opens_nothing(case: Case) -> None:
    """Making a cursor opens no file, starts no thread and runs no function of the user's."""
    case.needs(not case.once, "it can be drawn only once")
    with case.open() as cursor:  # whatever is imported or looked up once
        next(cursor, None)
    before = Held()
    with _watched(case.functions) as seen:
        cursor = case.stream.start(case.key)
    try:
        more = before.grown()
        if seen or more:
            raise case.broken(f"start() {seen[0] if seen else 'left ' + more}", "nothing before the first item")
    finally:
        cursor.close()


@contextmanager
def _watched(functions: list[Any]) -> Iterator[list[str]]:
    """Note what is opened and which of the user's functions are called."""
    seen: list[str] = []
    codes = {
        getattr(getattr(f, "__func__", f), "__code__", None): where_is(f)
        for function in functions
        for f in (function, getattr(function, "__wrapped__", None), getattr(function, "func", None))
        if f is not None
    }
    codes.pop(None, None)

    def called(frame: Any, event: str, _: Any) -> None:
        if event == "call" and frame.f_code in codes:
            seen.append(f"called {codes[frame.f_code]}")

    def noting(function: Callable[..., Any]) -> Callable[..., Any]:
        def opens(file: Any, *args: Any, **kwargs: Any) -> Any:
            seen.append(f"opened {file!r}")
            return function(file, *args, **kwargs)

        return opens

    real = builtins.open, io.open, os.open
    alone = sys.getprofile() is None  # a profiler written in C could not be put back
    builtins.open, io.open, os.open = noting(real[0]), noting(real[1]), noting(real[2])
    if alone:
        sys.setprofile(called)
    try:
        yield seen
    finally:
        if alone:
            sys.setprofile(None)
        builtins.open, io.open, os.open = real


def fingerprint(case: Case) -> None:
    """Equal descriptions have equal fingerprints, others have others."""
    mine = case.stream.fingerprint
    if case.stream.with_().fingerprint != mine:
        raise case.broken("a copy has another fingerprint", mine)
    if case.stream.seeded(1).fingerprint == case.stream.seeded(2).fingerprint:
        raise case.broken("seeds 1 and 2 give one fingerprint", "the seed to count")
    for name, other in variants(case.stream):
        if name in case.stream.tuning:
            if other.fingerprint != mine:
                raise case.broken(f"another {name}, which is tuning, gives another fingerprint", mine)
        elif other.fingerprint == mine or other == case.stream:
            raise case.broken(f"another {name} gives an equal description: {other!r}", "every parameter to count")


def importable(case: Case) -> None:
    """Leave the law when another process could not import what the stream is made of."""
    things = [*map(type, nodes(case.stream)), *case.functions]
    mains = [where_is(thing) for thing in things if getattr(thing, "__module__", "") == "__main__"]
    case.needs(not mains, f"{', '.join(mains)} cannot be imported by another process")
    case.needs(case.pickled, "")


def variants(stream: Stream[Any]) -> list[tuple[str, Stream[Any]]]:
    """Return the same stream with one parameter changed, for every parameter that can be."""
    found = []
    for name, value in stream.params().items():
        for other in _others(value):
            try:
                made = with_params(stream, {**stream.params(), name: other})
            except Exception:  # whatever a constructor says to a value out of range
                continue
            if not alike(made.params().get(name), value):  # else the constructor makes one of both, as of weights
                found.append((name, made))
                break
    return found


def _others(value: Any) -> list[Any]:
    if isinstance(value, bool | np.bool_):
        return [not value]
    if isinstance(value, int | float | np.number):
        return [] if value in (inf, -inf) else [value + 1, value - 1, value / 2]
    if isinstance(value, tuple | list) and len(value) > 0:
        first = [[other, *value[1:]] for other in _others(value[0])] if not isinstance(value[0], Stream) else []
        shorter = [value[:-1]] if len(value) > 1 else []
        return [type(value)(parts) for parts in first + shorter if type(value) in (tuple, list)]
    if isinstance(value, np.ndarray) and value.dtype.kind in "iuf" and value.size:
        return [value + 1]
    return []


def written_as_json(case: Case) -> None:
    """The description comes back from JSON, with its functions handed over by name."""
    known = {component.make for component in components()}
    strangers = sorted({node.node_name for node in nodes(case.stream) if type(node) not in known})
    case.needs(not strangers, f"not registered: {', '.join(strangers)}")
    try:
        text = dump(case.stream)
    except StreamConfigError as error:
        case.needs(False, first_line(error))
    json.loads(text)
    twin = load(text, functions={where_is(f): f for f in case.functions})
    if twin.fingerprint != case.stream.fingerprint or twin != case.stream:
        raise case.broken(f"it came back as {short(twin)}", "an equal description")
    case.needs(not case.once, "it can be drawn only once")
    with twin.open(case.key) as cursor:
        case.compare(cursor.take(case.items), 0, "written as JSON and loaded")


BEFORE: dict[str, Callable[[Case], None]] = {
    "frozen": frozen,
    "picklable": picklable,
    "printable": printable,
    "start opens nothing": start_opens_nothing,
    "fingerprint": fingerprint,
}
AFTER: dict[str, Callable[[Case], None]] = {"JSON": written_as_json}
