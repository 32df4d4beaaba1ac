"""Laws on what a stream does with its sources: when one fails, is empty or short, and how much it draws."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from headrace.core.cursor import Cursor
from headrace.core.stream import Stream
from headrace.ops.select import take
from headrace.testing.case import Case, Wrap, alike, short
from headrace.testing.fakes import Broken, Counted, counted, flaky, without
from headrace.testing.laws_resume import travelled

PLACES = (17, 3, 0)  # which item of a source fails: late, early, first
_PATIENCE = 1000


def tried_again(case: Case) -> None:
    """An item that fails once is had at the second try, and nothing is lost or delivered twice."""
    case.needs(not case.once, "it can be drawn only once")
    seen = 0
    for at in PLACES:
        expected = _items(case, case.changed(lambda c, at=at: flaky(c, at=at, times=0)))  # type: ignore[misc]
        for style in ("next", "take", "for", "any"):
            noisy = case.changed(lambda c, at=at: flaky(c, at=at, times=1))  # type: ignore[misc]
            with noisy.open(case.key) as cursor:
                found, errors = _with_retries(case, cursor, len(expected), style)
            seen += errors
            case.compare_with(found, expected, 0, f"item {at} of a source failed once, drawn by {style}")
    case.needs(seen, "no source was drawn as far as an item that fails")


def _items(case: Case, stream: Stream[Any]) -> list[Any]:
    with stream.open(case.key) as cursor:
        return cursor.take(case.items)


def _with_retries(case: Case, cursor: Cursor[Any], most: int, style: str) -> tuple[list[Any], int]:
    """Draw ``most`` items, trying again after every error."""
    found: list[Any] = []
    rng, errors = case.rng(), 0
    while len(found) < most:
        try:
            more = _some(cursor, rng, found, most - len(found), style)
        except Exception as error:
            _good_error(case, error, cursor)
            errors += 1
            if errors > _PATIENCE:
                raise case.broken("it fails again and again", "a source that failed once to be tried again") from error
            more = True
        if cursor.position != len(found):
            raise case.broken(
                f"the position is {cursor.position} after {len(found)} items and an error", str(len(found))
            )
        if not more:
            break
    return found, errors


def _some(cursor: Cursor[Any], rng: random.Random, found: list[Any], most: int, style: str) -> bool:
    """Append some items to ``found``; tell whether there may be more."""
    how = rng.choice(("next", "take", "for")) if style == "any" else style
    if how == "take":
        taken = cursor.take(min(most, rng.randrange(1, 8)))
        found += taken
        return bool(taken)
    if how == "next":
        try:
            found.append(next(cursor))
        except StopIteration:
            return False
        return True
    for item in cursor:
        found.append(item)
        if rng.random() < 0.1 or len(found) >= most:
            return True
    return False


def _good_error(case: Case, error: Exception, cursor: Cursor[Any]) -> None:
    if type(error) is not Broken or not str(error).endswith("is broken"):
        raise error  # not ours
    notes = [note.strip() for note in getattr(error, "__notes__", ())]
    path = f"root/{cursor.stream.node_name}"
    if not any(note.startswith("while drawing item ") and path in note for note in notes):
        raise case.broken(f"an error came with the notes {notes}", f"'while drawing item ... of {path}...'") from error


def saved_at_an_error(case: Case) -> None:
    """A state taken right after an error goes on to the same rest."""
    case.needs(not case.once, "it can be drawn only once")
    seen = 0
    for at in PLACES:
        expected = _items(case, case.changed(lambda c, at=at: flaky(c, at=at, times=0)))  # type: ignore[misc]
        for style in ("next", "take"):
            noisy = case.changed(lambda c, at=at: flaky(c, at=at, times=1))  # type: ignore[misc]
            found: list[Any] = []
            with noisy.open(case.key) as cursor:
                try:
                    while len(found) < len(expected) and _some(cursor, case.rng(), found, case.items, style):
                        pass
                except Broken:
                    state = travelled(case, cursor.state())
                else:
                    continue
            seen += 1
            fresh = case.changed(lambda c, at=at: flaky(c, at=at, times=1))  # type: ignore[misc]
            with fresh.open(at=state) as resumed:
                if resumed.position != len(found):
                    raise case.broken(f"resumed after an error it stands at {resumed.position}", str(len(found)))
                rest: list[Any] = []
                _retried(resumed, rest, len(expected) - len(found))
            case.compare_with(rest, expected[len(found) :], len(found), f"resumed where item {at} of a source failed")
    case.needs(seen, "no source was drawn as far as an item that fails")


def _retried(cursor: Cursor[Any], found: list[Any], most: int) -> None:
    for _ in range(_PATIENCE):
        try:
            while len(found) < most:
                found.append(next(cursor))
        except Broken:
            continue
        except StopIteration:
            return
        return


def passed_by_skip(case: Case) -> None:
    """skip() passes exactly the item that failed: the rest is as if its source had never had it."""
    case.needs(not case.once, "it can be drawn only once")
    seen = 0
    for at in PLACES:
        expected = _items(case, case.changed(lambda c, at=at: without(c, at)))  # type: ignore[misc]
        for style in ("next", "take", "for"):
            noisy = case.changed(lambda c, at=at: flaky(c, at=at, times=None))  # type: ignore[misc]
            with noisy.open(case.key) as cursor:
                found, errors = _with_skips(case, cursor, len(expected), style)
            seen += errors
            case.compare_with(found, expected, 0, f"item {at} of every source was passed, drawn by {style}")
    case.needs(seen, "no source was drawn as far as an item that fails")


def _with_skips(case: Case, cursor: Cursor[Any], most: int, style: str) -> tuple[list[Any], int]:
    found: list[Any] = []
    rng, errors = case.rng(), 0
    while len(found) < most:
        try:
            if not _some(cursor, rng, found, most - len(found), style):
                break
        except Broken as error:
            errors += 1
            if cursor.skip() != 1:
                raise case.broken("skip() after an error did not say 1", "one item passed") from error
            if errors > _PATIENCE:
                raise case.broken("it fails again and again after skip()", "the item passed") from error
    return found, errors


def fails_for_ever(case: Case) -> None:
    """An item that cannot be had raises the same error each time; it is never a silent end."""
    case.needs(not case.once, "it can be drawn only once")
    for at in PLACES:
        noisy = case.changed(lambda c, at=at: flaky(c, at=at, times=None))  # type: ignore[misc]
        with noisy.open(case.key) as cursor:
            try:
                cursor.take(case.items)
            except Broken:
                break
    else:
        case.needs(False, "no source was drawn as far as an item that fails")
    with noisy.open(case.key) as cursor:
        while True:
            try:
                next(cursor)
            except Broken:
                break
        for how in ("next", "take", "for", "read"):
            try:
                found = _asked(cursor, how)
            except Broken:
                continue
            except StopIteration:
                found = "an end"
            raise case.broken(f"after an error, {how} gives {short(found)}", "the same error again")


def _asked(cursor: Cursor[Any], how: str) -> Any:
    if how == "next":
        return next(cursor)
    if how == "for":
        for item in cursor:
            return item
        return "an end"
    return getattr(cursor, how)(1)


def opens_without_drawing(case: Case) -> None:
    """Nothing is drawn from a source before the first item is wanted, nor while states are saved."""
    case.needs(not case.once, "it can be drawn only once")
    made: list[Counted[Any]] = []
    stream = case.changed(_counting(made))
    with stream.open(case.key) as cursor:
        cursor.state()
        drawn = sum(source.drawn for source in made)
    if drawn:
        raise case.broken(f"{drawn} items were drawn by opening it", "none before the first item is wanted")


def _counting(made: list[Counted[Any]]) -> Wrap:
    def wrap(source: Stream[Any]) -> Stream[Any]:
        made.append(counted(source))
        return made[-1]

    return wrap


def draws_what_it_needs(ahead: int) -> Callable[[Case], None]:
    """Return the law that no item is drawn that the items given so far could do without, but for ``ahead``."""

    def law(case: Case) -> None:
        case.needs(not case.once, "it can be drawn only once")
        made: list[Counted[Any]] = []
        stream = case.changed(_counting(made))
        case.needs(len(made) == 1, "it has several sources")
        with stream.open(case.key) as cursor:
            drawn: list[tuple[int, Any]] = []
            while len(drawn) < case.items and (found := cursor.take(1)):
                drawn.append((made[0].drawn, found[0]))
        for k, (n, item) in enumerate(drawn):
            enough = n - 1 - ahead
            if enough < 0 or k not in (0, 1, len(drawn) // 2, len(drawn) - 1):
                continue
            fewer = case.changed(lambda c, enough=enough: c | take(enough))  # type: ignore[misc]
            with fewer.open(case.key) as cursor:
                cursor.skip(k)
                again = cursor.take(1)
            if again and alike(again[0], item):
                raise case.broken(
                    f"{n} items of its source were drawn for {k + 1} of its own, which {enough} give as well",
                    "nothing drawn in excess; say ahead= if it has to look ahead, ahead=None if its items look alike",
                )

    return law


def empty_sources(case: Case) -> Case:
    """Return the same case over empty sources."""
    return Case(case.changed(lambda c: c | take(0)), case.items, case.seed)


def one_item_sources(case: Case) -> Case:
    """Return the same case over sources of one item."""
    return Case(case.changed(lambda c: c | take(1)), case.items, case.seed)


LAWS: dict[str, Callable[[Case], None]] = {
    "opening draws nothing": opens_without_drawing,
    "a failed item is tried again": tried_again,
    "a failed item fails for ever": fails_for_ever,
    "skip passes a failed item": passed_by_skip,
    "state at an error": saved_at_an_error,
}
