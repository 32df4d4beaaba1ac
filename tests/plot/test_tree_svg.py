"""Drawings of trees: what is in them, where, and what is cut."""

from __future__ import annotations

import pickle
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import headrace as hr
from headrace import plot
from headrace.trees import (
    SampleBufferNode,
    SamplingTree,
    TransformNode,
    abrupt,
    batched,
    cyclic,
    following,
    gradual,
)
from plot.drawings import NS, Read, along, on_edge, overlapping
from support.require import require


def noise(_: Any, scale: float = 0.1, *, rng: np.random.Generator) -> Any:
    return rng.normal(scale=scale, size=32)


def lift(signal: Any, height: float = 1.0) -> Any:
    return signal + height


def same(value: Any) -> Any:
    return value


def waves(**params: Any) -> SamplingTree:
    return SamplingTree([noise, {"flat": "flat", "lifted": [lift, "high"]}, same], params or None)


def test_a_tree_is_drawn_with_every_name_once_and_every_line() -> None:
    read = Read(plot.tree_svg(waves()).data)
    assert sorted(read.names()) == ["branching_node", "flat", "high", "lift", "noise", "same"]
    assert sorted(read.joined()) == [
        ("branching_node", "flat"),
        ("branching_node", "lift"),
        ("flat", "same"),
        ("high", "same"),
        ("lift", "high"),
        ("noise", "branching_node"),
    ], "what comes behind a branching is drawn once"
    kinds = {box.name: box.kind for box in read.boxes.values()}
    assert (kinds["noise"], kinds["branching_node"], kinds["flat"]) == ("call", "branch", "label")


def check_places(read: Read) -> None:
    boxes = list(read.boxes.values())
    assert overlapping(boxes) == []
    for box in boxes:
        assert 0 <= box.left < box.right <= read.width
        assert 0 <= box.top < box.bottom <= read.height
    for line in read.lines:
        assert on_edge(read.boxes[line.start], line.points[0])
        assert on_edge(read.boxes[line.end], line.points[-1])
        for name, box in read.boxes.items():
            if name in (line.start, line.end):
                continue
            through = [
                point
                for point in along(line)
                if box.left + 0.2 < point[0] < box.right - 0.2 and box.top + 0.2 < point[1] < box.bottom - 0.2
            ]
            assert not through, f"{line} crosses {box}"


specs: st.SearchStrategy[Any] = st.deferred(
    lambda: st.lists(
        st.one_of(
            st.sampled_from(["a", "a label that is rather long", "b"]),
            st.just(same),
            st.dictionaries(st.sampled_from(["left", "right", "a third one"]), specs, min_size=1),
        ),
        max_size=4,
    )
)


@given(specs.filter(bool), st.booleans())
def test_boxes_do_not_overlap_and_lines_join_them_and_cross_none(spec: Any, down: bool) -> None:
    tree = SamplingTree([same, *spec], strict=False)
    read = Read(plot.tree_svg(tree, down=down).data)
    check_places(read)
    assert len(read.boxes) == len(tree.__recipe__().plan)


def test_drawings_go_down_while_they_fit_a_page_and_to_the_right_beyond() -> None:
    narrow = Read(plot.tree_svg(waves()).data)
    assert narrow.named("noise").bottom < narrow.named("branching_node").top
    wide = Read(plot.tree_svg(SamplingTree([noise, {str(k): f"label {k}" for k in range(30)}])).data)
    assert wide.named("noise").right < wide.named("branching_node").left
    check_places(wide)


def test_words_fit_their_boxes_in_a_font_as_wide_as_any() -> None:
    read = Read(plot.tree_svg(waves(noise={"scale": 0.123456}, lift={"height": 123456789.0})).data)
    for box in read.boxes.values():
        assert len(box.name) * 12 * 0.602 <= box.right - box.left
        for text in box.texts:
            assert len(text) * 10 * 0.602 <= box.right - box.left


