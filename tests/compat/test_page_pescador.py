"""What Pescador 2 documents, in our own words: each feature as its page shows it, run through the door."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections import Counter
from collections.abc import Iterator
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace.compat.pescador as pescador
from headrace.errors import HeadraceWarning
from support.require import require

pytestmark = pytest.mark.timeout(60)


def countdown(start: int, step: int = 1) -> Iterator[int]:
    """A generator function with arguments."""
    while start > 0:
        yield start
        start -= step


def rows(path: str, n: int | None = None) -> Iterator[dict[str, Any]]:
    """Samples of one archive, drawn at random for ever, or ``n`` of them in order."""
    with np.load(path) as archive:
        X, Y = archive["X"], archive["Y"]
    rng = np.random.RandomState(len(X))
    k = 0
    while n is None or k < n:
        i = k % len(X) if n is not None else rng.randint(len(X))
        yield {"X": X[i], "Y": Y[i]}
        k += 1


@pytest.fixture
def archives(tmp_path: Path) -> list[str]:
    """Three archives of labelled points: the label is the sign of a plane, the last column names the archive."""
    made = []
    for k in range(3):
        rng = np.random.RandomState(k)
        X = rng.normal(size=(40, 3))
        X[:, 2] = k
        made.append(str(tmp_path / f"part{k}.npz"))
        np.savez(made[-1], X=X, Y=(X[:, 0] + X[:, 1] > 0).astype(int))
    return made


# --- streamers ----------------------------------------------------------------------------------


def test_a_streamer_starts_its_generator_as_often_as_asked() -> None:
    streamer = pescador.Streamer(countdown, 5, step=2)
    assert (streamer.streamer, streamer.args, streamer.kwargs) == (countdown, (5,), {"step": 2})
    assert list(streamer) == list(streamer.iterate()) == [5, 3, 1]
    assert list(streamer.iterate(max_iter=2)) == [5, 3]
    assert list(streamer.cycle(max_iter=7)) == [5, 3, 1, 5, 3, 1, 5]
    assert list(streamer(max_iter=4, cycle=True)) == [5, 3, 1, 5]
    assert list(streamer(2)) == [5, 3]


@pytest.mark.parametrize(("asked", "given"), [(1e2, 100), (2.5, 3), (0, 0), (-3, 0), (np.int64(4), 4)])
def test_limits_of_every_kind(asked: Any, given: int) -> None:
    assert len(list(pescador.Streamer(countdown, 1000).iterate(max_iter=asked))) == given
    assert len(list(pescador.Streamer(countdown, 10).cycle(max_iter=asked))) == given


def test_passes_do_not_share_arguments() -> None:
    def running_sum(total: np.ndarray[Any, Any]) -> Iterator[float]:
        for _ in range(3):
            total += 1
            yield float(total[0])

    start = np.zeros(1)
    streamer = pescador.Streamer(running_sum, start)
    first, second = streamer.iterate(), streamer.iterate()
    assert [next(first), next(second), next(first), next(second)] == [1, 1, 2, 2]
    assert list(streamer) == [1, 2, 3]
    assert start[0] == 0


@pytest.mark.parametrize("source", ["abc", ["a", "b", "c"], iter(["a", "b", "c"]), {"a": 1, "b": 2, "c": 3}])
def test_a_streamer_of_an_iterable(source: Any) -> None:
    streamer = pescador.Streamer(source)
    assert list(streamer) == list(streamer) == ["a", "b", "c"]


def test_a_streamer_of_a_streamer() -> None:
    inner = pescador.Streamer(countdown, 4)
    assert list(pescador.Streamer(inner)) == [4, 3, 2, 1]
    assert list(pescador.Streamer(inner, 2)) == [4, 3]
    assert list(pescador.Streamer(inner, 6, cycle=True)) == [4, 3, 2, 1, 4, 3]


def test_what_makes_no_items_is_refused_at_once() -> None:
    for bad in (lambda: 6, 6, None, range, list):
        with pytest.raises(pescador.PescadorError):
            pescador.Streamer(bad)


def test_activity_is_counted_from_the_first_item_on() -> None:
    streamer = pescador.Streamer(countdown, 100)
    five, seven = streamer.iterate(5), streamer.iterate(7)
    assert streamer.active == 0
    next(five), next(seven)
    assert streamer.active == streamer.active_count_ == 2
    assert len(list(five)) == 4
    assert streamer.active == 1
    assert len(list(seven)) == 6
    assert streamer.active == 0

    def fails() -> Iterator[int]:
        yield 1
        raise KeyError("two")

    failing = pescador.Streamer(fails)
    with pytest.raises(KeyError):
        list(failing)
    closed = failing.iterate()
    next(closed)
    assert failing.active == 1
    del closed
    assert failing.active == 0


def test_with_gives_a_running_copy() -> None:
    streamer = pescador.Streamer(countdown, 5)
    assert streamer.stream_ is None
    assert not streamer.is_activated_copy
    with streamer as running:
        assert streamer.active == 1
        assert running is not streamer
        assert running.is_activated_copy
        assert running.active == 0
        assert running.stream_ is not None
        with running as again:
            assert again is running
        assert list(running.iterate(2)) == [5, 4]
        assert list(running) == [3, 2, 1], "it goes on where it is"
        assert list(streamer) == [5, 4, 3, 2, 1], "the recipe does not move"
    assert streamer.active == 0
    with pytest.raises(ZeroDivisionError), streamer:
        raise ZeroDivisionError
    assert streamer.active == 0
    with pytest.raises(pescador.PescadorError):
        streamer.__exit__(None, None, None)


def test_muxes_run_in_a_with_block_too() -> None:
    mux = pescador.ShuffledMux(["aaa", "bbb"], random_state=3)
    with mux as running:
        assert running.is_activated_copy
        assert list(running.iterate(4)) + list(running.iterate(4)) == list(mux.iterate(8))
    assert mux.active == 0


def test_copies_and_pickles() -> None:
    data = np.arange(3)
    streamer = pescador.Streamer(countdown, 5, step=data[1])
    mux = pescador.StochasticMux([streamer, "ab"], 2, rate=None, random_state=np.random.RandomState(1))
    for made in (streamer, mux):
        for twin in (copy.copy(made), copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
            assert type(twin) is type(made)
            assert list(twin.iterate(4)) == list(made.iterate(4))
    assert copy.copy(streamer).args is streamer.args
    assert copy.deepcopy(streamer).args is streamer.args, "a tuple of plain values"
    assert copy.copy(mux).rng is mux.rng
    assert copy.deepcopy(mux).rng is not mux.rng
    assert (copy.deepcopy(mux).rng.get_state()[1] == mux.rng.get_state()[1]).all()
    assert copy.copy(mux).streamers is mux.streamers
    array_held = pescador.Streamer([data])
    assert copy.copy(array_held).streamer[0] is data
    deep = copy.deepcopy(array_held).streamer[0]
    assert deep is not data
    assert (deep == data).all()
    unseeded = pescador.ShuffledMux(["a"])
    assert copy.deepcopy(unseeded).rng is np.random


def test_streamable_makes_recipes() -> None:
    @pescador.streamable
    def letters(word: str, times: int = 1) -> Iterator[str]:
        """Give the letters of a word."""
        yield from word * times

    assert letters.__name__ == "letters"
    assert letters.__doc__ == "Give the letters of a word."
    made = letters("ab", times=2)
    assert isinstance(made, pescador.Streamer)
    assert list(made) == list(made) == list("abab")
    assert made.args == ("ab",)


# --- older names --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["max_items", "max_batches"])
def test_older_names_of_the_limit(name: str) -> None:
    streamer = pescador.Streamer(countdown, 9)
    for draw in (streamer, streamer.iterate, streamer.cycle):
        with pytest.warns(DeprecationWarning, match="max_iter") as caught:
            assert list(draw(**{name: 3})) == [9, 8, 7]
        assert {Path(w.filename).name for w in caught} == {Path(__file__).name}, "they point at the caller"


def test_generate_is_iterate() -> None:
    streamer = pescador.Streamer(countdown, 3)
    with pytest.warns(DeprecationWarning, match="generate"):
        assert list(streamer.generate()) == [3, 2, 1]
    with pytest.warns(DeprecationWarning, match="generate|max_batches") as caught:
        assert list(streamer.generate(max_batches=2)) == [3, 2]
    assert len(caught) == 2


def test_the_first_mux_still_runs(archives: list[str]) -> None:
    streams = [pescador.Streamer(rows, path) for path in archives]
    with pytest.warns(DeprecationWarning, match="StochasticMux"):
        every = pescador.Mux(streams, k=len(streams), rate=None)
    with pytest.warns(DeprecationWarning, match="StochasticMux"):
        one = pescador.Mux(streams, k=1, rate=1000)
    assert (one.n_active, one.rate, one.dist, one.mode) == (1, 1001, "poisson", "with_replacement")
    assert {float(item["X"][2]) for item in every.iterate(200)} == {0.0, 1.0, 2.0}  # missed by 3 (2/3)^200 < 1e-34
    assert len({float(item["X"][2]) for item in one.iterate(500)}) == 1  # one member, or P(quota <= 500) < 1e-50


@pytest.mark.parametrize(
    ("old", "mode"),
    [
        ({}, "with_replacement"),
        ({"with_replacement": False, "revive": True}, "single_active"),
        ({"with_replacement": False}, "exhaustive"),
    ],
)
def test_modes_of_the_first_mux(old: dict[str, bool], mode: str) -> None:
    with pytest.warns(DeprecationWarning, match="StochasticMux"):
        assert pescador.Mux(["ab", "cd"], 2, **old).mode == mode


# --- training -----------------------------------------------------------------------------------


def test_batches_feed_a_classifier(archives: list[str]) -> None:
    linear = require("sklearn.linear_model")
    streams = [pescador.Streamer(rows, path) for path in archives]
    mux = pescador.StochasticMux(streams, 2, rate=16, random_state=0)
    batches = pescador.Streamer(pescador.buffer_stream, mux, 32)
    model = linear.SGDClassifier(random_state=0)
    for batch in batches(max_iter=60):
        assert batch["X"].shape == (32, 3)
        assert batch["Y"].shape == (32,)
        model.partial_fit(batch["X"], batch["Y"], classes=[0, 1])
    test = next(
        iter(pescador.buffer_stream(pescador.ChainMux([pescador.Streamer(rows, p, 40) for p in archives]), 120))
    )
    assert model.score(test["X"], test["Y"]) > 0.8


def test_two_ways_to_make_a_streamer_of_batches() -> None:
    streamer = pescador.Streamer([{"X": np.full(4, i), "Y": i} for i in range(300)])
    called = pescador.Streamer(pescador.buffer_stream, streamer, 128)
    held = pescador.Streamer(pescador.buffer_stream(streamer, 128))
    for batches in (called, held):
        for _ in range(2):
            first, second = batches
            assert first["X"].shape == second["X"].shape == (128, 4)
            assert (first["Y"] == np.arange(128)).all()
            assert (second["Y"] == np.arange(128, 256)).all()
        assert len(list(batches(max_iter=5, cycle=True))) == 5
        shuffled = pescador.ShuffledMux([batches, batches], random_state=0)
        assert all(batch["X"].shape == (128, 4) for batch in shuffled.iterate(6))


def test_a_map_is_an_iterator_that_goes_on() -> None:
    batches = pescador.buffer_stream([{"X": i} for i in range(10)], 2)
    assert next(batches)["X"].tolist() == [0, 1]
    for batch in batches:
        assert batch["X"].tolist() == [2, 3]
        break
    assert [batch["X"].tolist() for batch in batches] == [[4, 5], [6, 7], [8, 9]]
    assert next(batches, None) is None
    batches.close()


def test_the_maps() -> None:
    items = [{"X": np.full(2, i), "Z": -i, "Y": str(i)} for i in range(5)]
    assert [[t[0], t[1].tolist()] for t in pescador.tuples(items, "Y", "X")] == [[str(i), [i, i]] for i in range(5)]
    x, y = next(pescador.keras_tuples(items, "X", "Y"))
    assert (x.tolist(), y) == ([0, 0], "0")
    x, y = next(pescador.keras_tuples(items, ["X", "Z"], ["Y"]))
    assert (len(x), y) == (2, ["0"])
    assert next(pescador.keras_tuples(items, inputs="Z")) == (0, None)
    assert [len(b["Z"]) for b in pescador.buffer_stream(items, 2, partial=True)] == [2, 2, 1]
    assert next(pescador.buffer_stream(pescador.buffer_stream(items, 2), 2, axis=0))["X"].shape == (4, 2)
    assert list(pescador.tuples(pescador.cache(items, 2, prob=1), "Y")) == [(str(i),) for i in range(5)]
    echoed = list(pescador.tuples(pescador.cache(items * 40, 4, prob=0.25, random_state=1), "Y"))
    assert len(echoed) > 200, "each item comes again"
    for broken in (
        lambda: pescador.tuples(items),
        lambda: pescador.keras_tuples(items),
        lambda: pescador.cache(items, 0),
        lambda: pescador.cache(items, 2, prob=0),
        lambda: pescador.cache(items, 2, prob=1.5),
    ):
        with pytest.raises(pescador.PescadorError):
            next(broken())
    for missing in (pescador.tuples(items, "nowhere"), pescador.keras_tuples(items, "nowhere")):
        with pytest.raises(KeyError):
            next(missing)
    for no_dicts in (
        pescador.buffer_stream([np.zeros(2)] * 4, 2),
        pescador.buffer_stream([3, 4, 5], 2),
        pescador.tuples([(1, 2)], "X"),
        pescador.keras_tuples([[1, 2]], "X"),
    ):
        with pytest.raises(pescador.DataError):
            next(no_dicts)


def test_a_map_of_ones_own_may_edit_what_it_is_given() -> None:
    def with_channel(stream: Any) -> Iterator[Any]:
        for item in stream:
            item["X"] = item["X"][:, np.newaxis]
            item["Y"] = 2 * item["Y"]
            del item["id"]
            yield item

    items = [{"X": np.arange(3), "Y": i, "id": i} for i in range(4)]
    streamer = pescador.Streamer(items)
    for _ in range(2):
        edited = list(pescador.Streamer(with_channel, streamer))
        assert [item["Y"] for item in edited] == [0, 2, 4, 6]
        assert all(item["X"].shape == (3, 1) for item in edited)
        assert len(list(with_channel(streamer.iterate()))) == 4
    assert [item["id"] for item in items] == [0, 1, 2, 3]
    batches = pescador.Streamer(pescador.buffer_stream(streamer, 2))
    for _ in range(2):
        assert [b["X"].shape for b in with_channel(batches)] == [(2, 1, 3), (2, 1, 3)]
    cached = pescador.cache(streamer.cycle(), 3, prob=0.3, random_state=0)
    for _, item in zip(range(50), with_channel(cached), strict=False):
        assert item["X"].shape == (3, 1)
        assert item["Y"] in (0, 2, 4, 6)


# --- muxes --------------------------------------------------------------------------------------


def test_every_mux_is_a_streamer() -> None:
    made = [
        pescador.StochasticMux(["ab", "cd"], 2, rate=4),
        pescador.ShuffledMux(["ab", "cd"]),
        pescador.RoundRobinMux(["ab", "cd"]),
        pescador.ChainMux(["ab", "cd"]),
    ]
    for mux in made:
        assert isinstance(mux, pescador.Streamer)
        assert isinstance(mux, pescador.BaseMux)
        assert issubclass(type(mux), pescador.Streamer)
        assert isinstance(mux.streamers, list)
        assert all(isinstance(member, pescador.Streamer) for member in mux.streamers)
        assert mux.n_streams == 2
        assert mux.rng is np.random
        assert list(pescador.Streamer(mux, 3, cycle=True))
        assert mux.active == 0
    outer = pescador.ChainMux(made)
    assert set(outer.iterate(40)) <= set("abcd")


def test_members_may_come_from_a_generator() -> None:
    mux = pescador.RoundRobinMux(pescador.Streamer(word) for word in ("ab", "cd"))
    assert [list(member) for member in mux.streamers] == [["a", "b"], ["c", "d"]]
    assert "".join(mux) == "".join(mux) == "acbd"


def test_a_seed_of_every_kind() -> None:
    for seed in (3, True, np.int64(3), np.random.RandomState(3), np.random.default_rng(3), np.random.SeedSequence(3)):
        mux = pescador.ShuffledMux(["aaa", "bbb"], random_state=seed)
        assert list(mux.iterate(30)) == list(mux.iterate(30))
    rng = np.random.RandomState(3)
    assert pescador.ShuffledMux("ab", random_state=rng).rng is rng
    assert isinstance(pescador.ShuffledMux("ab", random_state=3).rng, np.random.RandomState)
    for bad in ("three", 3.5, object()):
        with pytest.raises(pescador.PescadorError):
            pescador.ShuffledMux("ab", random_state=bad)


def test_wrong_muxes_are_refused_at_construction() -> None:
    broken: list[Any] = [
        lambda: pescador.StochasticMux([], 1, 2),
        lambda: pescador.ShuffledMux([]),
        lambda: pescador.RoundRobinMux([]),
        lambda: pescador.StochasticMux("ab", None, 2, weights=[1]),  # type: ignore[arg-type]
        lambda: pescador.StochasticMux("ab", 1, 2, weights=[0, 0]),
        lambda: pescador.StochasticMux("ab", 1, 2, mode="sometimes"),
        lambda: pescador.StochasticMux("ab", 1, 2, dist="gaussian"),
        lambda: pescador.ShuffledMux("ab", weights=[1, 2, 3]),
        lambda: pescador.ShuffledMux("ab", weights=[0, 0]),
        lambda: pescador.ChainMux("ab", mode="sometimes"),
    ]
    for make in broken:
        with pytest.raises(pescador.PescadorError):
            make()
    assert list(pescador.ChainMux([])) == []


def share_bound(share: float, n: int, sigmas: float = 6.0) -> float:
    """Six sigma of a binomial share: exceeded by chance less than once in 500 million."""
    return sigmas * sqrt(share * (1 - share) / n)


@pytest.mark.parametrize(("weights", "share"), [(None, 0.5), ([0.5, 0.5], 0.5), ([0.75, 0.25], 0.75), ([3, 1], 0.75)])
def test_two_groups_mixed_by_weight(weights: Any, share: float) -> None:
    quiet = [pescador.Streamer([{"group": 0, "member": k}] * 50) for k in range(10)]
    loud = [pescador.Streamer([{"group": 1, "member": k}] * 50) for k in range(30)]
    groups = [pescador.StochasticMux(quiet, 3, rate=8), pescador.StochasticMux(loud, 3, rate=8)]
    n = 20_000
    mux = pescador.ShuffledMux(groups, weights=weights, random_state=11)
    found = Counter(item["group"] for item in mux.iterate(n))
    assert abs(found[0] / n - share) < share_bound(share, n)
    normalised: Any = mux.weights
    assert normalised.sum() == pytest.approx(1)


def test_an_epoch_gives_every_item_once(archives: list[str]) -> None:
    streams = [pescador.Streamer(rows, path, 40) for path in archives]
    with pytest.warns(HeadraceWarning, match="n_active") as caught:
        mux = pescador.StochasticMux(streams, 100, rate=None, mode="exhaustive", random_state=5)
    assert len(caught) == 1
    assert Path(caught[0].filename) == Path(__file__)
    per_epoch = 3 * 40
    items = list(mux(max_iter=4 * per_epoch, cycle=True))
    expected = Counter(tuple(item["X"]) for item in mux)
    assert set(expected.values()) == {1}
    assert len(expected) == per_epoch
    orders = set()
    for epoch in range(4):
        lap = items[epoch * per_epoch : (epoch + 1) * per_epoch]
        assert Counter(tuple(item["X"]) for item in lap) == expected
        orders.add(tuple(item["X"][2] for item in lap))
    assert len(orders) == 4, "no lap repeats another"


def test_the_order_of_an_epoch_is_uniform() -> None:
    # Which member gives the first, the last and the middle item: each of the three with chance 1/3 in 3000 epochs.
    # 3 positions x 3 members, each tested at six sigma: a false alarm once in 50 million.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HeadraceWarning)
        mux = pescador.StochasticMux(["a" * 4, "b" * 4, "c" * 4], 100, rate=None, mode="exhaustive", random_state=2)
    epochs = 3000
    drawn = list(mux(max_iter=12 * epochs, cycle=True))
    for place in (0, 5, 11):
        found = Counter(drawn[place::12])
        for member in "abc":
            assert abs(found[member] / epochs - 1 / 3) < share_bound(1 / 3, epochs)


def test_round_robin_and_chain() -> None:
    assert "".join(pescador.RoundRobinMux(["kl", "mno"])) == "kmlno"
    assert "".join(pescador.RoundRobinMux(["k", "mn"], mode="cycle").iterate(8)) == "kmnkmnkm"
    permuted = "".join(pescador.RoundRobinMux(["p", "q", "r"], mode="permuted_cycle", random_state=1).iterate(300))
    assert permuted.startswith("pqr")
    laps = {permuted[k : k + 3] for k in range(0, 300, 3)}
    assert laps == {"pqr", "prq", "qpr", "qrp", "rpq", "rqp"}  # one is missed with 6 (5/6)^99 < 1e-7; the seed is fixed
    assert "".join(pescador.ChainMux(["kl", "", "mno"])) == "klmno"
    assert "".join(pescador.ChainMux(["kl", "m"], mode="cycle")(max_iter=7)) == "klmklmk"


def test_a_chain_over_a_function_that_makes_streamers() -> None:
    opened = []

    def volumes() -> Iterator[pescador.Streamer]:
        for word in ("ab", "cd"):
            opened.append(word)
            yield pescador.Streamer(word)

    mux = pescador.ChainMux(volumes, mode="cycle")
    assert mux.streamers is volumes
    assert "".join(mux.iterate(6)) == "abcdab"
    assert opened == ["ab", "cd", "ab"], "one at a time, anew in each lap"
    one, other = mux.iterate(3), mux.iterate(3)
    assert "".join(next(one) + next(other) for _ in range(3)) == "aabbcc"
    assert "".join(pescador.ChainMux(pescador.Streamer(volumes))) == "abcd"


def test_a_pool_of_archives_on_disk(archives: list[str]) -> None:
    streams = [pescador.Streamer(rows, path) for path in archives * 10]
    mux = pescador.StochasticMux(streams, 5, rate=8, random_state=0)
    items = list(mux(max_iter=500))
    assert len(items) == 500
    assert {float(item["X"][2]) for item in items} == {0.0, 1.0, 2.0}


@pytest.mark.parametrize("copy", [False, True])
@pytest.mark.parametrize("timeout", [None, 0.5, 5])
def test_a_background_process_gives_the_items_pass_after_pass(copy: bool, timeout: float | None) -> None:
    stream = pescador.ZMQStreamer(pescador.Streamer(framed, 60), copy=copy, timeout=timeout)
    assert isinstance(stream, pescador.Streamer)
    for _ in range(3):
        found = list(stream)
        assert [item["Y"] for item in found] == list(range(60))
        assert all(np.array_equal(item["X"], np.full((8, 8), i).T) for i, item in enumerate(found))
        assert all(item["X"].flags.aligned and item["X"].flags.writeable for item in found)
    assert stream.active == 0


def test_a_background_process_is_left_early_cycled_and_nested() -> None:
    stream = pescador.ZMQStreamer(pescador.ZMQStreamer(pescador.Streamer(framed, 10)))
    assert [item["Y"] for item in stream.iterate(5)] == [0, 1, 2, 3, 4]
    assert [item["Y"] for item in stream.cycle(12)] == [*range(10), 0, 1]
    with stream as running:
        assert stream.active == 1
        assert next(iter(running))["Y"] == 0
    batches = pescador.buffer_stream(pescador.Streamer(framed, 50), 10)
    assert [batch["X"].shape for batch in pescador.ZMQStreamer(batches)] == [(10, 8, 8)] * 5


def test_an_error_in_a_background_process_arrives() -> None:
    with pytest.raises(ZeroDivisionError):
        list(pescador.ZMQStreamer(pescador.Streamer(failing, 10)))


def test_a_running_iterator_is_drawn_in_this_process() -> None:
    assert [item["Y"] for item in pescador.ZMQStreamer(framed(4))] == [0, 1, 2, 3]


def framed(n: int) -> Iterator[dict[str, Any]]:
    for i in range(n):
        yield {"X": np.asfortranarray(np.full((8, 8), i)), "Y": i}


def failing(n: int) -> Iterator[dict[str, Any]]:
    yield from framed(n)
    yield {"X": np.ones(2), "Y": 1 // 0}
