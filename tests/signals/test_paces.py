"""Where rows of graphs stand: blocks that begin late, nodes that begin late, bursts, moments."""

from __future__ import annotations

import pickle
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import headrace as hr
import headrace.signals as s
from headrace.core.block import Block
from headrace.errors import DataError, StreamConfigError
from support.require import require

N = 200
X = np.random.default_rng(0).normal(size=N)
T = 100.0 + np.arange(N) / 10


def blocks(size: int = 10) -> list[Block]:
    rows = [{"timestamp": t, "x": x} for t, x in zip(T, X, strict=True)]
    return list(hr.Streamer(rows) | hr.blocks(size))


def ends(made: list[Block], name: str) -> list[float]:
    """When each row of a column was taken, as its last value says."""
    values = np.concatenate([block[name][:, -1] for block in made])
    return [float(T[np.flatnonzero(value == X)[0]]) for value in values]


def told(made: list[Block], name: str) -> list[float]:
    return np.concatenate([block.timestamps(name) for block in made]).tolist()  # type: ignore[no-any-return]


def numbers(made: list[Block], name: str) -> list[int]:
    return [k for block in made for k in block.numbers(name)]


@pytest.mark.parametrize("skipped", [0, 1, 5])
def test_blocks_that_begin_late_give_the_rows_times_and_numbers_they_have(skipped: int) -> None:
    graph = s.Graph([s.Windows("x", "w", window_size=16), s.Windows("w", "ww", window_size=2), s.Delay("x", 1, "d")])
    made = list(map(graph.run(), blocks()[skipped:]))
    assert [block.first for block in made] == list(range(10 * skipped, N, 10))
    assert told(made, "w") == ends(made, "w")
    assert numbers(made, "w") == list(range(len(ends(made, "w"))))
    assert told(made, "ww") == told(made, "w")[1::2]
    assert made[0].before == (None if not skipped else T[10 * skipped - 1])


def test_times_by_rate_begin_with_the_first_block() -> None:
    source = hr.Streamer([{"x": float(i)} for i in range(30)]) | hr.blocks(10, rate=10.0, first=100)
    assert [block.timestamps("d")[0] for block in source | s.Delay("x", 1, "d")] == [10.0, 11.0, 12.0]
    skipped = hr.Streamer([{"x": float(i)} for i in range(30)]) | hr.blocks(10) | hr.skip(1)
    assert [block.first for block in skipped | s.Delay("x", 1, "d")] == [10, 20]


def test_a_graph_joins_blocks_of_another_in_the_middle() -> None:
    made = list(map(s.Graph([s.Windows("x", "w", window_size=16)]).run(), blocks()))
    below = s.Graph([s.Windows("w", "pairs", window_size=2), s.Delay("w", 1, "late")]).run()
    late = [below(block) for block in made[5:]]
    assert told(late, "late") == told(made[5:], "w")
    assert told(late, "pairs") == told(made[5:], "w")[1::2], "it begins with the first window that it sees"
    assert numbers(late, "pairs") == list(range(len(told(late, "pairs"))))
    with pytest.raises(DataError, match="begins with row 100, wanted row 200"):
        below(made[10])


def test_rows_left_out_between_blocks_are_counted() -> None:
    run = s.Delay("x", 1, "d")
    going = s.Graph([run]).run()
    each = blocks()
    for block in (each[0], each[3], each[4]):
        made = going(block)
    assert (going.missed, made.first) == (20, 20)
    assert pickle.loads(pickle.dumps(going)).missed == 20
    unnumbered = s.Graph([run]).run()
    for _ in range(3):
        unnumbered(Block({"x": X[:4]}))
    assert unnumbered.missed == 0


