"""Laws on streams whose items have numbers: one number, one item, however it is asked for, and parts in index space."""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable
from itertools import pairwise
from math import inf
from threading import Thread
from typing import Any

import numpy as np

from headrace.core.indexed import Indexed, IndexedCursor
from headrace.core.items import leaves, stack
from headrace.core.stream import Stream
from headrace.errors import AddressError, DataError, StateMismatchError
from headrace.ops.repeat import Repeat
from headrace.ops.shard import Shard
from headrace.testing.case import Case, alike, copied, short
from headrace.testing.fakes import Broken, unreachable

WORLDS = (1, 2, 3, 5)
LAPS = 3
PLACES = (17, 3, 0)


def numbered(case: Case) -> Any:
    """Return the stream with the seed of the case, for ``[i]``; leave the law when its items have no numbers."""
    case.needs(case.stream.access == "index", "its items have no numbers")
    if not isinstance(case.stream, Indexed):
        raise case.broken(f'access is "index", and it is a {type(case.stream).__name__}', "an Indexed stream")
    stream = case.stream if case.stream.seed is not None else case.stream.seeded(case.seed)
    stream.extent()  # a file may have to be read for it
    if stream.size is None:
        raise case.broken('access is "index" and size None', "a size, or math.inf")
    return stream


def items_by_number(case: Case) -> None:
    """``stream[i]`` is item i of a pass, in whatever order it is asked for, counted from the end too."""
    stream, expected, rng = numbered(case), case.expected, case.rng()
    asked = [*range(len(expected)), *rng.choices(range(len(expected)), k=10)] if expected else []
    rng.shuffle(asked)
    for i in asked[:40]:
        for index in (i, np.int64(i), np.uint8(i)) if i < 256 else (i, np.int64(i)):
            compare(case, lambda index=index: stream[index], expected[i], f"[{index!r}]")  # type: ignore[misc]
        if case.ended:
            compare(case, lambda i=i: stream[i - len(expected)], expected[i], f"[{i - len(expected)}]")  # type: ignore[misc]
    for again in asked[:5]:  # as its owner the caller may change an item; the next question has it as it was
        emptied(stream[again])
        compare(case, lambda i=again: stream[i], expected[again], f"[{again}], asked again")  # type: ignore[misc]


def emptied(item: Any) -> None:
    """Take everything out of the containers of an item."""
    for part in item.values() if isinstance(item, dict) else item if isinstance(item, tuple | list) else ():
        emptied(part)
    if isinstance(item, dict | list):
        item.clear()


def compare(case: Case, ask: Callable[[], Any], due: Any, what: str) -> None:
    """Raise unless what is asked for is ``due``."""
    found = ask()
    if not alike(found, due):
        raise case.broken(f"{what} is {short(found)}", f"{short(due)}, as in a pass")


def columns_by_number(case: Case) -> None:
    """``[a:b]``, ``[[i, j]]`` and ``block(key, a, b)`` are the columns of those items, however the numbers are cut."""
    stream, n, rng = numbered(case), len(case.expected), case.rng()
    cuts = sorted({0, n, *(rng.randrange(n + 1) for _ in range(4))})
    for a, b in [*pairwise(cuts), (0, n)]:
        _columns(case, lambda a=a, b=b: stream[a:b], range(a, b), f"[{a}:{b}]")  # type: ignore[misc]
        _columns(case, lambda a=a, b=b: case.stream.block(case.key, a, b), range(a, b), f"block(key, {a}, {b})")  # type: ignore[misc,attr-defined]
    for step in (2, 7):
        a = rng.randrange(n + 1)
        _columns(case, lambda a=a, k=step: stream[a:n:k], range(a, n, step), f"[{a}:{n}:{step}]")  # type: ignore[misc]
    for _ in range(3):
        several = [rng.randrange(n) for _ in range(rng.randrange(1, 9))] if n else []
        _columns(case, lambda at=several: stream[at], several, f"[{several}]")  # type: ignore[misc]
        _columns(case, lambda at=several: stream[np.array(at, np.int32)], several, f"[np.array({several})]")  # type: ignore[misc]
    if case.ended:
        _columns(case, lambda: stream[::-1], range(n)[::-1], "[::-1]")
        _columns(case, lambda: stream[:], range(n), "[:]")
        _columns(case, lambda: stream[-3:], range(n)[-3:], "[-3:]")
        _columns(case, lambda: stream[n : n + 5], range(0), f"[{n}:{n + 5}]")
        if n:
            _columns(case, lambda: stream[[-1, 0]], [n - 1, 0], "[[-1, 0]]")


