"""Widgets, without a notebook."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import headrace as hr
from headrace import plot
from headrace.errors import MissingExtraError
from headrace.plot import plot_parameter_store_widget as tabs
from headrace.trees import ParameterStore, SamplingTree, abrupt, gradual
from support.require import require


def noise(_: Any, offset: float, scale: Any = 0.1, *, rng: np.random.Generator) -> Any:
    return rng.normal(offset, scale, size=16)


def stepping() -> SamplingTree:
    return SamplingTree(
        [noise, {"a": "a", "b": "b"}],
        {
            "offset": {"value": 0.0, "schedule": [0.25, 0.5]},
            "scale": 0.125,
            "branching_node": {"probs": {"schedule": [[1.0, 0.0], [0.0, 1.0]]}},
        },
    )


def without(monkeypatch: pytest.MonkeyPatch, *packages: str) -> None:
    """Make packages look as if they were not installed."""
    for package in packages:
        monkeypatch.setitem(sys.modules, package, None)  # which makes the import of it fail as if it were not there


@pytest.fixture
def widget() -> Any:
    require("anywidget")
    return plot.explore(stepping(), samples=2)


def test_the_explorer_knows_every_value_at_every_step(widget: Any) -> None:
    assert widget.clock == "step"
    assert widget.places == [0, 1, 2]
    table = dict(zip(widget.names, widget.table, strict=True))
    assert table == {
        "noise.offset": ["0", "0.25", "0.5"],
        "branching_node.probs": ["[1.0, 0.0]", "[0.0, 1.0]", "[0.0, 1.0]"],
        "noise.scale": ["0.125"] * 3,
    }
    assert widget.names[-1] == "noise.scale", "what moves comes first"
    drawing = ElementTree.fromstring(widget.chart)
    assert "noise.offset" in [text.text for text in drawing.iter("{http://www.w3.org/2000/svg}text")]
    assert widget.chart.count('class="drift"') == 3


def test_moving_the_slider_draws_the_samples_of_that_step_and_moves_nothing() -> None:
    require("anywidget")
    tree = stepping()
    tree.collect(3)
    before = tree[3]
    widget = plot.explore(tree, samples=2)
    first = widget.preview
    widget.index = 2
    assert widget.preview != first
    assert (tree.step, tree.position, tree.params["offset"].value) == (0, 3, 0.0)
    assert np.array_equal(tree[3][0], before[0])
    tree.set_update_step(2)
    drawn = plot.explore(tree, samples=2)
    assert drawn.index == 2, "it begins where the tree is"
    assert drawn.preview == widget.preview
    with pytest.raises(hr.StreamConfigError, match="0 to 2"):
        widget.index = 3


def test_the_explorer_goes_along_samples() -> None:
    require("anywidget")
    tree = SamplingTree(
        [noise, "a"], {"offset": gradual(0.0, 1.0, at=500, width=100), "scale": abrupt(0.1, 0.4, at=800)}
    )
    widget = plot.explore(tree, samples=1)
    assert widget.clock == "sample"
    assert widget.places[0] == 0
    assert widget.places[-1] >= 800
    widget.index = len(widget.places) - 1
    values = {name: row[-1] for name, row in zip(widget.names, widget.table, strict=True)}
    assert values == {"noise.offset": "1", "noise.scale": "0.4"}
    assert plot.explore(tree, until=100, samples=0).places[-1] == 100
    assert plot.explore(tree, clock="step", samples=0).places == [0, 1]


def test_the_explorer_of_a_store_and_of_hard_schedules() -> None:
    require("anywidget")
    store = ParameterStore(
        {
            "word": {"schedule": ["a", "b"]},
            "s": {"ends": {"value": 1, "schedule": [2], "strategy": "raise exception"}},
            "laps": {"schedule": [1, 2, 3], "strategy": "cycle"},
            "mask": {"schedule": np.zeros((3, 4, 4))},
            "endless": {"schedule": (k for k in iter(int, 1))},
        }
    )
    before = store.get_params()
    widget = plot.explore(store)
    values = dict(zip(widget.names, widget.table, strict=True))
    assert values["word"][:3] == ["'a'", "'b'", "'b'"]
    assert values["s.ends"][:3] == ["1", "2", "'behind its schedule'"]
    assert values["laps"][:5] == ["1", "2", "3", "1", "2"]
    assert widget.preview == ""
    assert {name: store[name].value for name in ("word", "s.ends", "laps")} == {
        name: before[name] for name in ("word", "s.ends", "laps")
    }


def test_the_explorer_shows_nothing_where_a_schedule_has_ended() -> None:
    require("anywidget")
    params = {"offset": {"value": 0.0, "schedule": [1.0], "strategy": "raise exception"}}
    widget = plot.explore(SamplingTree([noise, "a"], params), until=3)
    assert widget.preview
    widget.index = 3
    assert widget.preview == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"source": 3}, r"explore got 3, wanted a SamplingTree"),
        ({"clock": "day"}, r"clock=\) got 'day'"),
        ({"until": 0}, "until=0"),
        ({"samples": -1}, "samples=-1"),
        ({"source": ParameterStore()}, "no parameters"),
    ],
)
def test_what_cannot_be_explored_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(hr.StreamConfigError, match=message):
        plot.explore(**{"source": stepping(), **arguments})


def test_without_anywidget_there_is_a_plain_one(monkeypatch: pytest.MonkeyPatch) -> None:
    widgets = require("ipywidgets")
    without(monkeypatch, "anywidget")
    made = plot.explore(stepping(), samples=1)
    slider, page = made.children
    assert isinstance(slider, widgets.IntSlider)
    first = page.value
    slider.value = 2
    assert page.value != first
    assert "<td>noise.offset</td><td>0.5</td>" in page.value
    assert page.value.count("<svg") == 2


@pytest.mark.parametrize("show", [lambda: plot.explore(stepping()), lambda: tabs(ParameterStore({"s": {"a": 1}}))])
def test_what_a_package_of_widgets_lacks_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch, show: Any) -> None:
    require("anywidget")
    for name in [name for name in sys.modules if name.partition(".")[0] in ("anywidget", "ipywidgets")]:
        monkeypatch.delitem(sys.modules, name)
    without(monkeypatch, "ipywidgets")
    with pytest.raises(MissingExtraError, match=r"needs the package ipywidgets(.|\n)*pip install 'headrace\[plot\]'"):
        show()
    monkeypatch.delitem(sys.modules, "ipywidgets")
    without(monkeypatch, "comm")  # which ipywidgets imports
    with pytest.raises(MissingExtraError, match=r"needs the package comm(.|\n)*pip install 'headrace\[plot\]'"):
        show()


def test_without_either_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "anywidget", "ipywidgets")
    with pytest.raises(MissingExtraError, match=r"headrace\[plot\]"):
        plot.explore(stepping())


STAND_IN = """
import { readFileSync } from "node:fs";
const state = JSON.parse(readFileSync(process.argv[2])), heard = {};
class Element {
  constructor(name) { this.name = name; this.children = []; this.style = {}; this.attributes = {}; this.rows = []; this.cells = []; this.on = {};
    this.viewBox = { baseVal: { height: 100 } }; }
  append(...more) { this.children.push(...more); }
  setAttribute(name, value) { this.attributes[name] = value; }
  addEventListener(name, f) { this.on[name] = f; }
  insertRow() { const row = new Element("tr"); this.rows.push(row); return row; }
  insertCell() { const cell = new Element("td"); this.cells.push(cell); return cell; }
  querySelector() { return (this.inner ??= new Element("svg")); }
}
globalThis.document = { createElement: (n) => new Element(n), createElementNS: (_, n) => new Element(n) };
const model = {
  get: (name) => state[name],
  set: (name, value) => { state[name] = value; for (const f of heard["change:" + name] ?? []) f(); },
  save_changes: () => { model.saved = true; },
  on: (event, f) => (heard[event] ??= []).push(f),
  off: (event, f) => { heard[event] = heard[event].filter((g) => g !== f); },
};
const { default: widget } = await import(process.argv[3]);
const el = new Element("div");
const leave = widget.render({ model, el });
const [chart, slider, table, samples] = el.children;
const told = () => table.rows.map((row) => row.cells.map((cell) => String(cell.textContent)));
const before = told();
slider.value = 2;
slider.on.input();
model.set("preview", "<svg>new</svg>");
const out = { before, after: told(), saved: model.saved, mark: chart.inner.children[0].attributes.x1, preview: samples.innerHTML };
leave();
out.left = Object.values(heard).flat().length;
console.log(JSON.stringify(out));
"""


def test_the_script_of_the_explorer_shows_the_place_of_the_slider(widget: Any, tmp_path: Path) -> None:
    node = require("node")
    state = {
        name: getattr(widget, name) for name in ("places", "names", "table", "chart", "clock", "at", "index", "preview")
    }
    (tmp_path / "state.json").write_text(json.dumps(state))
    (tmp_path / "page.mjs").write_text(STAND_IN)
    (tmp_path / "explorer.mjs").write_text(widget._esm)
    command = [node, str(tmp_path / "page.mjs"), str(tmp_path / "state.json"), (tmp_path / "explorer.mjs").as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["before"][:2] == [["step", "0"], ["noise.offset", "0"]]
    assert told["after"][:2] == [["step", "2"], ["noise.offset", "0.5"]]
    assert told["saved"] is True
    assert told["mark"] == widget.at[2]
    assert told["preview"] == "<svg>new</svg>"
    assert told["left"] == 0


def test_tabs_of_a_store() -> None:
    require("matplotlib")
    widgets = require("ipywidgets")
    store = ParameterStore({"top": 1, "s": {"b": {"schedule": [1, 2]}}, "t": {"c": 3, "d": "word"}, "empty": {}})
    tabs = plot.plot_parameter_store_widget(store, 2)
    assert isinstance(tabs, widgets.Tab)
    assert tabs.titles == ("s", "t")
    assert all(bytes(page.value).startswith(b"\x89PNG") for page in tabs.children)
    assert store["s.b"].value == 1
    assert not require("matplotlib.pyplot").get_fignums()
    assert plot.plot_parameter_store_widget(ParameterStore({"top": 1})).titles == ("parameters",)
    assert plot.plot_parameter_store_widget(ParameterStore()).children == ()