def test_parameters_are_written_and_those_that_drift_are_marked() -> None:
    tree = waves(
        noise={"scale": abrupt(0.1, 0.4, at=500)},
        branching_node={"probs": gradual([1, 0], [0.25, 0.75], at=5000, width=1000)},
        lift={"height": {"value": 1.0, "schedule": [2.0, 3.0, 4.0]}},
    )
    read = Read(plot.tree_svg(tree).data)
    assert read.named("noise").texts == ["scale=0.1 → 0.4, abrupt at 500"]
    assert "scale = abrupt(0.1, 0.4, at=500): covariate drift" in read.named("noise").note
    assert read.named("branching_node").texts == ["probs=gradual at 5000"]
    assert "prior drift" in read.named("branching_node").note
    assert read.named("lift").texts == ["height=1 → 2 → 3 → …"]
    assert "concept drift" in read.named("lift").note
    labels = {(start, end): line.label for line, (start, end) in zip(read.lines, read.joined(), strict=True)}
    assert labels["branching_node", "flat"] == "1 → 0.25"
    assert labels["branching_node", "lift"] == "lifted, 0 → 0.75"
    assert tree.params["lift.height"].update() == 2.0, "the schedule was only looked at"


def test_every_kind_of_schedule_is_written() -> None:
    values = [
        following(float),
        following(float, changes=[3]),
        cyclic(1.0, 2.0, every=10),
        np.zeros((3, 4)),
        "a text",
        None,
    ]
    for value in values:
        read = Read(plot.tree_svg(waves(lift={"height": value})).data)
        assert len(read.named("lift").texts) == 1


def test_a_schedule_that_is_an_iterator_is_not_asked_for_what_comes() -> None:
    def values() -> Any:
        yield 1.0
        yield 2.0
        raise AssertionError("nobody wants this yet")

    tree = waves(lift={"height": {"schedule": values()}})
    assert Read(plot.tree_svg(tree).data).named("lift").texts == ["height=1 → …"]
    tree.update()
    tree.set_update_step(0)
    assert Read(plot.tree_svg(tree).data).named("lift").texts == ["height=1 → 2 → …"]
    assert Read(plot.tree_svg(pickle.loads(pickle.dumps(tree))).data).named("lift").texts == ["height=1 → 2 → …"]


def test_symbols_in_names_are_escaped() -> None:
    hard = "<&\"'>\\ \x00 \x1b 水 \ud800"
    tree = SamplingTree([TransformNode(same, name=hard), {hard: hard, "b": 'say "b"'}])
    read = Read(plot.tree_svg(tree).data)
    assert "<&\"'>\\ \ufffd \ufffd 水 \ufffd" in read.names()
    assert 'say "b"' in read.names()
    assert plot.tree_svg(tree).data.encode()


def test_many_branches_are_cut_and_the_rest_is_counted() -> None:
    tree = SamplingTree([noise, {f"branch {k}": [lift, f"label {k}"] for k in range(1000)}, same])
    start = time.monotonic()
    drawing = plot.tree_svg(tree)
    assert time.monotonic() - start < 20, "a hang"
    read = Read(drawing.data)
    assert len(read.boxes) <= 202
    shown = sum(box.kind == "label" for box in read.boxes.values())
    assert f"… {1000 - shown} more branches" in read.names()
    assert read.names().count("same") == 1
    check_places(read)
    assert len(Read(plot.tree_svg(tree, most=None).data).boxes) == 2003


def test_what_is_cut_lies_deep() -> None:
    deep = {"a": [{"x": "ax", "y": "ay"}], "b": [{"x": "bx", "y": "by"}]}
    names = Read(plot.tree_svg(SamplingTree([noise, deep, same]), most=5).data).names()
    assert {"noise", "same"} <= set(names)
    assert names.count("… 2 more branches") == 2
    chain = Read(plot.tree_svg(SamplingTree([same] * 50), most=10).data)
    assert "… 40 more nodes" in chain.names()


def test_branchings_in_branches_end_somewhere() -> None:
    spec: Any = "end"
    for k in range(120):
        spec = {"name": f"level {k}", "on": spec, "off": f"off {k}"}
    tree = SamplingTree([noise, spec])
    for most in (200, None):
        read = Read(plot.tree_svg(tree, most=most).data)
        assert "level 119" in read.names()
        assert any("more branches" in name for name in read.names())
    tree.to_mermaid()


def test_merges_by_the_dozen_are_drawn_once_each() -> None:
    tree = SamplingTree([noise, *[{"name": f"maybe {k}", "yes": lift, "no": []} for k in range(20)], same])
    read = Read(plot.tree_svg(tree, samples=2).data)
    assert len(read.boxes) == 1 + 20 * 3 + 1
    assert read.named("same").samples is not None