def _columns(case: Case, ask: Callable[[], Any], numbers: Any, what: str) -> None:
    due = [copied(case.expected[i]) for i in numbers]
    try:
        wanted = stack(due)
    except DataError:
        try:
            found = ask()
        except DataError:
            return
        raise case.broken(f"{what} gives {short(found)}", "a DataError: the items do not stack") from None
    found = ask()
    if not due and not alike(found, wanted):  # not the columns of nothing, so those of a filled one without its rows
        if (kinds := _kinds(found, rows=0)) is None or kinds != _kinds(stack([copied(case.expected[0])]), rows=1):
            raise case.broken(f"{what} gives {short(found)}", "columns of no rows, of the kinds of the items")
        return
    if not alike(found, wanted):
        raise case.broken(f"{what} gives {short(found)}", f"the columns of those items: {short(wanted)}")
    emptied(found)  # the next question has them as they were
    compare(case, ask, wanted, f"{what}, asked again,")


def _kinds(columns: Any, *, rows: int) -> list[Any] | None:
    """Return path, dtype (of strings the kind) and shape of a row of each column; None unless each has ``rows`` rows."""
    parts = [(path, np.asarray(leaf)) for path, leaf in leaves(columns)]
    if any(part.ndim == 0 or len(part) != rows for _, part in parts):
        return None
    return [(path, p.dtype.kind if p.dtype.kind in "SU" else p.dtype, p.shape[1:]) for path, p in parts]


def addresses_end(case: Case) -> None:
    """A number of no item raises an AddressError, which is an IndexError; so does what is no number."""
    stream = numbered(case)
    size = stream.size
    wrong: list[Any] = [1.5, "a", None, [[0, 1]], [0.5]]
    wrong += [-1, [-1], [0, -1]] if size == inf else [size, -size - 1, size + 10**12, [size], [-size - 1]]
    for index in wrong:
        _refuses(case, lambda index=index: stream[index], f"[{index!r}]")  # type: ignore[misc]
    edges = [(-1, 1), (2, 1)] + ([] if size == inf else [(0, size + 1), (size + 1, size + 2)])
    for lo, hi in edges:
        _refuses(case, lambda lo=lo, hi=hi: stream.block(None, lo, hi), f"block(None, {lo}, {hi})")  # type: ignore[misc]
    if size == inf:
        for cut in (slice(3, None), slice(-3, 5), slice(None, None, -1)):
            _refuses(case, lambda cut=cut: stream[cut], f"[{cut}]")  # type: ignore[misc]


def _refuses(case: Case, ask: Callable[[], Any], what: str) -> None:
    try:
        found = ask()
    except AddressError:
        return
    raise case.broken(f"{what} gives {short(found)}", "an AddressError")


def state_is_a_number(case: Case) -> None:
    """The state of a pass is the number of its next item."""
    numbered(case)
    own = type(case.stream).start is not Indexed.start
    for cut in case.cuts(2):
        with case.open(at=cut) as cursor:
            case.needs(not own or isinstance(cursor, IndexedCursor), "its own cursor keeps more than a number")
            cursor.state()
            at = cursor.state()["at"]
            if type(at) is not int or (not isinstance(case.stream, Shard) and at != cut):
                raise case.broken(f"the state at item {cut} is {short(at)}", f"the number {cut}")


