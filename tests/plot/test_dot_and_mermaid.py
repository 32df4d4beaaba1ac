"""Trees in the languages of graphviz and mermaid."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import headrace as hr
from headrace.plot.dot import quoted
from headrace.trees import SampleBufferNode, SamplingTree, TransformNode, abrupt
from support.require import require

HARD = [
    "<&\">'",
    "back\\slash \\N \\l",
    'say "b"',
    "two\nlines",
    "&amp; #35; `code` ]) }}",
    "\x00\x1b",
    "水 🌳",
    " ",
    "a;b|c%d",
]


def noise(_: Any, scale: float = 0.1, *, rng: np.random.Generator) -> Any:
    return rng.normal(scale=scale, size=16)


def same(value: Any) -> Any:
    return value


def dot(text: str, form: str = "json") -> Any:
    """What graphviz makes of a text; it may complain of nothing."""
    done = subprocess.run(
        [require("graphviz"), f"-T{form}"], input=text.encode(), capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == b""
    return json.loads(done.stdout) if form == "json" else done.stdout.decode()


def test_graphviz_reads_the_nodes_and_lines(tmp_path: Path) -> None:
    tree = SamplingTree(
        [noise, SampleBufferNode("kept"), {"a": "low", "b": [same, "high"], "probs": [0.25, 0.75]}, same],
        {"noise": {"scale": abrupt(0.1, 0.4, at=500)}},
    )
    path = tree.to_dotfile(tmp_path / "tree.dot")
    assert path == tmp_path / "tree.dot"
    found = dot(path.read_text(encoding="utf-8"))
    nodes = {node["_gvid"]: node for node in found["objects"]}
    assert sorted(node["label"] for node in nodes.values()) == [
        "branching_node",
        "high",
        "kept",
        "low",
        "noise",
        "same",
        "same",
    ]
    shapes = {node["label"]: node["shape"] for node in nodes.values()}
    assert (shapes["branching_node"], shapes["low"], shapes["kept"]) == ("diamond", "cds", "box")
    assert [n["tooltip"] for n in nodes.values() if n["label"] == "noise"] == ["scale=abrupt(0.1, 0.4, at=500)"]
    lines = {(nodes[e["tail"]]["label"], nodes[e["head"]]["label"]): e.get("label") for e in found["edges"]}
    assert lines["branching_node", "low"] == "a, 0.25"
    assert not lines["low", "same"]
    assert len(found["edges"]) == 7


def test_graphviz_shows_names_as_they_are() -> None:
    names = [name for name in HARD if name.strip() and "\x00" not in name]
    tree = SamplingTree([noise, {str(k): [TransformNode(same, name=name), name] for k, name in enumerate(names)}])
    import html

    from headrace.plot.dot import dot_text
    from headrace.plot.outline import Outline

    drawn = dot(dot_text(Outline(tree)), "svg")
    shown = {
        html.unescape(text).replace("\xa0", " ") for text in re.findall(r"<text[^>]*>(.*?)</text>", drawn, re.DOTALL)
    }
    for name in names:
        for line in name.split("\n"):
            assert line in shown, (line, shown)


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])))
def test_a_text_in_quotes_is_one_token(text: str) -> None:
    made = quoted(text)
    assert re.fullmatch(r'"(?:[^"\\]|\\.)*"', made)
    read = re.sub(r"\\(.)", r"\1", made[1:-1]).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert read == text


def test_buffers_are_drawn_as_moving_pictures_beside_the_file(tmp_path: Path) -> None:
    images = require("PIL.Image")
    require("matplotlib")
    tree = SamplingTree(
        [
            noise,
            SampleBufferNode("after/noise", 3),
            "a",
            SampleBufferNode("after/noise", 3),
            SampleBufferNode("last", 2),
        ]
    )
    path = tree.to_dotfile(str(tmp_path / "empty.dot"), lambda x, ax: ax.plot(x))
    assert list(tmp_path.iterdir()) == [path], "nothing to draw"
    tree.collect(5)
    drawn: list[int] = []

    def draw(sample: Any, axes: Any) -> None:
        drawn.append(len(sample))
        axes.plot(sample)

    text = tree.to_dotfile(tmp_path / "tree.dot", draw, fps=4).read_text(encoding="utf-8")
    assert drawn == [16] * 8, "pairs are drawn without their label"
    pictures = sorted(path.name for path in tmp_path.glob("*.gif"))
    assert len(pictures) == 3
    assert all(f'image="{name}"' in text for name in pictures)
    with images.open(tmp_path / "last.gif") as film:
        assert (film.n_frames, film.info["duration"]) == (2, 250)
    with pytest.raises(hr.StreamConfigError, match=r"to_dotfile\(fps=\) got 0, wanted"):
        tree.to_dotfile(tmp_path / "tree.dot", draw, fps=0)


# --- mermaid --------------------------------------------------------------------------------------


def read(text: str) -> tuple[dict[str, str], list[tuple[str, str, str]]]:
    """Names and lines of a flow chart, by mermaid's rules for texts in quotes."""
    first, *lines = text.splitlines()
    assert first == "flowchart TD"
    nodes, joined = {}, []
    for line in lines:
        if (node := re.fullmatch(r'    (n\d+)[\[({>]+"([^"]*)"[\])}]+', line)) is not None:
            nodes[node[1]] = unescaped(node[2])
        elif (edge := re.fullmatch(r'    (n\d+) -->(?:\|"([^"]*)"\|)? (n\d+)', line)) is not None:
            joined.append((edge[1], edge[3], unescaped(edge[2] or "")))
        else:
            assert line.strip().startswith(("classDef ", "class ")), line
    return nodes, joined


