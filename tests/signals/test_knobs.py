"""Knobs among parameters: wherever a signal computes it sees their values, and a filter that is turned goes on."""

from __future__ import annotations

import pickle
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import headrace as hr
import headrace.signals as s
from headrace.errors import StateMismatchError, StreamConfigError
from support.require import require

X = np.sin(np.arange(400) / 9) + 3


def test_step_and_init_see_the_values_of_now() -> None:
    knob = hr.Knob(2.0)
    node = s.Scale("x", "y", knob)
    assert node.step(None, X[:2])[0].tolist() == (2 * X[:2]).tolist()
    knob.set(3.0)
    assert node.step(None, X[:2])[0].tolist() == (3 * X[:2]).tolist()
    assert pickle.loads(pickle.dumps(node)).step(None, X[:2])[0].tolist() == (3 * X[:2]).tolist()
    late = s.Delay("x", hr.Knob(3), "y")
    assert late.init(X).shape == (3,)
    assert late.latency == 3
    windows = s.Windows("x", name="w", window_size=hr.Knob(4), window_overlap=1)
    assert windows.every == windows.offset == Fraction(3)
    assert windows.pace.rows_before(7) == 2


def test_a_method_looked_up_on_the_class_is_a_function() -> None:
    assert s.Scale.step(s.Scale("x", "y", 2.0), None, X[:1])[0].tolist() == (2 * X[:1]).tolist()
    assert isinstance(s.Delay.latency, property)


class Doubled(s.Scale):
    """A subclass whose step goes on with that of its base."""

    def step(self, state: Any, *rows: Any) -> tuple[Any, Any]:
        made, state = super().step(state, *rows)
        return 2 * made, state


def test_super_sees_them_too() -> None:
    assert Doubled("x", "y", hr.Knob(2.0)).step(None, np.ones(2))[0].tolist() == [4.0, 4.0]


# --- filters that are turned --------------------------------------------------------------------------


def _filters(freq: Any) -> list[Any]:
    return [
        s.LowPassFilter("x", "y", 8, freq, 100.0),
        s.HighPassFilter("x", "y", 3, freq, 100.0),
        s.NotchFilter("x", "y", freq, 100.0),
        s.Butterworth("x", "y", 4, freq, 100.0, "highpass"),
    ]


def _run(node: Any) -> Any:
    run = s.Graph([node]).run()
    return lambda rows: run({"x": rows})["y"]


@pytest.mark.parametrize("k", range(4))
@pytest.mark.parametrize("shape", [(), (3,)])
def test_a_filter_turned_a_little_goes_on(k: int, shape: tuple[int, ...]) -> None:
    require("scipy")
    x = np.multiply.outer(X, np.ones(shape))
    knob = hr.Knob(5.0)
    still = _filters(5.0)[k](x)
    for made in (_run, s.Function):
        knob.set(5.0)
        turned = made(_filters(knob)[k])
        before = turned(x[:200])
        knob.set(5.001)
        assert np.abs(np.concatenate([before, turned(x[200:])]) - still).max() < 1e-3


def test_what_never_changes_goes_on_as_if_nothing_were_turned() -> None:
    require("scipy")
    knob, order = hr.Knob(20.0), hr.Knob(8)
    run = s.Graph([s.LowPassFilter("x", "y", order, knob, 100.0)]).run()
    run({"x": np.full(300, 7.0)})
    knob.set(3.0)  # numbers of the old state in the new sections would be thousands
    assert np.allclose(run({"x": np.full(300, 7.0)})["y"], 7, atol=1e-3)
    order.set(3)
    assert np.allclose(run({"x": np.full(300, 7.0)})["y"], 7, atol=1e-5)
    run.set("y.sample_rate", 200.0)
    assert np.allclose(run({"x": np.full(300, 7.0)})["y"], 7, atol=1e-5)


def test_a_filter_that_is_turned_far_is_soon_what_it_would_have_been() -> None:
    require("scipy")
    run = s.Graph([s.LowPassFilter("x", "y", 4, 20.0, 100.0)]).run()
    run({"x": X[:200]})
    run.set("y.cutoff_freq", 5.0)
    wanted = s.LowPassFilter("x", "y", 4, 5.0, 100.0)(X)[200:]
    assert np.abs(run({"x": X[200:]})["y"] - wanted).max() < 0.6  # restarted it would be 0.9, with the old numbers 49


def test_a_turned_filter_pickles_and_resumes_to_the_bit() -> None:
    require("scipy")
    knob = hr.Knob(5.0)
    graph = s.Graph([s.LowPassFilter("x", "y", 2, knob, 100.0)])
    run = graph.run()
    run({"x": X[:100]})
    knob.set(9.0)
    run({"x": X[100:200]})
    state, twin = run.state_dict(), graph.run()
    twin.load_state_dict(state)
    assert twin({"x": X[200:]})["y"].tobytes() == run({"x": X[200:]})["y"].tobytes()