@pytest.mark.parametrize("how", ["add", "set"])
def test_a_slow_node_that_begins_while_running_says_when_its_rows_stand(how: str) -> None:
    node = s.Windows("x", "w", window_size=30, window_overlap=0)
    run = s.Graph([node] if how == "set" else [s.Delay("x", 1, "d")]).run()
    each = blocks()
    for block in each[:7]:
        run(block)
    if how == "add":
        run.add(node)
    else:
        run.set("w.window_size", 25)
    made = [run(block) for block in each[7:10]]
    run = pickle.loads(pickle.dumps(run))
    made += [run(block) for block in each[10:]]
    assert told(made, "w") == ends(made, "w")
    assert numbers(made, "w") == list(range(len(made and ends(made, "w"))))


def test_a_node_of_the_inputs_pace_added_later_has_that_pace() -> None:
    run = s.Graph([s.Delay("x", 1, "d")]).run()
    each = blocks()
    run(each[0])
    run.add(s.Scale("d", "y", 2.0))
    made = run(each[1])
    assert made.pace("y") == made.pace("x")
    assert made.timestamps("y").tolist() == each[1].timestamps("x").tolist()


def bursts() -> list[s.Signal]:  # type: ignore[type-arg]
    return [
        s.FourierTransform("x", name="f", window_size=8, window_overlap=4, detrend_type=None),
        s.InverseFourierTransform("f", name="y", window_size=8, window_overlap=4),
    ]


def test_latency_behind_bursts_counts_rows() -> None:
    graph = s.Graph([*bursts(), s.Delay("y", 3, "z")])
    assert graph.latency("z") - graph.latency("y") == 3


def test_what_bursts_cannot_give_evenly_is_refused() -> None:
    with pytest.raises(StreamConfigError, match="4 at once"):
        s.Graph([*bursts(), s.Resample("y", "z", 2, 1)])
    graph = s.Graph([*bursts(), s.Windows("y", "z", window_size=2)])
    made = graph({"x": X})
    assert len(made["z"]) == made.pace("z").rows_before(N)
    assert graph.pace("z").every == Fraction(4)


def test_a_frame_with_moments() -> None:
    import pandas as pd

    for unit in ("s", "us", "ns"):
        moments = pd.date_range("2020", periods=5, freq="s").as_unit(unit)
        frame = pd.DataFrame({"timestamp": moments, "x": np.arange(5.0)})
        assert s.Graph([s.Delay("x", 1, "d")])(frame)["d"].tolist() == [0, 0, 1, 2, 3]
        made = s.Graph([s.Delay("x", 1, "d")])({name: frame[name].to_numpy() for name in frame})
        assert np.allclose(made.timestamps("d"), 1577836800 + np.arange(5.0))


def test_what_is_no_time_is_no_timestamp() -> None:
    for column in (np.array(["a", "b"]), np.zeros((2, 1))):
        made = s.Graph([s.Delay("x", 1, "d")], rate=2.0)({"timestamp": column, "x": np.ones(2)})
        assert made.timestamps("d").tolist() == [0.0, 0.5]


# --- rows that stand between those of a slower column --------------------------------------------------


def _between() -> list[Any]:
    return [
        s.Windows("x", "w", 3),
        s.Resample("w", "r", 3, 2),
        s.Delay("r", 1, "d"),
        s.Resample("r", "rr", 2, 3),
        s.Windows("r", "rw", 5, 2),
        s.Resample("rw", "q", 7, 3),
    ]


def _times(blocks: list[Any], name: str) -> bytes:
    for block in blocks:
        assert len(block.numbers(name)) == len(block[name])
    return np.concatenate([block.timestamps(name) for block in blocks]).tobytes()


@pytest.mark.parametrize("sizes", [[1] * 200, [2] * 100, [7] * 29, [50] * 4, [0, 3, 99, 98]], ids=lambda s: str(s[:2]))
@pytest.mark.parametrize("clock", [True, False])
def test_times_between_slow_rows_are_the_same_for_all_cuts(sizes: list[int], clock: bool) -> None:
    require("scipy")
    rng = np.random.default_rng(0)
    columns = {"x": rng.random(200)} | ({"timestamp": np.cumsum(rng.random(200))} if clock else {})
    graph = s.Graph(_between(), rate=None if clock else 100.0)
    run, at, blocks, whole = graph.run(), 0, [], graph(columns)
    for k, n in enumerate(sizes):
        blocks.append(run({name: each[at : at + n] for name, each in columns.items()}))
        at += n
        if k == 2:  # what stands further back is part of the state
            state, run = pickle.loads(pickle.dumps(run.state_dict())), graph.run()
            run.load_state_dict(state)
    for node in graph:
        assert _times(blocks, node.name) == _times([whole], node.name)
        assert np.isfinite(whole.timestamps(node.name)).all()


