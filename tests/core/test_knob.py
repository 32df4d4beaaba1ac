"""The only mutable leaf of a recipe."""

from __future__ import annotations

import pickle
import threading

import headrace as hr


def test_it_counts_its_turns() -> None:
    knob = hr.Knob(0.5)
    assert (knob.value, knob.turns) == (0.5, 0)
    knob.set(1.0)
    assert knob.now() == (1, 1.0)
    assert knob.initial == 0.5
    assert repr(knob) == "Knob(1.0)"


def test_it_travels_with_its_value() -> None:
    knob = hr.Knob([1, 2])
    knob.set([3])
    again = pickle.loads(pickle.dumps(knob))
    assert again.value == [3]
    assert again.initial == [1, 2]
    again.set([4])
    assert knob.value == [3]


def test_it_is_itself_and_no_other() -> None:
    one, two = hr.Knob(1), hr.Knob(1)
    assert one == one
    assert one != two
    assert len({one, two}) == 2


def test_turning_from_many_threads_loses_no_turn() -> None:
    knob = hr.Knob(0)

    def turn() -> None:
        for i in range(500):
            knob.set(i)

    threads = [threading.Thread(target=turn) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert knob.turns == 2000


class Owner:
    def __init__(self) -> None:
        self.seen: list[object] = []


def _seen(owner: Owner, value: object) -> None:
    owner.seen.append(value)


def test_a_guard_lives_as_long_as_its_owner() -> None:
    knob, owner = hr.Knob(0), Owner()
    for _ in range(1000):
        knob.guard(_seen, Owner())
    knob.guard(_seen, owner)
    assert len(knob._guards) <= 2
    knob.set(1)
    twin, its = pickle.loads(pickle.dumps((knob, owner)))
    twin.set(2)
    assert (owner.seen, its.seen) == ([1], [1, 2])