def test_a_value_that_cannot_be_is_refused_where_it_is_set() -> None:
    require("scipy")
    knob = hr.Knob(5.0)
    kept = _filters(knob)
    with pytest.raises(StreamConfigError, match="cutoff_freq"):
        knob.set(60.0)
    assert kept[0].settled().cutoff_freq == knob.value == 5.0


def test_a_graph_stepped_by_hand_takes_over_states_too() -> None:
    require("scipy")
    knob, length = hr.Knob(20.0), hr.Knob(4)
    graph = s.Graph([s.LowPassFilter("x", "y", 8, knob, 100.0), s.MovingAverage("x", "m", length)])
    block = {"x": np.full(300, 7.0)}
    _, state = graph.step(graph.init(block), block)
    knob.set(3.0)
    length.set(9)
    for _ in range(2):
        made, state = graph.step(pickle.loads(pickle.dumps(state)), block)
        assert np.allclose(made["y"], 7, atol=1e-3)
        assert np.allclose(made["m"], 7)


def _elsewhere(run: Any) -> list[Any]:
    """Return a run's twins: of the same knob, pickled, and in a process where the knob has not been turned."""
    state = pickle.loads(pickle.dumps(run.state_dict()))
    twin, other = run.graph.run(), s.Graph([s.Scale("x", "y", hr.Knob(1.0))]).run()
    twin.load_state_dict(state)
    again = run.graph.run()
    again.load_state_dict(twin.state_dict())
    other.load_state_dict(state)
    return [twin, again, other, pickle.loads(pickle.dumps(run)), pickle.loads(pickle.dumps(twin))]


@pytest.mark.parametrize("begun", [True, False])
def test_a_knob_turned_after_the_last_block_goes_into_a_state(begun: bool) -> None:
    knob = hr.Knob(1.0)
    run = s.Graph([s.Scale("x", "y", knob)]).run()
    if begun:
        run({"x": np.ones(2)})
    knob.set(9.0)
    twins = _elsewhere(run)
    for each in (run, *twins):
        assert each({"x": np.ones(1)})["y"].tolist() == [9]
        assert each({"x": np.ones(1)})["y"].tolist() == [9]
        assert [tuple(change) for change in each.log] == [(2 * begun, "set", "y.scale_factor", 9.0)]
    assert not run.state_dict()["turned"]
    twin, knob_there = twins[2], twins[2].graph["y"].knobs["scale_factor"]
    knob_there.set(5.0)  # a later turn is followed
    assert twin({"x": np.ones(1)})["y"].tolist() == [5]


def test_a_knob_turned_back_after_a_state_is_followed() -> None:
    knob = hr.Knob(1.0)
    run = s.Graph([s.Scale("x", "y", knob)]).run()
    run({"x": np.ones(2)})
    knob.set(9.0)
    state = run.state_dict()
    knob.set(4.0)
    run.load_state_dict(state)
    assert run({"x": np.ones(1)})["y"].tolist() == [9]  # as it was then
    knob.set(4.0)
    assert run({"x": np.ones(1)})["y"].tolist() == [4]
    run.load_state_dict(state)
    run.reset()
    assert run({"x": np.ones(1)})["y"].tolist() == [4]


def test_a_stream_goes_on_with_a_knob_that_was_turned_before_it_was_saved() -> None:
    knob = hr.Knob(2)
    stream = hr.source([{"x": X[at : at + 4]} for at in range(0, 40, 4)]) | s.MovingAverage("x", "y", knob)
    with stream.open() as cursor:
        cursor.take(2)
        knob.set(3)
        state = pickle.loads(pickle.dumps(cursor.state()))
        wanted = [block["y"].tobytes() for block in cursor]
    knob.set(7)
    with stream.open(at=state) as cursor:
        assert [block["y"].tobytes() for block in cursor] == wanted


def test_a_state_that_could_not_be_loaded_is_not_given() -> None:
    @s.signal
    def mine(x: Any) -> Any:
        return x + 1

    run = s.Graph([s.Abs("x", "y")]).run()
    run({"x": np.ones(2)})
    run.add(mine("x", name="z"))
    with pytest.raises(StateMismatchError, match=r"is to add 'z' with the next block.*\n  Save the state after"):
        run.state_dict()
    assert run({"x": np.ones(1)})["z"].tolist() == [2]
    twin = run.graph.run()
    twin.load_state_dict(run.state_dict())
    twin.remove("z")
    twin.add(mine("y", name="more"))  # a function that the graph has is known
    third = twin.graph.run()
    third.load_state_dict(twin.state_dict())
    assert third({"x": np.ones(1)})["more"].tolist() == [2]