@pytest.mark.parametrize(
    ("first", "then"), [(11, 17), (5, 4), (200, 3), (200, 1), (2, 4), (1, 1), (40, 39)], ids=lambda n: str(n)
)
def test_times_between_slow_rows_stay_with_blocks_cut_anew_and_resumed(first: int, then: int) -> None:
    require("scipy")
    rng = np.random.default_rng(0)
    rows = [{"x": x, "timestamp": t} for x, t in zip(rng.random(200), np.cumsum(rng.random(200)), strict=True)]
    graph = s.Graph(_between())
    whole = graph({name: np.array([row[name] for row in rows]) for name in ("x", "timestamp")})
    stream = hr.source(rows) | hr.blocks(first) | graph | hr.blocks(then)
    with stream.open() as cursor:
        begun, state = cursor.take(3), cursor.state()
    with stream.open(at=pickle.loads(pickle.dumps(state))) as cursor:
        blocks = [*begun, *cursor]
    for node in graph:
        assert _times(blocks, node.name) == _times([whole], node.name)
    assert np.isfinite(np.concatenate([block.timestamps("q") for block in blocks])).all()


def test_blocks_of_ones_own_cut_anew_know_all_times_that_were() -> None:
    require("scipy")
    x = np.arange(40.0)
    whole = s.Graph(_between())({"x": x, "timestamp": x})
    pace = {name: whole.pace(name) for name in ("w", "r")}
    given, at = [], 0
    for stop in (7, 8, 9, 30, 40):  # which do not say what was before them
        columns = {name: whole[name][each.rows_before(at) : each.rows_before(stop)] for name, each in pace.items()}
        given.append(Block({"timestamp": x[at:stop], **columns}, first=at, paces=pace))
        at = stop
    for n in (1, 4, 6, 50):
        assert _times(list(hr.source(given) | hr.blocks(n)), "r") == _times([whole], "r")


# --- times that are no seconds ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("times", "unit"),
    [
        (np.arange(6) * 10**6 + 17 * 10**17, "ns"),
        ((np.arange(6) * 10**6 + 17 * 10**17).astype(np.uint64), "ns"),
        (np.arange(6) + 17 * 10**14, "us"),
        (np.arange(6) + 1.7e12, "ms"),
        (list(range(17 * 10**11, 17 * 10**11 + 6)), "ms"),
    ],
    ids=["ns", "uint64", "us", "float ms", "list"],
)
def test_timestamps_that_are_no_seconds_are_refused(times: Any, unit: str) -> None:
    columns = {"timestamp": times, "x": np.arange(6.0)}
    graph = s.Graph([s.Windows("x", "w", 2)])
    run, rows = graph.run(), [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    for call in (
        lambda: graph(columns),
        lambda: run(columns),
        lambda: Block(columns),
        lambda: s.compute_signal_functions(columns, list(graph)),
        lambda: list(hr.source(rows) | hr.blocks(3) | graph),
    ):
        with pytest.raises(DataError, match=f"wanted seconds: this looks like {unit} since 1970.\n  Divide by 1e"):
            call()
    assert run.row == 0
    moments = np.asarray(times).astype(np.int64).astype(f"datetime64[{unit}]")
    seconds = np.asarray(times, float) / {"ms": 1e3, "us": 1e6, "ns": 1e9}[unit]
    made = graph({"timestamp": moments, "x": columns["x"]})
    assert made.timestamps("w").tolist() == graph({**columns, "timestamp": seconds}).timestamps("w").tolist()
