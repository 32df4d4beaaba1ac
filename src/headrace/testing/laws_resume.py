"""Laws on going on: stop anywhere, save, and the rest is the same."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any, cast

from headrace.core.cursor import State
from headrace.core.key import Key
from headrace.core.stream import Stream
from headrace.errors import HeadraceError, ResumeError, StateMismatchError, StreamConfigError
from headrace.ops.select import take
from headrace.ops.shard import Shard
from headrace.testing.case import Case, alike, all_alike, first_line, nodes, short
from headrace.testing.elsewhere import elsewhere
from headrace.testing.laws_description import importable, variants
from headrace.testing.laws_indexed import numbered, parts_by_number
from headrace.testing.laws_run import follow


def travelled(case: Case, state: State) -> State:
    """Return a state as it would be read from a file: through JSON when it is plain, else through pickle.

    The items that a state may hold need not survive JSON (it has no tuples), so then it has not got to, either.
    """
    try:
        plain: State = json.loads(json.dumps(state))
        if alike(plain, state) or case.json_items:
            return plain
    except TypeError:
        pass
    try:
        return cast(State, pickle.loads(pickle.dumps(state)))
    except Exception as error:
        raise case.broken(f"its state cannot be saved: {first_line(error)}", "JSON values, arrays and items") from error


def resumes(case: Case) -> None:
    """Stopped anywhere and opened again from its state, a stream gives the same rest."""
    if case.once:
        _refuses_to(case)
        return
    rng = case.rng()
    for cut in case.cuts():
        with case.open() as cursor:
            cursor.skip(cut)
            state = travelled(case, cursor.state())
        with case.copy().open(at=state) as resumed:  # the key comes with the state
            follow(case, resumed, cut, rng)
        with case.open(at=state) as resumed:
            case.compare(resumed.take(case.items - cut), cut, f"resumed from a state at {cut}, with the key")


def _refuses_to(case: Case) -> None:
    with case.open() as cursor:
        try:
            cursor.state()
        except ResumeError:
            case.needs(False, "it can be drawn only once, and says so")
    raise case.broken("a stream with resume == 'none' gave a state", "a ResumeError")


def opens_at_a_position(case: Case) -> None:
    """An integer position is a place to go on from."""
    case.needs(not case.once, "it can be drawn only once")
    for cut in case.cuts(2):
        with case.open(at=cut) as cursor:
            if cursor.position != cut:
                raise case.broken(f"opened at {cut} it stands at {cursor.position}", str(cut))
            case.compare(cursor.take(case.items - cut), cut, f"opened at position {cut}")


def saving_is_free(case: Case) -> None:
    """Saving changes nothing, and a state once taken does not change."""
    case.needs(not case.once, "it can be drawn only once")
    with case.open() as cursor:
        states: list[tuple[State, State]] = []
        found: list[Any] = []
        while len(found) < len(case.expected):
            state = cursor.state()
            states.append((state, copy.deepcopy(state)))
            cursor.state()
            more = cursor.take(3)
            if not more:
                break
            found += more
        case.compare(found[: case.items], 0, "with a state saved every third item")
        for i, (state, was) in enumerate(states):
            if not alike(state, was):
                raise case.broken(f"the state saved at item {3 * i} changed later", "a value: copy lists into it")


def saved_when_closed(case: Case) -> None:
    """The state can still be read after close."""
    case.needs(not case.once, "it can be drawn only once")
    for cut in case.cuts(1):
        cursor = case.open()
        cursor.skip(cut)
        cursor.state()
        cursor.close()
        state = travelled(case, cursor.state())
        with case.open(at=state) as resumed:
            if resumed.position != cut:
                raise case.broken(f"closed at item {cut}, its state is one at {resumed.position}", str(cut))
            case.compare(resumed.take(case.items - cut), cut, f"resumed from the state of a cursor closed at {cut}")


def restores_a_used_cursor(case: Case) -> None:
    """A cursor that has been somewhere else goes back, and forth."""
    case.needs(not case.once, "it can be drawn only once")
    rng = case.rng()
    cuts = case.cuts(2)
    with case.open() as cursor:
        states = []
        for cut in cuts:
            cursor.skip(cut - cursor.position)
            states.append(travelled(case, cursor.state()))
        for k in rng.sample(range(len(cuts)), len(cuts)):
            cursor.restore(states[k])
            cursor.take(rng.randrange(4))
            cursor.restore(states[k])
            follow(case, cursor, cuts[k], rng)


def refuses_another(case: Case) -> None:
    """A state of another description, or of another key, is refused, and the node that differs is named."""
    case.needs(not case.once, "it can be drawn only once")
    with case.open() as cursor:
        cursor.skip(min(2, len(case.expected)))
        state = cursor.state()
    others = [other for _, other in variants(case.stream) if other.fingerprint != case.stream.fingerprint]
    mine = case.stream.stamp()["of"]
    others = [other for other in others if not isinstance(other, Shard) or other.stamp()["of"] != mine]  # of one whole
    for other in [*others, case.stream | take(10**9)]:
        _refused(case, other, case.key, state, getattr(case.stream, "stamped", case.stream).node_name)
    if case.stream.seed is None:
        _refused(case, case.stream, Key(case.seed + 1), state, "key")


def _refused(case: Case, other: Stream[Any], key: Key, state: State, named: str) -> None:
    try:
        with other.open(key, at=state):
            pass
    except StateMismatchError as error:
        if named not in str(error):
            raise case.broken(f"the message names no node: {error}", f"the name {named!r} in it") from None
    except Exception as error:  # any other error is the breach
        raise case.broken(f"{other!r} took its state and raised {error!r}", "a StateMismatchError") from error
    else:
        raise case.broken(f"{other!r} took its state", "a StateMismatchError")


def tuning_changes_nothing(case: Case) -> None:
    """What a description calls tuning changes no item, and a state goes on with another setting of it."""
    case.needs(not case.once, "it can be drawn only once")
    tuned = [(name, other) for name, other in variants(case.stream) if name in case.stream.tuning]
    case.needs(tuned, "it has no tuning that can be varied")
    for name, other in tuned:
        for cut in case.cuts(1):
            with case.open() as cursor:
                cursor.skip(cut)
                state = travelled(case, cursor.state())
            with other.open(at=state) as resumed:
                case.compare(resumed.take(case.items - cut), cut, f"resumed at {cut} with another {name}")


def shards(case: Case) -> None:
    """Parts share no source, hold them all, and do not take each other's states; by number, see ``laws_indexed``."""
    case.needs(not case.once, "it can be drawn only once")
    if case.stream.access == "index" and type(case.stream.shard(0, 1)) is Shard:
        parts_by_number(case)
        _no_such_parts(case)
        return
    for n in (1, 2, 3):
        try:
            parts = [case.stream.shard(i, n) for i in range(n)]
        except StreamConfigError as error:
            case.needs(n > 1, first_line(error))
            break
        _disjoint(case, parts)
        _own_states(case, parts)
    _no_such_parts(case)