def test_one_way_of_a_tree_is_drawn_without_choices() -> None:
    (_, path) = waves().get_paths()
    read = Read(plot.tree_svg(path, samples=1).data)
    assert read.names() == ["noise", "lift", "high", "same"]
    assert read.named("same").samples is not None


def test_the_same_tree_gives_the_same_bytes(tmp_path: Path) -> None:
    def drawn() -> str:
        tree = waves(noise={"scale": abrupt(0.1, 0.4, at=500)})
        return plot.tree_svg(tree, samples=3).data

    assert drawn() == drawn()
    waves().to_svg(tmp_path / "a")
    waves().to_svg(tmp_path / "b")
    for suffix in (".dot", ".dot.svg"):
        assert tmp_path.joinpath("a" + suffix).read_bytes() == tmp_path.joinpath("b" + suffix).read_bytes()


# --- samples --------------------------------------------------------------------------------------


def test_samples_are_shown_at_the_ends_and_what_buffers_hold_and_the_tree_stays_where_it_is() -> None:
    buffer = SampleBufferNode("kept", num_samples=3)
    tree = SamplingTree([noise, buffer, {"flat": "flat", "lifted": [lift, "high"]}])
    assert Read(plot.tree_svg(tree).data).named("kept").samples is None, "empty"
    tree.collect(5)
    held = list(buffer.samples)
    read = Read(plot.tree_svg(tree, samples=4).data)
    assert tree.position == 5
    assert all(a is b for a, b in zip(buffer.samples, held, strict=True))
    for name, n in (("kept", 3), ("flat", 4), ("high", 4)):
        samples = read.named(name).samples
        assert samples is not None
        assert len(samples.findall(f".//{NS}animate")) == n
        assert len(samples.findall(f".//{NS}path")) == n
    assert read.named("noise").samples is None
    check_places(read)


def test_an_end_shows_the_samples_of_its_own_way() -> None:
    tree = SamplingTree([lambda _: 1.5, {"a": "a", "b": [lambda x: x + 1, "b"], "probs": [1.0, 0.0]}])
    read = Read(plot.tree_svg(tree, samples=1).data)
    texts = {}
    for name in ("a", "b"):
        samples = read.named(name).samples
        assert samples is not None
        texts[name] = [text.text for text in samples.iter(f"{NS}text")]
    assert texts == {"a": ["1.5"], "b": ["2.5"]}, "branches of probability 0 too; the label is said by the box"


def test_an_end_of_many_ways_shows_different_ones() -> None:
    tree = SamplingTree([lambda _: 0, {"a": lambda x: x + 1, "b": lambda x: x + 2}, same])
    samples = Read(plot.tree_svg(tree, samples=2).data).named("same").samples
    assert samples is not None
    assert [text.text for text in samples.iter(f"{NS}text")] == ["1", "2"]


def test_what_makes_many_samples_at_once_is_called_for_all_that_are_shown() -> None:
    calls = []

    @batched
    def many(_: Any, *, rng: np.random.Generator, n: int) -> Any:
        calls.append(n)
        return rng.normal(size=n)

    tree = SamplingTree([many, {"a": "a", "b": "b"}])
    read = Read(plot.tree_svg(tree, samples=6).data)
    assert len(calls) == 2, "once for each end"
    for path, name in zip(tree.get_paths(), ("a", "b"), strict=True):
        samples = read.named(name).samples
        assert samples is not None
        assert [text.text for text in samples.iter(f"{NS}text")] == [f"{path[i][0]:.4g}" for i in range(6)]


def test_the_error_of_a_function_passes() -> None:
    def failing(_: Any) -> Any:
        raise KeyError("mine")

    tree = SamplingTree([failing, "a"])
    plot.tree_svg(tree)
    with pytest.raises(KeyError, match="mine") as caught:
        plot.tree_svg(tree, samples=1)
    assert any("failing" in note for note in caught.value.__notes__)


generator = np.random.default_rng(3)