def laps_by_number(case: Case) -> None:
    """Numbers beyond the end are the later laps: ``stream | repeat()`` begins as the stream, and goes on as by number."""
    stream, n = numbered(case), len(case.expected)
    rng = case.rng()
    endless: Any = Repeat(stream)
    with endless.open(case.key) as cursor:
        case.compare_with(cursor.take(n), case.expected, 0, "repeat()")
    for i in sorted({0, n - 1, *(rng.randrange(n) for _ in range(3))} if n else ()):
        compare(case, lambda i=i: endless[i], case.expected[i], f"repeat()[{i}]")  # type: ignore[misc]
    case.needs(case.ended and n, "it has no end, or no items, within those looked at")
    laps: Any = Repeat(stream, LAPS)
    with laps.open(case.key) as cursor:
        found = [copied(item) for item in cursor]
    if len(found) != LAPS * n or laps.size != LAPS * n:
        raise case.broken(f"repeat({LAPS}) gave {len(found)} items and says size {laps.size}", str(LAPS * n))
    for i in {n - 1, n, 2 * n - 1, 2 * n, 3 * n - 1, *(rng.randrange(3 * n) for _ in range(8))}:
        for stream, name in ((laps, f"repeat({LAPS})"), (endless, "repeat()")):
            compare(case, lambda i=i, s=stream: s[i], found[i], f"{name}[{i}]")  # type: ignore[misc]
    lap = Case(laps, LAPS * n + 1, case.seed)
    lap.law = case.law
    for a, b, step in ((n - 1, n + 1, 1), (0, 3 * n, 1), (0, 3 * n, 2), (n // 2, 3 * n, max(1, n - 1)), (n, 2 * n, 1)):
        _columns(lap, lambda a=a, b=b, k=step: laps[a:b:k], range(a, b, step), f"repeat({LAPS})[{a}:{b}:{step}]")  # type: ignore[misc]
    _columns(lap, lambda: laps[::-1], range(3 * n)[::-1], f"repeat({LAPS})[::-1]")
    far = 10**9 * n
    with endless.open(case.key, at=far) as cursor:
        for i, item in enumerate(cursor.take(min(n, 8) + 1), far):
            compare(case, lambda i=i: endless[i], item, f"repeat()[{i}]")  # type: ignore[misc]


def from_threads(case: Case) -> None:
    """Two threads that ask at once get what one gets."""
    stream, expected = numbered(case), case.expected
    case.needs(expected, "it has no items")
    wrong: list[Any] = []

    def ask(seed: int) -> None:
        rng = random.Random(seed)
        try:
            for _ in range(20):
                i = rng.randrange(len(expected))
                found = stream[i]
                if not alike(found, expected[i]):
                    wrong.append(case.broken(f"[{i}] in a thread of its own is {short(found)}", short(expected[i])))
        except Exception as error:  # told where the law runs
            wrong.append(error)

    threads = [Thread(target=ask, args=(case.seed + k,)) for k in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise wrong[0]


def copies(case: Case) -> None:
    """A description that was pickled gives the same items by number; what was asked before does not travel."""
    stream = numbered(case)
    case.needs(case.pickled and case.expected, "it has no items")
    before = len(pickle.dumps(stream))
    i = case.rng().randrange(len(case.expected))
    stream[i]
    sent = pickle.dumps(stream)
    if len(sent) > before:
        raise case.broken(f"its pickle grows from {before} to {len(sent)} bytes by a question", "the same description")
    twin = pickle.loads(sent)
    compare(case, lambda: twin[i], case.expected[i], f"pickled, [{i}]")
    stream[i]  # the first is of use yet


# --- errors -------------------------------------------------------------------------------------


def failed_by_number(case: Case) -> None:
    """An item that cannot be made fails alone and each time, says where, and skip() passes it and nothing else."""
    numbered(case)
    case.needs(case.stream.children, "it has no source inside")
    case.needs(all(child.access == "index" for child in case.stream.children), "its sources have no numbers")
    seen = 0
    for at in PLACES:
        broken = case.changed(lambda c, at=at: unreachable(c, at))  # type: ignore[misc]
        if broken.access != "index":
            raise case.broken("over sources with numbers its items have none", "items by number")
        with case.changed(lambda c, at=at: unreachable(c, at, times=0)).open(case.key) as cursor:  # type: ignore[misc]
            due = [copied(item) for item in cursor.take(case.items)]
        bad = _failing(case, broken, due)
        seen += len(bad)
        with broken.open(case.key) as cursor:
            _passed(case, cursor, due, bad)
        once = case.changed(lambda c, at=at: unreachable(c, at, times=1))  # type: ignore[misc]
        with once.open(case.key) as cursor:
            found: list[Any] = []
            for _ in range(1000):
                try:
                    found += cursor.take(5)
                except Broken as error:
                    _says_where(case, error)
                    continue
                if len(found) >= len(due) or cursor.position == len(due):
                    break
        case.compare_with(found[: len(due)], due, 0, f"item {at} of a source failed once")
    case.needs(seen, "no source was asked for an item that fails")


def _failing(case: Case, broken: Any, due: list[Any]) -> set[int]:
    """Return the numbers of the items that fail; raise when another one changes."""
    stream = broken if broken.seed is not None else broken.seeded(case.seed)
    bad = set()
    for i, item in enumerate(due):
        try:
            compare(case, lambda i=i: stream[i], item, f"[{i}], while another item fails,")  # type: ignore[misc]
        except Broken as error:
            _says_where(case, error)
            bad.add(i)
    return bad


def _says_where(case: Case, error: Broken) -> None:
    path = f"root/{case.stream.node_name}"
    notes = [note.strip() for note in getattr(error, "__notes__", ())]
    if not any(note.startswith("while drawing item ") and path in note for note in notes):
        raise case.broken(f"an error came with the notes {notes}", f"'while drawing item ... of {path}...'") from error


def _passed(case: Case, cursor: Any, due: list[Any], bad: set[int]) -> None:
    i = 0
    while i < len(due):
        if i in bad:
            for how in ("next", "take", "read"):
                try:
                    found = next(cursor, "an end") if how == "next" else getattr(cursor, how)(1)
                except Broken:
                    continue
                raise case.broken(f"{how} gives {short(found)} for item {i}, which fails", "the same error each time")
            if cursor.position != i:
                raise case.broken(f"it stands at {cursor.position} before item {i}, which failed", str(i))
            if cursor.skip() != 1:
                raise case.broken("skip() after an error did not say 1", "one item passed")
        else:
            case.compare_with([next(cursor)], due[i : i + 1], i, "around an item that fails")
        i += 1
        if cursor.position != i:
            raise case.broken(f"the position is {cursor.position} after {i} items, some of them passed", str(i))


# --- parts --------------------------------------------------------------------------------------


def parts_by_number(case: Case) -> None:
    """Element j of ``shard(i, n)`` is element j n + i; a state of a part is a place in the whole and in other parts."""
    stream = numbered(case)
    expected = case.expected
    for n in WORLDS:
        for i in range(n):
            part = stream.shard(i, n)
            due = expected[i::n]
            part.extent()
            if part.size != (inf if stream.size == inf else len(range(i, int(stream.size), n))):
                raise case.broken(f"shard({i}, {n}) says size {part.size}", f"that of {stream.size} items in {n} parts")
            with part.open(case.key) as cursor:
                case.compare_with(cursor.take(len(due)), due, 0, f"shard({i}, {n})")
            for j in {0, len(due) // 2, len(due) - 1} if due else ():
                compare(case, lambda j=j, part=part: part[j], due[j], f"shard({i}, {n})[{j}]")  # type: ignore[misc]
    if len(expected) >= 4:
        half: Any = case.stream.shard(1, 2).shard(0, 2)
        with half.open(case.key) as cursor:
            case.compare_with(cursor.take(len(expected[1::4])), expected[1::4], 0, "shard(1, 2).shard(0, 2)")
    _worlds_change(case)
    other: Stream[Any] = case.stream | _another()
    with case.stream.shard(0, 2).open(case.key) as cursor:
        state = cursor.state()
    try:
        with other.open(case.key, at=state):
            pass
    except StateMismatchError:
        return
    raise case.broken(f"{other!r} took the state of a part", "a StateMismatchError")


def _another() -> Any:
    from headrace.ops.select import take

    return take(10**9)


def _worlds_change(case: Case) -> None:
    """4 parts become 6, those become 3, and one goes on with it all: each item comes once."""
    expected, rng = case.expected, case.rng()
    for worlds in ((4, 6, 3, 1), (3, 4, 1), (2, 5, 2, 1), (1, 6, 4, 1)):
        at, state = 0, None
        for n in worlds[:-1]:
            steps = rng.randrange(4)
            if at + steps * n > len(expected):
                break
            found, states = {}, []
            for i in range(n):
                with case.stream.shard(i, n).open(case.key, at=state) as cursor:
                    first = at + (i - at) % n
                    for k, item in enumerate(cursor.take(steps)):
                        found[first + k * n] = item
                    states.append(cursor.state())
            case.compare_with(
                [found.get(k) for k in range(at, at + steps * n)], expected[at : at + steps * n], at, f"{n} parts"
            )
            if any(not alike(one, states[0]) for one in states[1:]):
                raise case.broken(
                    f"after {steps} steps from {at}, {n} parts have the states {short([s['at'] for s in states])}",
                    "one place in the whole",
                )
            at, state = at + steps * n, states[rng.randrange(n)]
        with case.open() as cursor:
            own = not isinstance(cursor, IndexedCursor)  # a file's, which keeps more than a number
        with case.stream.shard(0, 1).open(case.key, at=state) if own else case.open(at=state) as cursor:
            rest = expected[at:]
            case.compare_with(cursor.take(len(rest)), rest, at, f"the whole, after parts of {worlds[:-1]}")


LAWS: dict[str, Callable[[Case], None]] = {
    "items by number": items_by_number,
    "columns by number": columns_by_number,
    "numbers end": addresses_end,
    "a state is a number": state_is_a_number,
    "laps by number": laps_by_number,
    "by number from two threads": from_threads,
    "by number from a copy": copies,
    "a failed item by number": failed_by_number,
}