def _no_such_parts(case: Case) -> None:
    for i, n in ((2, 2), (-1, 2), (0, 0)):
        try:
            case.stream.shard(i, n)
        except HeadraceError:
            continue
        raise case.broken(f"shard({i}, {n}) was made", "a StreamConfigError: wanted 0 <= i < n")


def _disjoint(case: Case, parts: list[Stream[Any]]) -> None:
    n = len(parts)
    if not case.stream.children and not case.draws and case.ended:
        left = list(case.expected)
        for i, part in enumerate(parts):
            with part.open(case.key) as cursor:
                for item in cursor.take(case.items):
                    at = next((k for k, whole in enumerate(left) if alike(whole, item)), None)
                    if at is None:
                        raise case.broken(f"shard({i}, {n}) gives {short(item)}", "what no other shard gives")
                    left.pop(at)
        if left:
            raise case.broken(f"no shard of {n} gives {short(left[0])}", "all items among the shards")
        return
    if any(isinstance(node, Shard) for part in parts for node in nodes(part, 100_000)):
        return  # divided by numbers, which ``parts_by_number`` examines
    left = [leaf.fingerprint for leaf in _leaves(case.stream)]
    whole = set(left)
    for i, part in enumerate(parts):
        for leaf in _leaves(part):
            if leaf.fingerprint not in whole:
                continue  # a source that was itself divided
            if leaf.fingerprint not in left:
                raise case.broken(f"shard({i}, {n}) has the source {leaf!r}", "one that no other shard has")
            left.remove(leaf.fingerprint)
    if left and len(left) < len(_leaves(case.stream)):
        raise case.broken(f"{len(left)} sources are in no shard of {n}", "all sources among the shards")