def test_a_tree_that_cannot_be_replayed_is_drawn_too() -> None:
    def hidden(_: Any) -> Any:
        return generator.normal(size=8)

    tree = SamplingTree([hidden, {"a": "a", "b": "b"}])
    state = generator.bit_generator.state
    tree._repr_html_()
    assert generator.bit_generator.state == state, "looking at a tree calls no function of it"
    read = Read(plot.tree_svg(tree, samples=2).data)
    assert read.named("b").samples is not None


@pytest.mark.parametrize("wrong", [{"samples": -1}, {"samples": 1.5}, {"fps": 0}, {"fps": "fast"}, {"most": 0}])
def test_numbers_that_are_none_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(hr.StreamConfigError, match=r"got.*wanted"):
        plot.tree_svg(waves(), **wrong)


def test_what_is_no_tree_is_refused() -> None:
    with pytest.raises(hr.StreamConfigError, match="got 3, wanted a SamplingTree"):
        plot.tree_svg(3)  # type: ignore[arg-type]  # that is the point


# --- the tree's own methods -----------------------------------------------------------------------


def test_to_svg_writes_two_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")  # no program is looked for
    tree = waves()
    drawing = tree.to_svg(tmp_path / "drawn.svg", samples=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["drawn.dot", "drawn.dot.svg"]
    assert (tmp_path / "drawn.dot.svg").read_text(encoding="utf-8") == drawing.data
    monkeypatch.chdir(tmp_path)
    tree.to_svg()
    tree.to_svg(str(tmp_path / "text"))
    assert {"tree.dot", "tree.dot.svg", "text.dot.svg"} <= {path.name for path in tmp_path.iterdir()}


def test_a_notebook_shows_a_tree() -> None:
    tree = waves()
    assert Read(tree._repr_svg_()).names() == Read(plot.tree_svg(tree).data).names()
    assert tree._repr_svg_() in tree._repr_html_()
    drawing = plot.tree_svg(tree)
    assert drawing._repr_svg_() == drawing.data == str(drawing)
    assert "save(path)" in repr(drawing)


def test_ipython_takes_trees_and_drawings_as_they_are() -> None:
    formatter = require("IPython.core.formatters").DisplayFormatter()
    formatter.active_types = formatter.format_types
    tree = waves()
    for shown in (tree, plot.tree_svg(tree)):
        bundle, _ = formatter.format(shown)
        assert {"text/plain", "text/html", "image/svg+xml"} <= bundle.keys()
    assert "text/html" in formatter.format(plot.Html("<p>page</p>"))[0]


def test_drawings_on_one_page_do_not_reach_each_other() -> None:
    drawing = plot.tree_svg(waves(), samples=3).data
    assert "<style" not in drawing
    assert " id=" not in drawing


def test_drawing_loads_no_matplotlib(tmp_path: Path) -> None:
    code = (
        "import sys; from headrace.trees import SamplingTree; import numpy as np\n"
        "tree = SamplingTree([lambda _: np.zeros((8, 8)), 'a'])\n"
        "assert 'headrace.plot' not in sys.modules, 'asked for by name'\n"
        "tree.to_svg('tree', samples=2), tree.to_mermaid(), tree.to_dotfile('tree.dot')\n"
        "print([m for m in ('matplotlib', 'PIL', 'IPython', 'ipywidgets', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_browser_shows_one_sample_after_the_other(tmp_path: Path) -> None:
    chromium = require("chromium")
    tree = SamplingTree([lambda _: np.eye(4), "eye"])
    drawing = plot.tree_svg(tree, samples=4, fps=1)
    page = tmp_path / "page.html"
    script = (
        "const svg = document.querySelector('svg'); svg.pauseAnimations(); svg.setCurrentTime(2.5);"
        "const frames = [...document.querySelectorAll('.samples > g > g')].concat([...document.querySelectorAll('.samples > g')]);"
        "setTimeout(() => document.title = frames.filter(g => g.querySelector(':scope > animate')).map(g => getComputedStyle(g).visibility[0]).join(''), 300);"
    )
    page.write_text(f"<body>{drawing.data}<script>{script}</script>", encoding="utf-8")
    done = subprocess.run(
        [
            chromium,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--virtual-time-budget=2000",
            f"--user-data-dir={tmp_path}",
            "--dump-dom",
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    if "<title>" not in done.stdout:
        pytest.skip(f"chromium: it does not start: {done.stderr[-200:]}")
    assert "<title>hhvh</title>" in done.stdout
