"""The door's names: modules, signatures, small helpers, and what old code may rely on."""

from __future__ import annotations

import importlib
import inspect
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace as hr
import headrace.compat.pescador as pescador
from headrace.compat.pescador import exceptions, maps, util, version

NAMES = {
    "": "Streamer streamable BaseMux StochasticMux ShuffledMux RoundRobinMux ChainMux Mux buffer_stream tuples "
    "keras_tuples cache ZMQStreamer PescadorError DataError get_rng __version__ core maps mux util zmq_stream "
    "exceptions version",
    ".core": "Streamer streamable PescadorError",
    ".mux": "BaseMux StochasticMux ShuffledMux RoundRobinMux ChainMux Mux PescadorError get_rng",
    ".maps": "buffer_stream tuples keras_tuples cache DataError PescadorError __stack_data",
    ".util": "Deprecated rename_kw moved deprecated batch_length get_rng PescadorError",
    ".exceptions": "PescadorError DataError",
    ".zmq_stream": "ZMQStreamer",
    ".version": "short_version version",
}


@pytest.mark.parametrize("module", NAMES)
def test_every_name_is_where_it_was(module: str) -> None:
    found = importlib.import_module(f"headrace.compat.pescador{module}")
    assert [name for name in NAMES[module].split() if not hasattr(found, name)] == []


def test_version_and_exceptions() -> None:
    assert (version.short_version, version.version, pescador.__version__) == ("3.0", "3.0.0", "3.0.0")
    assert issubclass(exceptions.DataError, exceptions.PescadorError)
    assert pescador.PescadorError is hr.HeadraceError
    assert pescador.DataError is hr.DataError


@pytest.mark.parametrize(
    ("made", "signature"),
    [
        (pescador.Streamer, "streamer *args **kwargs"),
        (pescador.Streamer.iterate, "self max_iter=None"),
        (pescador.Streamer.cycle, "self max_iter=None"),
        (pescador.Streamer.__call__, "self max_iter=None cycle=False"),
        (pescador.BaseMux, "streamers random_state=None"),
        (
            pescador.StochasticMux,
            "streamers n_active rate weights=None mode='with_replacement' prune_empty_streams=True dist='binomial' "
            "random_state=None",
        ),
        (pescador.ShuffledMux, "streamers weights=None random_state=None"),
        (pescador.RoundRobinMux, "streamers mode='exhaustive' random_state=None"),
        (pescador.ChainMux, "streamers mode='exhaustive' random_state=None"),
        (
            pescador.Mux,
            "streamers k rate=256.0 weights=None with_replacement=True prune_empty_streams=True revive=False "
            "random_state=None",
        ),
        (pescador.buffer_stream, "stream buffer_size partial=False axis=None"),
        (pescador.tuples, "stream *keys"),
        (pescador.keras_tuples, "stream inputs=None outputs=None"),
        (pescador.cache, "stream n_cache prob=0.5 random_state=None"),
        (pescador.ZMQStreamer, "streamer min_port=49152 max_port=65535 max_tries=100 copy=False timeout=5"),
        (pescador.get_rng, "random_state"),
        (util.batch_length, "batch"),
        (util.rename_kw, "old_name old_value new_name new_value version_deprecated version_removed"),
        (util.moved, "moved_from version version_removed"),
        (util.deprecated, "version version_removed"),
    ],
)
def test_parameters_keep_name_order_and_default(made: Any, signature: str) -> None:
    parameters = inspect.signature(made).parameters.values()
    public = [str(p.replace(annotation=inspect.Parameter.empty)) for p in parameters if p.name not in OLDER]
    assert " ".join(public) == signature


OLDER = ("max_items", "max_batches")


def test_batch_length() -> None:
    assert util.batch_length({"X": np.zeros((4, 2)), "Y": [1, 2, 3, 4]}) == 4
    assert util.batch_length({}) is None
    with pytest.raises(pescador.PescadorError, match="'Y': 3"):
        util.batch_length({"X": np.zeros(4), "Y": [1, 2, 3]})


def test_get_rng() -> None:
    state, generator = np.random.RandomState(1), np.random.default_rng(1)
    assert util.get_rng(None) is np.random
    assert util.get_rng(state) is state
    assert util.get_rng(generator) is generator
    assert util.get_rng(5).rand() == np.random.RandomState(5).rand() == util.get_rng(np.int64(5)).rand()
    for bad in ("5", 5.0, [5], -1, 2**40):
        with pytest.raises(pescador.PescadorError):
            util.get_rng(bad)


def test_renamed_moved_and_deprecated() -> None:
    def function(new: int = 1, old: Any = util.Deprecated()) -> Any:  # noqa: B008  # as it is used
        return util.rename_kw("old", old, "new", new, "1.0", "2.0")

    assert "deprecated" in repr(util.Deprecated()).lower()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert function(3) == 3
    with pytest.warns(DeprecationWarning, match="renamed") as caught:
        assert function(old=None) is None
    assert Path(caught[0].filename) == Path(__file__)

    @util.moved("elsewhere.add", "1.0", "2.0")
    def add(a: int, b: int) -> int:
        return a + b

    @util.deprecated("1.0", "2.0")
    def double(a: int) -> int:
        return 2 * a

    for _ in range(2):
        with pytest.warns(DeprecationWarning, match=r"elsewhere\.add was moved"):
            assert add(1, b=2) == 3
        with pytest.warns(DeprecationWarning, match=r"double is deprecated") as caught:
            assert double(4) == 8
        assert Path(caught[0].filename) == Path(__file__)
    assert (add.__name__, double.__name__) == ("add", "double")