def unescaped(text: str) -> str:
    return re.sub(r"#(\d+);", lambda found: chr(int(found[1])), text.replace("<br/>", "\n"))


def test_mermaid_has_the_nodes_and_lines(tmp_path: Path) -> None:
    tree = SamplingTree(
        [noise, {"a": "low", "b": [same, "high"], "probs": [0.25, 0.75]}],
        {"noise": {"scale": abrupt(0.1, 0.4, at=500)}},
    )
    text = tree.to_mermaid()
    nodes, lines = read(text)
    assert list(nodes.values()) == ["noise\nscale=0.1 → 0.4, abrupt at 500", "branching_node", "low", "same", "high"]
    names = {key: name.split("\n")[0] for key, name in nodes.items()}
    assert [(names[a], names[b], label) for a, b, label in lines] == [
        ("noise", "branching_node", ""),
        ("branching_node", "low", "a, 0.25"),
        ("branching_node", "same", "b, 0.75"),
        ("same", "high", ""),
    ]
    assert "class n0 drifts" in text
    assert tree.to_mermaid(tmp_path / "tree.mmd") == text
    assert (tmp_path / "tree.mmd").read_text(encoding="utf-8") == text


def test_mermaid_reads_names_as_they_are() -> None:
    names = [name for name in HARD if name.strip()]
    tree = SamplingTree([noise, {str(k): [TransformNode(same, name=name), name] for k, name in enumerate(names)}])
    nodes, _ = read(tree.to_mermaid())
    for name in names:
        assert " ".join(name.replace("\x00", "\ufffd").replace("\x1b", "\ufffd").split()) in nodes.values()


def test_mermaid_is_cut_too() -> None:
    tree = SamplingTree([noise, {str(k): str(k) for k in range(1000)}])
    nodes, lines = read(tree.to_mermaid())
    assert len(nodes) < 100
    assert len(lines) == len(nodes) - 1
    assert any(re.fullmatch(r"… \d+ more branches", name) for name in nodes.values())
    assert len(read(tree.to_mermaid(most=None))[0]) == 1002
