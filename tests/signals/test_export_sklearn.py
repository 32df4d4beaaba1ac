"""Graphs as transformers of scikit-learn."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from headrace.errors import StreamConfigError
from headrace.signals.arithmetic import Scale, Sum
from headrace.signals.differentiate import Integrate
from headrace.signals.graph import Graph
from headrace.signals.smooth import MovingAverage
from headrace.signals.spectral import FourierTransform
from support.require import require

require("sklearn")


def graph() -> Graph:
    return Graph([Scale("x", "s", 2.0), Integrate("s", None, "y"), MovingAverage("y", "m", 3)], outputs=["m"])


@pytest.mark.filterwarnings("ignore")
def test_the_checks_of_scikit_learn() -> None:
    from sklearn.utils.estimator_checks import check_estimator

    results = check_estimator(graph().to_sklearn(), on_skip=None)
    passed = [each["check_name"] for each in results or () if each["status"] == "passed"]
    assert len(passed) > 40 or results is None


def test_each_sample_is_a_window() -> None:
    x = np.random.default_rng(0).normal(size=(5, 20))
    found = graph().to_sklearn().fit_transform(x)
    assert found.shape == (5, 20)
    for row, wanted in zip(found, x, strict=True):
        assert np.array_equal(row, graph()({"x": wanted})["m"])


def test_several_columns_and_channels_make_a_row() -> None:
    made = Graph([Sum("acc", "gyro", name="sum"), Scale("n", name="more", scale_factor=3.0)])
    transformer = made.to_sklearn({"acc": 2, "gyro": (2,), "n": ()})
    x = np.arange(30.0).reshape(2, 15)  # three rows of five numbers
    rows = x.reshape(2, 3, 5)
    wanted = np.concatenate([(rows[:, :, :2] + rows[:, :, 2:4]).reshape(2, -1), rows[:, :, 4] * 3], axis=1)
    assert np.array_equal(transformer.fit_transform(x), wanted)
    assert list(transformer.get_feature_names_out()[:2]) == ["sum_0", "sum_1"]
    with pytest.raises(ValueError, match="a row has 5"):
        made.to_sklearn({"acc": 2, "gyro": 2, "n": ()}).fit(np.zeros((2, 14)))


def test_the_last_row_alone() -> None:
    x = np.random.default_rng(0).normal(size=(5, 20))
    whole, last = graph().to_sklearn(), graph().to_sklearn(rows="last")
    assert np.array_equal(last.fit_transform(x)[:, 0], whole.fit_transform(x)[:, -1])


def test_complex_numbers_are_two_features() -> None:
    x = np.random.default_rng(0).normal(size=(4, 64))
    transformer = Graph([FourierTransform("x", "s", 32)]).to_sklearn()
    wanted = FourierTransform("x", "s", 32)(x[1])
    found = transformer.fit_transform(x)[1].reshape(2, 17, 2)
    assert np.array_equal(found[..., 0] + 1j * found[..., 1], wanted)


def test_parameters_of_nodes_are_searched_over() -> None:
    from sklearn.base import clone
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline

    transformer = graph().to_sklearn()
    assert transformer.get_params()["graph__m.length"] == 3
    other = clone(transformer).set_params(**{"graph__m.length": 5})
    assert (other.graph["m"].length, transformer.graph["m"].length) == (5, 3)
    rng = np.random.default_rng(0)
    pipeline: Any = make_pipeline(graph().to_sklearn(rows="last"), Ridge())
    grid = GridSearchCV(pipeline, {"graphtransformer__graph__m.length": [1, 4]}, cv=2)
    grid.fit(rng.normal(size=(30, 8)), rng.normal(size=30))
    assert grid.best_estimator_[0].graph["m"].length in (1, 4)


def test_it_can_be_pickled() -> None:
    x = np.random.default_rng(0).normal(size=(5, 20))
    transformer = graph().to_sklearn().fit(x)
    assert np.array_equal(pickle.loads(pickle.dumps(transformer)).transform(x), transformer.transform(x))


def test_what_is_not_there() -> None:
    with pytest.raises(StreamConfigError, match="'m'"):
        graph().to_sklearn(outputs=["n"])
    with pytest.raises(StreamConfigError, match="'x'"):
        graph().to_sklearn(["z"])
    with pytest.raises(StreamConfigError, match="'last'"):
        graph().to_sklearn(rows="first")