def test_stacking_by_its_private_name() -> None:
    stack = getattr(maps, "__stack_data")  # the name would be mangled inside a class
    data = [{"X": np.full((1, 2), k), "Y": k} for k in range(3)]
    assert stack(data, None)["X"].shape == (3, 1, 2)
    assert stack(data, None)["Y"].tolist() == [0, 1, 2]
    assert stack([{"X": d["X"]} for d in data], 0)["X"].tolist() == [[0, 0], [1, 1], [2, 2]]
    with pytest.raises(pescador.DataError):
        stack([1, 2], None)
    with pytest.raises(pescador.DataError):
        stack([{"X": 1}, {"Y": 1}], None)


# --- what a generator with an rng gets ----------------------------------------------------------


def test_an_rng_with_a_default_keeps_it_and_one_without_is_handed_in() -> None:
    def old(n: int, rng: Any = None) -> Iterator[Any]:
        for _ in range(n):
            yield rng

    def new(n: int, rng: np.random.Generator) -> Iterator[float]:
        for _ in range(n):
            yield float(rng.random())

    assert list(pescador.Streamer(old, 2)) == [None, None]
    mine = np.random.RandomState(0)
    assert all(isinstance(rng, np.random.RandomState) for rng in pescador.Streamer(old, 2, mine))
    assert len({*pescador.Streamer(new, 2), *pescador.Streamer(new, 2)}) == 4
    assert list(pescador.Streamer(new, 2).seeded(1)) == list(pescador.Streamer(new, 2).seeded(1))
    first = next(iter(pescador.Streamer(new, 1, np.random.default_rng(9))))
    assert first == np.random.default_rng(9).random()


def test_a_seed_reaches_a_stream_that_a_function_makes() -> None:
    def draws(*, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
        while True:
            yield {"X": rng.random()}

    for streamer in (hr.Streamer, pescador.Streamer):
        for make in (hr.buffer_stream, pescador.buffer_stream):
            batches: Any = streamer(make, pescador.Streamer(draws), 4).seeded(3)
            one = [b["X"].tolist() for b in batches.iterate(3)]
            assert one == [b["X"].tolist() for b in batches.iterate(3)]
            with batches.open() as cursor:
                cursor.take(1)
                state = cursor.state()
            with batches.open(at=state) as cursor:
                assert [b["X"].tolist() for b in cursor.take(2)] == one[1:]


# --- with the rest of headrace ------------------------------------------------------------------


def words(word: str) -> Iterator[dict[str, str]]:
    for letter in word:
        yield {"letter": letter}


def test_what_the_door_makes_composes_and_resumes() -> None:
    pool = [pescador.Streamer(words, word * 20) for word in ("ab", "cd", "ef")]
    mux = pescador.StochasticMux(pool, 2, rate=3, random_state=7)
    stream: Any = mux | hr.batch(4)
    batches = [batch["letter"].tolist() for batch in stream.iterate(10)]
    for cut in range(10):
        with stream.open() as cursor:
            cursor.take(cut)
            state = cursor.state()
        with stream.open(at=state) as cursor:
            assert [batch["letter"].tolist() for batch in cursor.take(10 - cut)] == batches[cut:]
    part = mux.shard(1, 3)
    assert isinstance(part, pescador.StochasticMux)
    assert part.streamers == [pool[1]]
    assert {item["letter"] for item in part.iterate(30)} == {"c", "d"}
    members: list[Any] = [mux, pescador.buffer_stream(mux, 2)]
    native: Any = hr.RoundRobinMux(members)
    assert [len(item["letter"]) for item in native.iterate(6)] == [1, 2] * 3
    assert "StochasticMux" in str(stream)


def test_a_map_can_be_pickled_where_it_is() -> None:
    import pickle

    batches = pescador.buffer_stream(pescador.Streamer(words, "abcdef"), 2)
    next(batches)
    twin = pickle.loads(pickle.dumps(batches))
    assert [batch["letter"].tolist() for batch in twin] == [["c", "d"], ["e", "f"]]
    assert [batch["letter"].tolist() for batch in batches] == [["c", "d"], ["e", "f"]]


def test_passes_of_one_streamer_in_threads() -> None:
    streamer = pescador.Streamer(words, "abcdefgh" * 50)
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(len(list(streamer)))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert found == [400] * 8


def test_old_code_may_hang_things_on_what_it_makes() -> None:
    class Songs(pescador.Streamer):
        def __init__(self, folder: str) -> None:
            self.folder = folder
            super().__init__(words, folder)

    songs = Songs("ab")
    assert songs.folder == "ab"
    assert [item["letter"] for item in songs] == ["a", "b"]
    assert [item["letter"] for item in pescador.RoundRobinMux([songs, songs])] == ["a", "a", "b", "b"]