def _leaves(stream: Stream[Any]) -> list[Stream[Any]]:
    return [node for node in nodes(stream, 100_000) if not node.children]


def _own_states(case: Case, parts: list[Stream[Any]]) -> None:
    if len(parts) < 2 or parts[0] == parts[1]:
        return
    with parts[0].open(case.key) as cursor:
        cursor.skip(1)
        state = travelled(case, cursor.state())
        rest = cursor.take(case.items)
    with parts[0].open(at=state) as resumed:
        if not all_alike(resumed.take(case.items), rest):
            raise case.broken(f"shard(0, {len(parts)}) resumed gives another rest", "the same items")
    _refused(case, parts[1], case.key, state, "")
    _refused(case, case.stream, case.key, state, "")


def same_elsewhere(case: Case) -> None:
    """Description and state, sent to another process, have the same fingerprint and give the same items there."""
    case.needs(not case.once, "it can be drawn only once")
    importable(case)
    saved = []
    for cut in case.cuts(2):
        with case.open() as cursor:
            cursor.skip(cut)
            saved.append((cut, cursor.state()))
    try:
        sent = pickle.dumps(saved)
    except Exception as error:
        raise case.broken(f"its state cannot be sent: {first_line(error)}", "JSON values, arrays and items") from error
    by_number = case.stream.access == "index"
    asked = case.rng().choices(range(len(case.expected)), k=8) if by_number and case.expected else []
    described = pickle.dumps(numbered(case)) if by_number else case.pickled
    fingerprint, rests, found = elsewhere(_rests, case.pickled, sent, case.items, described, asked)
    if fingerprint != case.stream.fingerprint:
        raise case.broken(f"another process has the fingerprint {fingerprint}", f"{case.stream.fingerprint}, as here")
    for (cut, _), rest in zip(saved, rests, strict=True):
        case.compare(rest, cut, f"resumed at {cut} in another process")
    for i, item in zip(asked, found, strict=True):
        case.compare_with([item], case.expected[i : i + 1], i, "by number, in another process")


def _rests(
    pickled: bytes, sent: bytes, items: int, described: bytes, asked: list[int]
) -> tuple[str, list[list[Any]], list[Any]]:
    stream, found = pickle.loads(pickled), []
    for cut, state in pickle.loads(sent):
        with stream.open(at=state) as cursor:
            found.append(cursor.take(items - cut))
    by_number = pickle.loads(described)
    return stream.fingerprint, found, [by_number[i] for i in asked]


LAWS: dict[str, Callable[[Case], None]] = {
    "resume": resumes,
    "open at a position": opens_at_a_position,
    "saving changes nothing": saving_is_free,
    "state after close": saved_when_closed,
    "restore": restores_a_used_cursor,
    "another's state is refused": refuses_another,
    "tuning changes nothing": tuning_changes_nothing,
    "shards": shards,
}
ELSEWHERE: dict[str, Callable[[Case], None]] = {"the same in another process": same_elsewhere}
