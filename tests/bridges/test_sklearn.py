"""The driver for estimators with ``partial_fit``."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.bridges.sklearn import Fitting, partial_fit
from support.require import require

linear_model = require("sklearn.linear_model")
cluster = require("sklearn.cluster")
decomposition = require("sklearn.decomposition")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(210, 4))
Y = (X[:, 0] > 0).astype(int)


def rows(seed: int | None = 7) -> Any:
    stream = hr.source({"X": X, "Y": Y, "w": np.ones(210)}) | hr.permute()
    return stream if seed is None else stream.seeded(seed)


def classifier() -> Any:
    return linear_model.SGDClassifier(random_state=0)


def test_it_is_partial_fit_of_every_batch_of_every_epoch() -> None:
    model = partial_fit(classifier(), rows() | hr.batch(50), classes=[0, 1], epochs=3)
    by_hand = classifier()
    for epoch in range(3):
        key = hr.Key(7).child("lap", epoch) if epoch else hr.Key(7)
        for batch in (rows() | hr.batch(50)).open(key):
            by_hand.partial_fit(batch["X"], batch["Y"], classes=[0, 1])
    assert (model.coef_ == by_hand.coef_).all()
    assert model.score(X, Y) > 0.9


def test_single_samples_are_batched() -> None:
    model = partial_fit(classifier(), rows(), classes=[0, 1], batch_size=50)
    assert (model.coef_ == partial_fit(classifier(), rows() | hr.batch(50), classes=[0, 1]).coef_).all()
    with pytest.raises(hr.DataError, match=r"shape \(4,\), wanted \(rows, features\)"):
        partial_fit(classifier(), rows(), classes=[0, 1])


def test_weights_and_names() -> None:
    stream = hr.source({"a": X, "b": X[:, 1], "w": np.ones(210)}) | hr.batch(50)
    model = partial_fit(linear_model.SGDRegressor(), stream, inputs="a", outputs="b", weights="w")
    assert model.t_ == 211


def test_without_targets() -> None:
    model = partial_fit(cluster.MiniBatchKMeans(3, random_state=0, n_init=1), rows() | hr.batch(50), outputs=None)
    assert model.cluster_centers_.shape == (3, 4)


def test_a_short_last_batch_does_no_harm() -> None:
    model = partial_fit(decomposition.IncrementalPCA(3), rows() | hr.batch(104), outputs=None)  # 104, 104, 2
    assert model.n_samples_seen_ in (208, 210)


def test_a_batch_that_is_too_short_is_left_out_and_told() -> None:
    class Strict(decomposition.IncrementalPCA):  # type: ignore[name-defined,misc]  # as before scikit-learn 1.6
        def partial_fit(self, X: Any, y: Any = None) -> Any:
            if len(X) < self.n_components:
                raise ValueError("n_components=3 must be less or equal to the batch number of samples 2.")
            return super().partial_fit(X, y)

    with pytest.warns(hr.errors.HeadraceWarning, match="left out a batch of 2 rows"):
        model = partial_fit(Strict(3), rows() | hr.batch(104), outputs=None)
    assert model.n_samples_seen_ == 208
    with pytest.raises(ValueError, match="n_components"):
        partial_fit(Strict(3), rows() | hr.batch(2), outputs=None)


@pytest.mark.parametrize("seed", [7, None])
@pytest.mark.parametrize("n", [0, 1, 5, 7, 12])
def test_a_training_goes_on_from_its_state(seed: int | None, n: int) -> None:
    stream = rows(seed) | hr.batch(50)
    model = classifier()
    fitting = Fitting(model, stream, classes=[0, 1], epochs=3)
    for _ in zip(range(n), fitting, strict=False):
        pass
    saved = copy.deepcopy((model, fitting.state()))
    rest = list(fitting)
    assert rest == list(range(n + 1, 16)), "a loop goes on where the training is"
    again, state = saved
    assert partial_fit(again, stream, classes=[0, 1], epochs=3, at=state) is again
    assert (again.coef_ == model.coef_).all()


def test_steps_end_an_endless_stream() -> None:
    endless = rows() | hr.repeat() | hr.batch(50)
    model = partial_fit(linear_model.SGDRegressor(), endless, steps=10)
    assert model.t_ == 501
    assert not hasattr(partial_fit(linear_model.SGDRegressor(), endless, steps=0), "coef_")
    with pytest.raises(hr.StreamConfigError, match="no end, wanted steps="):
        partial_fit(linear_model.SGDRegressor(), endless)


def test_progress_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    partial_fit(classifier(), rows() | hr.batch(50), classes=[0, 1], epochs=2, progress=True)
    assert "10/10" in capsys.readouterr().err
    partial_fit(classifier(), rows() | hr.batch(50), classes=[0, 1])
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("model", "options", "said"),
    [
        (linear_model.LinearRegression(), {}, "has no partial_fit"),
        (classifier(), {}, "SGDClassifier without classes="),
        (linear_model.SGDRegressor(), {"classes": [0, 1]}, "SGDRegressor takes no classes"),
        (decomposition.IncrementalPCA(), {"outputs": None, "weights": "w"}, "IncrementalPCA takes no sample_weight"),
        (linear_model.SGDRegressor(), {"epochs": -1}, "epochs"),
        (linear_model.SGDRegressor(), {"steps": 1.5}, "steps"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_drawn(model: Any, options: Any, said: str) -> None:
    def boom(row: Any) -> Any:
        raise AssertionError

    with pytest.raises(hr.StreamConfigError, match=said):
        partial_fit(model, rows() | hr.map(boom) | hr.batch(50), **options)


def test_fields_that_are_missing_are_named() -> None:
    with pytest.raises(hr.DataError, match=r"got \['X', 'Y', 'w'\], wanted a dict with the fields \['X', 'z'\]"):
        partial_fit(linear_model.SGDRegressor(), rows() | hr.batch(50), outputs="z")
    with pytest.raises(hr.DataError, match="got a tuple"):
        partial_fit(linear_model.SGDRegressor(), rows() | hr.batch(50) | hr.tuples("X", "Y"))


class Choosy:
    """Refuses one batch, once."""

    def __init__(self) -> None:
        self.seen: list[float] = []
        self.refused = False

    def partial_fit(self, samples: Any, targets: Any) -> None:
        if len(self.seen) == 2 and not self.refused:
            self.refused = True
            raise RuntimeError("not now")
        self.seen.append(float(samples.sum()))


def test_a_batch_that_was_not_learned_is_the_next_one() -> None:
    expected = [float(batch["X"].sum()) for batch in rows() | hr.batch(50)]
    fitting = Fitting(Choosy(), rows() | hr.batch(50))
    with fitting:
        with pytest.raises(RuntimeError, match="not now"):
            list(fitting)
        assert fitting.step == 2
        state = fitting.state()
        assert list(fitting) == [3, 4, 5]
        assert fitting.model.seen == expected
    again = Fitting(Choosy(), rows() | hr.batch(50), at=state)
    again.model.refused = True
    list(again)
    assert again.model.seen == expected[2:]
