"""Runs of graphs: changes between blocks, knobs, states."""

from __future__ import annotations

import pickle
import threading
from typing import Any

import numpy as np
import pytest

import headrace as hr
import headrace.signals as s
from headrace.errors import DataError, StateMismatchError, StreamConfigError

X = np.random.default_rng(0).normal(size=100)


def graph() -> s.Graph:
    return s.Graph([s.Integrate("x", name="total"), s.Scale("total", name="y", scale_factor=2.0)])


def test_a_node_added_while_running_begins_with_the_next_block() -> None:
    run = graph().run()
    run({"x": X[:10]})
    run.add(s.Integrate("y", name="z"))
    later = run({"x": X[10:30]})
    assert np.array_equal(later["z"], s.Integrate("y", name="z")(later["y"]))
    assert np.array_equal(later["y"], graph()({"x": X})["y"][10:30]), "those that were there went on"
    assert [(change.row, change.what, change.name) for change in run.log] == [(10, "add", "z")]


def test_a_node_removed_is_gone_with_the_next_block() -> None:
    run = graph().run()
    assert "y" in run({"x": X[:10]})
    run.remove("y")
    assert "y" not in run({"x": X[10:20]})
    assert run.log[0][:3] == (10, "remove", "y")
    with pytest.raises(StreamConfigError, match="no node 'y'"):
        run.remove("y")


def test_what_is_read_cannot_be_removed_nor_what_does_not_fit_added() -> None:
    run = graph().run()
    with pytest.raises(StreamConfigError, match="read by 'y'"):
        run.remove("total")
    with pytest.raises(StreamConfigError, match="two nodes named"):
        run.add(s.Scale("x", name="y", scale_factor=1.0))
    run({"x": X})
    assert run.log == []


def test_a_node_that_does_not_fit_the_columns_is_told_once_and_the_run_goes_on() -> None:
    run = graph().run()
    run({"x": X[:10]})
    run.add(s.Sum("nowhere", name="z"))
    with pytest.raises(hr.DataError, match="'nowhere'"):
        run({"x": X[10:20]})
    assert np.array_equal(run({"x": X[10:]})["y"], graph()({"x": X})["y"][10:])


def test_setting_a_parameter_keeps_states_where_they_fit() -> None:
    run = graph().run()
    run({"x": X[:10]})
    run.set("y.scale_factor", 10.0)
    total = s.Integrate("x", name="total")(X)
    assert np.array_equal(run({"x": X[10:]})["y"], total[10:] * 10.0)
    assert run.log[0] == (10, "set", "y.scale_factor", 10.0)
    run.reset()
    assert run.row == 0
    assert np.array_equal(run({"x": X})["y"], total * 10.0)


def test_several_changes_between_two_blocks() -> None:
    run = graph().run()
    run({"x": X[:10]})
    run.add(s.Scale("y", name="z", scale_factor=1.0))
    run.set("z.scale_factor", 5.0)
    run.add(s.Sum("z", "y", name="w"))
    later = run({"x": X[10:20]})
    assert np.array_equal(later["w"], later["y"] * 5.0 + later["y"])
    assert [change.what for change in run.log] == ["add", "set", "add"]


def test_knobs_are_followed_from_the_next_block_on_and_logged() -> None:
    knob = hr.Knob(2.0)
    run = s.Graph([s.Scale("x", name="y", scale_factor=knob)]).run()
    assert np.array_equal(run({"x": X[:10]})["y"], X[:10] * 2.0)
    knob.set(3.0)
    assert np.array_equal(run({"x": X[10:20]})["y"], X[10:20] * 3.0)
    assert run.log == [(10, "set", "y.scale_factor", 3.0)]
    with pytest.raises(StreamConfigError, match="wanted a number"):
        knob.set("loud")  # type: ignore[arg-type]
    assert knob.value == 3.0


def test_a_stream_with_a_knob_goes_on_with_the_value_it_had() -> None:
    knob = hr.Knob(2.0)
    blocks = [{"x": X[i : i + 10]} for i in range(0, 100, 10)]
    stream = hr.Streamer(blocks) | s.Scale("x", name="y", scale_factor=knob)
    with stream.open(hr.Key(1)) as cursor:
        cursor.take(2)
        knob.set(5.0)
        cursor.take(1)
        state = pickle.loads(pickle.dumps(cursor.state()))
        expected = next(cursor)["y"]
    assert np.array_equal(expected, X[30:40] * 5.0)
    with stream.open(at=state) as cursor:
        assert np.array_equal(next(cursor)["y"], expected)


def test_a_state_goes_on_elsewhere() -> None:
    run = graph().run()
    run({"x": X[:33]})
    state = pickle.loads(pickle.dumps(run.state_dict()))
    expected = run({"x": X[33:]})["y"]
    other = s.from_json(s.to_json(graph())).run()
    other.load_state_dict(state)
    assert other.row == 33
    assert np.array_equal(other({"x": X[33:]})["y"], expected)
    twin = pickle.loads(pickle.dumps(run))
    assert twin.row == 100


