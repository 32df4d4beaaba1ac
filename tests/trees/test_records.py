"""What a sample was made with, and the sample made again from that."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.core import same
from headrace.trees import Records, SamplingTree, Tree, abrupt, gradual, incremental
from support.require import require
from trees import wave


def moving() -> SamplingTree:
    params = {
        "background": {
            "signal_length": 64,
            "offset": incremental(0.0, 1.0, at=100, width=50),
            "strength": {"schedule": [0.1, 0.4]},
        },
        "branching_node": {"probs": gradual([0.6, 0.2, 0.2], [0.2, 0.4, 0.4], at=60, width=40)},
        "ramp": {"height": abrupt(1.0, 1.5, at=90)},
        "step": {"kernel_size": 3},
        "length": 32,
    }
    return wave.waves(params)


@pytest.mark.parametrize("make", [moving, wave.drifting_columns, wave.mixed])
def test_a_sample_is_rebuilt_from_its_record_alone(make: Any) -> None:
    tree = make()
    due = tree.collect(150)
    records = [tree.explain(i) for i in range(0, 150, 7)]
    tree.update()
    tree.update()
    for record in records:
        made, label = tree.rebuild(record)
        x, y = due[record["index"]]
        assert same(np.asarray(made), np.asarray(x))
        assert same(label, y)


def test_records_survive_json_where_their_values_do() -> None:
    tree = moving()
    due = tree[133]
    made = tree.rebuild(json.loads(json.dumps(tree.explain(133))))
    assert same(made, due)


def test_records_of_branches_named_by_tuples_survive_json() -> None:
    tree = SamplingTree([lambda _, *, rng: float(rng.random()), {(1, "a"): "one", (2, "b"): "two", 3: "three"}])
    for i in range(12):
        assert tree.rebuild(json.loads(json.dumps(tree.explain(i)))) == tree[i]


def test_columns_tell_what_records_do() -> None:
    tree = moving()
    _, records = tree.read(150, records=True)
    columns = records.columns()
    for i, record in enumerate(records):
        assert columns["index"][i] == record["index"]
        assert columns["concept"][i] == record["concept"]
        assert columns["label"][i] == record["labels"][0]
        assert columns["path.branching_node"][i] == record["path"]["branching_node"]
        assert columns["branching_node.probabilities"][i] == record["probabilities"]["branching_node"]
        told = {
            name: column[i] for name, column in columns.items() if name.startswith(("background.", "ramp.", "step."))
        }
        assert {name: value for name, value in told.items() if value is not None} == record["parameters"]
    several = Records(SamplingTree([lambda _: 0, {"x": ["a", "b"], "y": "c", "z": []}]).__recipe__(), range(60))
    labels = several.columns()["label"]
    assert {str(label) for label in labels} == {"['a', 'b']", "c", "None"}
    assert [record["labels"] for record in several] == [
        label if isinstance(label, list) else [] if label is None else [label] for label in labels
    ]


def test_values_that_arrow_has_no_type_for_are_texts() -> None:
    require("pyarrow")
    require("xarray")
    tree = SamplingTree([lambda _, a, b, c: 0], {"a": np.eye(2), "b": len, "c": {"value": {"x": 1}}})
    _, records = tree.read(3, records=True)
    table = records.to_arrow()
    assert table["<lambda>.a"].to_pylist() == [[[1.0, 0.0], [0.0, 1.0]]] * 3
    assert table["<lambda>.b"].to_pylist() == [str(len)] * 3
    assert table["<lambda>.c"].to_pylist() == [{"x": 1}] * 3
    assert records.to_xarray()["<lambda>.b"].values.tolist() == [len] * 3


def test_records_of_many_branchings_in_a_row() -> None:
    choices = [{"name": f"m{k}", "yes": wave.shifted, "no": []} for k in range(30)]
    tree = SamplingTree([lambda _: 0.0, *choices, "end"])
    x, _ = tree[0:500]
    _, records = tree.read(500, records=True)
    assert [sum(way == "yes" for way in record["path"].values()) for record in records] == x.tolist()


def test_records_come_with_a_read_and_tell_what_was_used() -> None:
    tree = moving()
    tree.update()
    (X, y), records = tree.read(150, records=True)
    assert len(records) == len(X) == 150
    assert tree.position == 150
    for i in (0, 59, 149):
        record = records[i]
        assert record == tree.explain(i)
        assert (record["index"], record["step"]) == (i, 1)
        assert record["labels"] == [y[i]]
        assert record["path"] == {"branching_node": y[i]}
        assert record["parameters"]["background.strength"] == 0.4
        assert record["parameters"]["background.offset"] == incremental(0.0, 1.0, at=100, width=50).at(i)
        assert set(record["parameters"]) >= ({f"{y[i]}.length"} if y[i] != "background" else set())
        assert not {"ramp.height", "step.kernel_size"} - {f"{y[i]}.height", f"{y[i]}.kernel_size"} & set(
            record["parameters"]
        )
    assert records[0]["probabilities"]["branching_node"] == [0.6, 0.2, 0.2]
    assert records[149]["probabilities"]["branching_node"] == [0.2, 0.4, 0.4]
    assert [record["index"] for record in records[3:6]] == [3, 4, 5]


def test_records_are_of_the_tree_as_it_was() -> None:
    tree = moving()
    _, records = tree.read(5, records=True)
    tree.update()
    assert records[0]["parameters"]["background.strength"] == 0.1


def test_tables_of_records() -> None:
    require("pandas")
    tree = moving()
    (_, y), records = tree.read(120, records=True)
    table = records.to_dataframe()
    assert table["label"].tolist() == y.tolist()
    assert table.index.tolist() == list(range(120))
    assert table.loc[119, "branching_node.probabilities"] == [0.2, 0.4, 0.4]
    assert table["ramp.height"].notna().tolist() == [label == "ramp" for label in y]
    arrow = require("pyarrow")
    made = records.to_arrow()
    assert isinstance(made, arrow.Table)
    assert made["label"].to_pylist() == y.tolist()


def test_a_dataset_of_records() -> None:
    require("xarray")
    (_, y), records = moving().read(30, records=True)
    made = records.to_xarray()
    assert made.sizes == {"sample": 30}
    assert made["label"].values.tolist() == y.tolist()
    assert made["background.offset"].dtype == np.float64


def test_a_record_of_another_tree_is_refused() -> None:
    record = moving().explain(3)
    with pytest.raises(hr.DataError, match="has the branches"):
        SamplingTree([lambda _: 0, {"x": "x", "y": "y"}]).rebuild(record)
    junk: Any
    for junk in ({}, None, 3, {"path": {}, "parameters": {}}):
        with pytest.raises(hr.DataError, match=r"wanted a record as explain\(i\) gives"):
            SamplingTree([lambda _: 0]).rebuild(junk)
    other = SamplingTree([lambda _, depth: 0], {"depth": 1})
    with pytest.raises(hr.DataError, match=r"without the parameter <lambda>\.depth"):
        other.rebuild(record)


def test_records_of_an_unseeded_recipe_need_no_seed() -> None:
    tree = wave.waves()
    assert Tree(tree.__recipe__().plan).seed is None
    assert tree.explain(5)["key"] == hr.Key(42).plain()
