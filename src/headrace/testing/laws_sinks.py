"""Laws on sinks: what was written is kept when it is closed, and nothing of the caller's is changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from headrace.core.sink import Sink
from headrace.testing.case import Held, alike, copied, short
from headrace.testing.report import LawError, NotApplicable, Report

Make = Callable[[Path], Sink[Any]]
Read = Callable[[Path], Iterable[Any]] | None


class _Sinks:
    """One kind of sink under examination; every law has a folder of its own."""

    make: Make
    items: list[Any]
    read: Read
    folder: Path
    law: str
    made: str

    def __init__(self, make: Make, items: list[Any], read: Read, folder: Path) -> None:
        self.make, self.items, self.read, self.folder = make, items, read, folder
        self.law, self.made = "", ""

    def open(self) -> Sink[Any]:
        self.folder.mkdir()
        sink = self.make(self.folder)
        self.made = type(sink).__name__
        return sink

    def broken(self, seen: str, wanted: str) -> LawError:
        return LawError(self.law, seen, wanted, self.made)

    def compare(self, expected: list[Any]) -> None:
        """Raise unless what is kept equals ``expected``."""
        if self.read is None:
            raise NotApplicable("no read= was given")
        found = list(self.read(self.folder))
        for i, (mine, theirs) in enumerate(zip(found, expected, strict=False)):
            if not alike(mine, theirs):
                raise self.broken(f"item {i} was read back as {short(mine)}", short(theirs))
        if len(found) != len(expected):
            raise self.broken(f"{len(found)} items were read back", str(len(expected)))


def is_a_sink(case: _Sinks) -> None:
    """It has what a sink has."""
    sink = case.open()
    sink.close()
    if not isinstance(sink, Sink):
        raise case.broken("something is missing", "write, close, __enter__ and __exit__")


def read_back(case: _Sinks) -> None:
    """What is written is what is read."""
    sink = case.open()
    for item in case.items:
        sink.write(item)
    sink.close()
    case.compare(case.items)


def nothing_written(case: _Sinks) -> None:
    """A sink that is given nothing closes like any other."""
    case.open().close()
    if case.read is not None:
        case.compare([])


def closes_twice(case: _Sinks) -> None:
    """Closing twice is fine."""
    sink = case.open()
    sink.write(case.items[0])
    sink.close()
    sink.close()
    if case.read is not None:
        case.compare(case.items[:1])


def refuses_after_close(case: _Sinks) -> None:
    """A closed sink takes no more."""
    sink = case.open()
    sink.write(case.items[0])
    sink.close()
    try:
        sink.write(case.items[0])
    except Exception:  # which one is the sink's business
        return
    raise case.broken("write() after close() was accepted", "an error")


def context_manager(case: _Sinks) -> None:
    """Leaving a with block closes."""
    with case.open() as sink:
        for item in case.items:
            sink.write(item)
    try:
        sink.write(case.items[0])
    except Exception:  # which one is the sink's business
        pass
    else:
        raise case.broken("write() after the with block was accepted", "a block that closes at its end")
    if case.read is not None:
        case.compare(case.items)


def lets_errors_through(case: _Sinks) -> None:
    """An exception inside a with block comes out of it."""

    class Passing(Exception):
        pass

    try:
        with case.open() as sink:
            sink.write(case.items[0])
            raise Passing
    except Passing:
        return
    raise case.broken("the with block swallowed an exception", "the exception, after closing")


def changes_nothing(case: _Sinks) -> None:
    """Items are as they were after they were written."""
    before = [copied(item) for item in case.items]
    with case.open() as sink:
        for item in case.items:
            sink.write(item)
    for i, (item, was) in enumerate(zip(case.items, before, strict=True)):
        if not alike(item, was):
            raise case.broken(f"item {i} is {short(item)} after it was written", f"{short(was)}, as it was")


def copies_what_it_keeps(case: _Sinks) -> None:
    """What is changed after write() is not changed in what is kept."""
    mine = [copied(item) for item in case.items]
    with case.open() as sink:
        for item in mine:
            sink.write(item)
            if isinstance(item, dict | list):
                item.clear()
    case.compare(case.items)


def lets_go(case: _Sinks) -> None:
    """A closed sink holds no descriptor and no thread."""
    before = Held()
    with case.open() as sink:
        sink.write(case.items[0])
    if more := before.grown():
        raise case.broken(f"a closed sink left {more}", "nothing left after close")


LAWS: dict[str, Callable[[_Sinks], None]] = {
    "is a sink": is_a_sink,
    "nothing of the caller's is changed": changes_nothing,
    "what is written can be read": read_back,
    "nothing written": nothing_written,
    "closing twice": closes_twice,
    "no write after close": refuses_after_close,
    "context manager": context_manager,
    "errors pass through": lets_errors_through,
    "an item may change after it was written": copies_what_it_keeps,
    "nothing left after close": lets_go,
}


def check(make: Make, items: list[Any], read: Read) -> Report:
    """Run the laws; see :func:`headrace.testing.check_sink`."""
    held: list[str] = []
    skipped: dict[str, str] = {}
    with TemporaryDirectory() as folder:
        for k, (name, law) in enumerate(LAWS.items()):
            case = _Sinks(make, [copied(item) for item in items], read, Path(folder) / str(k))
            case.law = name
            try:
                law(case)
            except NotApplicable as why:
                skipped[name] = str(why)
            else:
                held.append(name)
    return Report(case.made, tuple(held), skipped)