def test_a_state_of_another_graph_is_refused_by_name() -> None:
    run = graph().run()
    run({"x": X[:33]})
    other = s.Graph([s.Integrate("x", name="total")]).run()
    with pytest.raises(StateMismatchError, match="node 'y'"):
        other.load_state_dict(run.state_dict())
    with pytest.raises(StateMismatchError, match="what state_dict"):
        other.load_state_dict({"a": 1})


def test_a_state_does_not_change_with_the_run() -> None:
    run = graph().run()
    run({"x": X[:33]})
    state = run.state_dict()
    kept = pickle.dumps(state)
    run({"x": X[33:]})
    assert pickle.dumps(state) == kept


def test_changes_from_another_thread_lose_no_row() -> None:
    run = graph().run()
    done = threading.Event()

    def turns() -> None:
        k = 0
        while not done.is_set():
            run.set("y.scale_factor", float(k := k + 1))
            run.add(s.Scale("x", name=f"n{k}", scale_factor=1.0))
            run.remove(f"n{k}")

    thread = threading.Thread(target=turns)
    thread.start()
    try:
        totals = [run({"x": X[i : i + 1]})["total"] for i in range(100)]
    finally:
        done.set()
        thread.join()
    assert np.array_equal(np.concatenate(totals), graph()({"x": X})["total"])


def test_another_knob_is_read_from_its_first_value_on() -> None:
    run = s.Graph([s.Scale("x", "y", hr.Knob(2.0))]).run()
    run({"x": X[:1]})
    run.set("y.scale_factor", hr.Knob(9.0))
    assert run({"x": np.ones(1)})["y"] == 9
    run.remove("y")
    run({"x": X[:1]})
    run.add(s.Scale("x", "y", hr.Knob(7.0)))
    assert [run({"x": np.ones(1)})["y"][0] for _ in range(2)] == [7, 7]


@pytest.mark.parametrize("between", [False, True])
def test_a_node_removed_and_added_again_begins_anew(between: bool) -> None:
    run = s.Graph([s.Integrate("x", None, name="i"), s.Delay("x", 1, "d")]).run()
    run({"x": np.ones(5)})
    run.remove("i")
    if between:
        run({"x": np.ones(5)})
    run.add(s.Integrate("x", None, name="i"))
    made = run({"x": np.ones(1)})
    assert (made["i"][0], made["d"][0]) == (0, 1)


@pytest.mark.parametrize("how", ["set", "knob"])
def test_what_reads_rows_of_another_shape_begins_anew(how: str) -> None:
    knob = hr.Knob(4)
    size: Any = knob if how == "knob" else 4
    nodes = [s.Windows("x", "w", window_size=size), s.MovingAverage("w", "m", 3), s.Integrate("x", None, "i")]
    run = s.Graph(nodes).run()
    run({"x": X[:20]})
    if how == "knob":
        knob.set(6)
    else:
        run.set("w.window_size", 6)
    made = run({"x": X[20:40]})
    fresh = s.Graph([s.Windows("x", "w", window_size=6), s.MovingAverage("w", "m", 3)])({"x": X[20:40]})
    assert np.array_equal(made["m"], fresh["m"])
    assert np.array_equal(made["i"], s.Integrate("x", None, "i")(X[:40])[20:]), "what it does not touch goes on"
    assert run({"x": X[40:46]})["m"].shape == (1, 6)


def test_a_change_that_a_block_cannot_be_computed_with_leaves_the_run_as_it_was() -> None:
    @s.signal
    def failing(x: Any) -> Any:
        if len(x):
            raise ArithmeticError("it fails with rows")
        return x

    run = s.Graph([s.Integrate("x", None, "i")]).run()
    run({"x": np.ones(3)})
    run.add(failing("i", name="f"))
    with pytest.raises(ArithmeticError, match="with rows"):
        run({"x": np.ones(1)})
    made = run({"x": np.ones(1)})
    assert (list(made), made["i"].tolist(), run.log) == (["x", "i"], [3.0], [])
    run.add(s.Scale("i", "y", 2.0))
    with pytest.raises(hr.DataError, match="'x'"):
        run({"z": np.ones(1)})
    assert run({"x": np.ones(1)})["y"].tolist() == [8.0], "a bad block does not undo a good change"


@pytest.mark.parametrize(
    ("node", "path", "value"),
    [
        (lambda n: s.Windows("x", "y", window_size=n), (4, 7), None),
        (lambda n: s.Resample("x", "y", n), (2, 3), None),
        (lambda n: s.Delay("x", n, "y"), (3, 5), None),
    ],
)
def test_a_knob_on_what_says_the_pace(node: Any, path: tuple[int, int], value: None) -> None:
    knob = hr.Knob(path[0])
    turning, plain = s.Graph([node(knob)]), s.Graph([node(path[0])])
    assert (turning.pace("y"), turning.latency("y")) == (plain.pace("y"), plain.latency("y"))
    state = turning.init({"x": X})
    assert np.array_equal(turning.step(state, {"x": X})[0]["y"], plain({"x": X})["y"])
    knob.set(path[1])
    assert (turning.pace("y"), turning.latency("y")) == (s.Graph([node(path[1])]).pace("y"), node(path[1]).latency)
    assert np.array_equal(turning({"x": X})["y"], node(path[1])(X))


