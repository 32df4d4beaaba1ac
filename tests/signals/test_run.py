"""Runs of graphs: changes between blocks, knobs, states."""

from __future__ import annotations

import pickle
import threading

import numpy as np
import pytest

import headrace as hr
import headrace.signals as s
from headrace.errors import StateMismatchError, StreamConfigError

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
