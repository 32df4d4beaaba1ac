"""Laws on one pass: the same items however they are drawn, numbers that follow the key, a clean end."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import islice, pairwise
from math import inf
from typing import Any

import numpy as np

from headrace.core.cursor import Cursor
from headrace.core.items import leaves, stack
from headrace.core.key import Key
from headrace.errors import ClosedError, DataError
from headrace.testing.case import Case, Held, alike, all_alike, copied, draw, short

PROGRAMS = 6


def no_hidden_randomness(case: Case) -> None:
    """Two passes with one key are equal; if not, something draws numbers that are not from the key."""
    case.needs(not case.once, "it can be drawn only once")
    who = f" (perhaps in {case.assumed_pure})" if case.assumed_pure else ""
    wanted = f"the same items for the same key: take random numbers from a parameter rng{who}, and keep no memory"
    for _ in range(2):
        again = case.first(case.key)
        for i, (one, two) in enumerate(zip(case.expected, again, strict=False)):
            if not alike(one, two):
                raise case.broken(f"item {i} was {short(one)} in one pass and {short(two)} in the next", wanted)
        if len(again) != len(case.expected):
            raise case.broken(f"one pass gave {len(case.expected)} items and the next {len(again)}", wanted)


def other_key_other_items(case: Case) -> None:
    """Random numbers come from the key, so that another key gives others."""
    case.needs(not case.once, "it can be drawn only once")
    case.needs(case.draws, "no random numbers were seen")


def seeds(case: Case) -> None:
    """A seed makes passes repeat; it is the root of the key, and the path stays."""
    case.needs(not case.once, "it can be drawn only once")
    seeded = case.stream if case.stream.seed is not None else case.stream.seeded(case.seed)
    case.compare(seeded.iterate(case.items), 0, "a seeded pass")
    case.compare(seeded.iterate(case.items), 0, "a seeded pass, the second time")
    path = ("a", 3)
    with seeded.open(Key(case.seed + 1).child(*path)) as one, seeded.open(Key(case.seed).child(*path)) as two:
        if not all_alike(one.take(case.items), two.take(case.items)):
            raise case.broken("a seeded stream follows the root of the key it is given", "its own root and their path")


def unseeded_passes_differ(case: Case) -> None:
    """Without a seed, every pass draws numbers of its own; laps and epochs never repeat each other."""
    case.needs(not case.once, "it can be drawn only once")
    case.needs(case.stream.seed is None, "it has a seed of its own")
    case.needs(case.draws, "no random numbers were seen")
    case.needs(case.varied, "it draws too few random numbers to tell")
    roots = [case.first(Key(case.seed + k)) for k in (1, 2)]
    case.needs(not all(all_alike(root, case.expected) for root in roots), "all that draws inside has a seed of its own")
    one = case.first(None)
    if all(all_alike(one, case.first(None)) for _ in range(16)):  # one different pass is enough
        raise case.broken("seventeen unseeded passes are equal", "a fresh key for each")
    laps = [case.first(Key(case.seed).child("lap", lap)) for lap in range(5)]
    if all(all_alike(one, two) for one, two in pairwise(laps)):
        raise case.broken("five laps of one seed are equal", "numbers of its own for each lap")
    next_seed = [case.first(Key(case.seed + 1).child("lap", lap)) for lap in range(4)]
    if all(all_alike(one, two) for one, two in zip(laps[1:], next_seed, strict=True)):
        raise case.broken("lap e + 1 of a seed is lap e of the next seed", "seeds that do not overlap")


def drawn_in_any_way(case: Case) -> None:
    """All of next, take, read, skip and for loops mix freely and count exactly."""
    case.needs(not case.once, "it can be drawn only once")
    rng = case.rng()
    for _ in range(PROGRAMS):
        with case.open() as cursor:
            follow(case, cursor, 0, rng)


def follow(case: Case, cursor: Cursor[Any], start: int, rng: random.Random) -> None:
    """Draw the rest in random ways and compare it, and the position at every step."""
    at, expected = start, case.expected
    if cursor.position != start:
        raise case.broken(f"the position is {cursor.position} after {start} items", str(start))
    for how, found, n in draw(cursor, rng, len(expected) - start):
        due = expected[at : at + n]
        if how == "skip":
            if found != len(due):
                raise case.broken(f"skip({n}) says {found} at item {at}", str(len(due)))
        elif how == "read":
            _compare_columns(case, found, due, at)
        elif how == "refused" and _stacks(due):
            raise case.broken(f"read({n}) at item {at} refuses items that stack", "their columns")
        else:
            case.compare_with(found, due, at, f"drawn by {how}")
        at += len(due)
        if cursor.position != at:
            raise case.broken(f"the position is {cursor.position} after {how}({n}) from {at - len(due)}", str(at))
    if case.ended:
        _compare_end(case, cursor)


def _compare_columns(case: Case, found: Any, due: list[Any], at: int) -> None:
    if due and not alike(found, stack(due)):
        raise case.broken(f"read({len(due)}) at item {at} gives {short(found)}", f"stack(take(n)): {short(stack(due))}")


def _stacks(items: list[Any]) -> bool:
    try:
        stack(items)
    except DataError:
        return False
    return True


def _compare_end(case: Case, cursor: Cursor[Any]) -> None:
    last = len(case.expected)
    for _ in range(2):
        found = [*islice(cursor, 3), *cursor.take(2)]
        if found or cursor.skip(2):
            raise case.broken(f"after its end it gives {short(found)}", "an end that stays")
        if next(cursor, None) is not None or cursor.position != last:
            raise case.broken(f"after its end it stands at {cursor.position}", f"an end that stays at {last}")


def columns(case: Case) -> None:
    """A read(n) is stack(take(n)); what does not stack is not lost."""
    case.needs(not case.once, "it can be drawn only once")
    for n in (1, 2, 5, len(case.expected)):
        due = case.expected[:n]
        with case.open() as cursor:
            try:
                wanted = stack(due)
            except DataError:
                _refuses(case, cursor, due)
                continue
            found = cursor.read(len(due))
            if due and not alike(found, wanted):
                raise case.broken(f"read({n}) gives {short(found)}", f"stack(take({n})): {short(wanted)}")


def _refuses(case: Case, cursor: Cursor[Any], due: list[Any]) -> None:
    try:
        found = cursor.read(len(due))
    except DataError:
        case.compare_with(cursor.take(len(due)), due, 0, "taken after a read that did not stack")
    else:
        raise case.broken(f"read({len(due)}) gives {short(found)}", "a DataError: the items do not stack")


def ends(case: Case) -> None:
    """A pass that has ended stays ended."""
    case.needs(case.ended, f"no end within {case.items} items")
    if case.once:
        with case.open() as cursor:
            if next(cursor, None) is not None:
                raise case.broken("a source that can be drawn once starts again", "nothing")
        return
    with case.open() as cursor:
        cursor.skip(len(case.expected))
        _compare_end(case, cursor)


def closes(case: Case) -> None:
    """Closing twice is fine, at any place, and a closed cursor gives nothing."""
    case.needs(not case.once, "it can be drawn only once")
    for cut in case.cuts(1):
        cursor = case.open()
        cursor.skip(cut)
        cursor.close()
        cursor.close()
        if cursor.position != cut:
            raise case.broken(f"closed after {cut} items it stands at {cursor.position}", str(cut))
        for how in ("next", "take", "for", "skip"):
            try:
                found = (
                    list(islice(cursor, 1))
                    if how == "for"
                    else next(cursor)
                    if how == "next"
                    else getattr(cursor, how)(1)
                )
            except ClosedError:
                continue
            except StopIteration:
                found = "an end"
            raise case.broken(f"{how} after close gives {short(found)}", "a ClosedError")


def lets_go(case: Case) -> None:
    """A closed pass leaves no descriptor and no thread behind."""
    case.needs(not case.once, "it can be drawn only once")
    for cut in (1, len(case.expected)):
        with case.open() as cursor:
            cursor.skip(cut)
    before = Held()
    for _ in range(3):
        with case.open() as cursor:
            cursor.skip(1)
    if more := before.grown():
        raise case.broken(f"three passes left {more}", "nothing left after close")


def size_is_kept(case: Case) -> None:
    """What ``size`` and len() say is what comes."""
    size, came = case.stream.size, len(case.expected)
    if size is None or size == inf:
        try:
            raise case.broken(f"len() says {len(case.stream)} and size {size}", "a TypeError from len()")
        except TypeError:
            pass
    elif len(case.stream) != size:
        raise case.broken(f"len() says {len(case.stream)} and size {size}", "one number")
    case.needs(size is not None, "its size is not known")
    if (case.ended and size != came) or (not case.ended and size is not None and size < came):
        raise case.broken(f"{came} items came", f"size {size}")


def spec_is_kept(case: Case) -> None:
    """Names, shapes and dtypes are those that were promised."""
    spec = case.stream.spec
    case.needs(spec is not None, "it promises no names, shapes or dtypes")
    for i, item in enumerate(case.expected):
        found = {path: np.asarray(leaf) for path, leaf in leaves(item)}
        if spec is None or set(found) != set(spec):
            raise case.broken(f"item {i} has fields {sorted(found)}", f"those of spec: {sorted(spec or ())}")
        for name, field in spec.items():
            shape, dtype = found[name].shape, found[name].dtype
            fits = len(shape) == len(field.shape) and all(
                w is None or w == s for w, s in zip(field.shape, shape, strict=True)
            )
            promised = np.dtype(field.dtype)
            kind = promised.kind in "SU" and promised.itemsize == 0 and promised.kind == dtype.kind  # of any length
            if not fits or not (kind or dtype == promised):
                raise case.broken(f"item {i} has {name}: {dtype} {shape}", f"{field.dtype} {field.shape}, as spec says")


def items_are_the_callers(case: Case) -> None:
    """An item belongs to who drew it: later ones do not change it, and changing it does not change later ones."""
    case.needs(not case.once, "it can be drawn only once")
    with case.open() as cursor:
        kept = list(islice(cursor, case.items))
    case.compare(kept, 0, "kept while the following items were drawn")
    copy = case.copy()
    case.needs(copy is not case.stream, "it cannot be copied to be put at risk")
    with copy.open(case.key) as cursor:
        for i, item in enumerate(islice(cursor, case.items)):
            case.compare_with([copied(item)], case.expected[i : i + 1], i, "after the items before it were emptied")
            _empty(item)


def _empty(item: Any) -> None:
    """Take everything out of the containers of an item."""
    for part in item.values() if isinstance(item, dict) else item if isinstance(item, tuple | list) else ():
        _empty(part)
    if isinstance(item, dict | list):
        item.clear()


FIRST: dict[str, Callable[[Case], None]] = {
    "no hidden randomness": no_hidden_randomness,
    "an item is its owner's": items_are_the_callers,
}
LAWS: dict[str, Callable[[Case], None]] = {
    "another key, other items": other_key_other_items,
    "a seed repeats": seeds,
    "unseeded passes differ": unseeded_passes_differ,
    "drawn in any way": drawn_in_any_way,
    "read is stack of take": columns,
    "an end stays": ends,
    "closing": closes,
    "nothing left after close": lets_go,
    "size": size_is_kept,
    "spec": spec_is_kept,
}