def test_what_was_asked_for_is_not_lost_in_a_state() -> None:
    def asked() -> Any:
        run = s.Graph([s.Scale("x", "y", 1.0), s.Scale("x", "gone", 1.0)]).run()
        run({"x": X[:1]})
        run.add(s.Scale("x", "z", 2.0))
        run.set("y.scale_factor", 3.0)
        run.remove("gone")
        return run

    other = s.Graph([s.Scale("x", "y", 1.0), s.Scale("x", "gone", 1.0)]).run()
    other.load_state_dict(asked().state_dict())
    for run in (pickle.loads(pickle.dumps(asked())), other):
        made = run({"x": np.ones(1)})
        assert {name: each.tolist() for name, each in made.items()} == {"x": [1], "y": [3], "z": [2]}
        assert [change.row for change in run.log] == [1, 1, 1]


def test_a_log_in_a_state_is_plain() -> None:
    run = s.Graph([s.Scale("x", "y", hr.Knob(2.0))]).run()
    run({"x": X[:1]})
    run.set("y.scale_factor", hr.Knob(9.0))
    run({"x": X[:1]})
    assert run.state_dict()["log"] == ((1, "set", "y.scale_factor", 9.0),)


def test_a_state_of_other_parameters_names_the_node() -> None:
    nodes = [s.Delay("x", 1, "d"), s.MovingAverage("x", "m", 3)]
    state = s.Graph(nodes).run().state_dict()
    with pytest.raises(StateMismatchError, match=r"node 'm' .*length=5"):
        s.Graph([nodes[0], s.MovingAverage("x", "m", 5)]).run().load_state_dict(state)


def test_tensors_give_tensors_from_block_to_block() -> None:
    torch = pytest.importorskip("torch")
    run = s.Graph([s.Delay("x", 1, "d")]).run()
    x = torch.ones(3)
    made = run({"x": x})
    assert made["x"] is x
    assert (made["d"].dtype, made["d"].tolist()) == (torch.float32, [0, 1, 1])
    assert [block["d"].tolist() for block in hr.Streamer([{"x": x}, {"x": x}]) | s.Delay("x", 1, "d")] == [
        [0, 1, 1],
        [1, 1, 1],
    ]
    assert isinstance(s.compute_signal_functions({"x": x}, [s.Delay("x", 1, "d")])["d"], torch.Tensor)


def test_a_block_with_a_column_of_a_nodes_name_is_refused_later_too() -> None:
    run = s.Graph([s.Delay("x", 1, "d")]).run()
    run({"x": X[:2]})
    with pytest.raises(hr.DataError, match="name of a column"):
        run({"x": X[:2], "d": X[:2]})


def test_no_item_of_a_stream_ends_it() -> None:
    stream = hr.Streamer([{"x": X[:2]}, None, {"x": X[:3]}]) | s.Delay("x", 1, "d")
    with pytest.raises(hr.DataError, match="None"):
        list(stream)


@pytest.mark.parametrize("rate", [-3, 0, "fast"])
def test_a_rate_is_a_number_above_nought(rate: Any) -> None:
    with pytest.raises(StreamConfigError, match="rate"):
        s.Graph([s.Delay("x", 1, "d")], rate=rate)


def test_guards_of_nodes_that_are_gone_are_gone() -> None:
    knob = hr.Knob(0.0)
    run = s.Graph([s.Clip("x", "y", knob, 10.0)]).run()
    for i in range(50):
        run.set("y.max_value", 10.0 + i)
        run({"x": X[:1]})
    assert len(knob._guards) < 5
    s.Graph([s.Clip("x", "y", knob, 0.5)])
    knob.set(5.0)
    with pytest.raises(StreamConfigError, match="max_value"):
        knob.set(100.0)


def test_numbers_of_numpy_are_those_that_json_brings_back() -> None:
    node = s.Scale("x", "y", np.float64(2.5))
    twin = s.from_json(s.to_json(s.Graph([node])))["y"]
    assert node == twin
    assert node(np.ones(2, np.float32)).dtype == twin(np.ones(2, np.float32)).dtype == np.float32


def test_a_change_that_works_is_not_lost_with_one_that_does_not() -> None:
    run = s.Graph([s.Scale("x", "y", 2.0)]).run()
    run({"x": np.ones(2)})
    run.set("y.scale_factor", 3.0)
    run.add(s.Abs("nowhere", "z"))
    run.add(s.Abs("y", "size"))
    with pytest.raises(DataError, match="nowhere"):
        run({"x": np.ones(2)})
    block = run({"x": np.ones(2)})
    assert (block["y"].tolist(), block["size"].tolist(), "z" in block) == ([3, 3], [3, 3], False)
    assert [(change.what, change.name) for change in run.log] == [("set", "y.scale_factor"), ("add", "size")]
