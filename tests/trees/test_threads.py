"""One tree drawn from by several threads, by one of its own functions, and in a process that was forked."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from headrace.core import same
from headrace.trees import SampleBufferNode, SamplingTree, batched
from trees import wave


def noise(_: Any, *, rng: Any) -> float:
    return float(rng.random())


def slow(x: Any, by: float) -> Any:
    for _ in range(200):  # long enough for threads to be switched within it
        pass
    return x + by


@batched
def many(_: Any, *, rng: Any, n: int) -> Any:
    return rng.random(n)


def in_threads(act: Callable[[], Any], count: int = 4) -> None:
    """Run something in several threads at once; an exception of any is raised."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            act()
        except BaseException as error:
            errors.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=run, daemon=True) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
            assert not thread.is_alive()
    finally:
        sys.setswitchinterval(interval)
    if errors:
        raise errors[0]


@pytest.mark.parametrize("root", [noise, many])
@pytest.mark.parametrize("how", ["sample", "collect", "read", "next", "balanced"])
def test_threads_share_the_samples_of_a_tree_without_losing_or_repeating_any(root: Any, how: str) -> None:
    nodes = [root, SampleBufferNode(num_samples=1), slow, {"a": "a", "b": "b"}]
    tree = SamplingTree(nodes, {"by": 0.0})
    found: list[float] = []

    def draw() -> None:
        for _ in range(40):
            if how == "read":
                found.extend(tree.read(5)[0].tolist())
            elif how == "next":
                found.extend(next(tree)[0] for _ in range(5))
            elif how == "sample":
                found.extend(tree.sample()[0] for _ in range(5))
            else:
                found.extend(x for x, _ in tree.collect(5, "stochastic" if how == "collect" else "balanced"))

    in_threads(draw)
    total = 4 * 40 * (10 if how == "balanced" else 5)
    assert tree.position == len(found) == total
    assert len(set(found)) == total
    if how != "balanced":
        due = SamplingTree(nodes, {"by": 0.0})[0:total][0].tolist()
        assert sorted(found) == sorted(due)


def test_threads_may_skip_and_update_in_between() -> None:
    tree = SamplingTree([noise, slow, "a"], {"by": {"schedule": range(10_000)}})
    drawn: list[float] = []

    def act() -> None:
        for _ in range(50):
            drawn.append(tree.sample()[0])
            tree.skip(2)
            tree.update()
            assert tree[3][1] == "a"

    in_threads(act)
    assert (tree.position, tree.step) == (600, 200)
    assert len({x % 1 for x in drawn}) == 200


def test_ways_of_a_tree_and_the_tree_see_the_same_updates() -> None:
    tree = SamplingTree([lambda _, x: x, {"a": "a", "b": "b"}], {"x": {"schedule": [0, 1, 2]}})
    way = tree.get_paths()[1]
    assert (tree.sample()[0], way.sample()) == (0, (0, "b"))
    tree.update()
    assert way.sample() == (1, "b")  # which looks first
    assert tree.sample()[0] == 1
    way.update()
    assert tree.sample()[0] == way.sample()[0] == 2


def test_what_is_composed_in_between_does_not_hide_a_change_from_the_next_sample() -> None:
    tree = SamplingTree([lambda _, x: x], {"x": 1})
    assert tree.sample() == 1
    tree.params["x"] = 5
    assert tree[0] == 5
    assert tree.sample() == 5


def test_a_function_that_draws_from_its_own_tree_is_told_so() -> None:
    tree: SamplingTree = SamplingTree([lambda _: tree.sample()])
    with pytest.raises(ValueError, match="already executing") as caught:
        tree.sample()
    assert any("one of the tree's own functions" in note for note in caught.value.__notes__)
    assert tree.position == 0


@pytest.mark.parametrize("make", [wave.waves, wave.mixed])
def test_copies_and_pickles_of_a_tree_go_on_alone(make: Any) -> None:
    tree = make()
    tree.collect(3)
    for twin in (copy.deepcopy(tree), pickle.loads(pickle.dumps(tree)), copy.deepcopy(tree.get_paths()[0])):
        at = twin.position
        assert same(twin.sample(), twin[at])
        twin.update()
        assert (twin.step, tree.step, tree.position) == (1, 0, 3)


FORKED = """
import os, sys, threading
from headrace.trees import SamplingTree
inside, go = threading.Event(), threading.Event()
def held(_):
    if threading.current_thread() is not threading.main_thread():
        inside.set()
        go.wait(60)
    return 7
tree = SamplingTree([held, "a"])
assert tree.sample() == (7, "a")
thread = threading.Thread(target=tree.sample, daemon=True)
thread.start()
assert inside.wait(60)
child = os.fork()
if child == 0:
    os._exit(0 if tree.sample() == (7, "a") and tree.position == 2 else 1)
code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
go.set()
thread.join(60)
assert tree.position == 2
sys.exit(code)
"""


INTERRUPTED = """
import os, signal, threading
from headrace.trees import SamplingTree
inside, go = threading.Event(), threading.Event()
def held(_):
    if threading.current_thread() is not threading.main_thread():
        inside.set()
        go.wait(60)
    elif held.interrupts:
        held.interrupts = False
        signal.raise_signal(signal.SIGINT)
    return 7
held.interrupts = True
tree = SamplingTree([held, "a"])
try:
    tree.sample()  # in a function of the tree
except KeyboardInterrupt:
    thread = threading.Thread(target=tree.sample, daemon=True)
    thread.start()
assert inside.wait(60)
threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    tree.sample()  # while another thread has its turn
except KeyboardInterrupt:
    go.set()
thread.join(60)
assert not thread.is_alive()
assert tree.position == 1
assert tree.sample() == (7, "a")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_an_interrupt_takes_no_turn_from_the_others() -> None:
    subprocess.run([sys.executable, "-c", INTERRUPTED], check=True, timeout=120)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_process_draws_while_a_thread_of_its_parent_does() -> None:
    subprocess.run([sys.executable, "-c", FORKED], check=True, timeout=120)


def test_a_seed_set_by_a_thread_is_followed() -> None:
    tree = SamplingTree([noise])
    other = [SamplingTree([noise], rng=k)[0:400] for k in (1, 2)]
    drawn: list[float] = []

    def act() -> None:
        for k in (1, 2) * 25:
            tree.seed = k
            drawn.append(tree.sample())

    in_threads(act, 2)
    assert tree.position == 100
    assert np.isin(drawn, other).all()
