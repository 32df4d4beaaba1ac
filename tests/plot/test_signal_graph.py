"""Drawings of graphs of signals."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from headrace.signals.arithmetic import Scale, Sum
from headrace.signals.delay import Delay
from headrace.signals.graph import Graph
from headrace.signals.inference import Inference
from headrace.signals.spectral import FourierTransform

SVG = "{http://www.w3.org/2000/svg}"


def graph() -> Graph:
    nodes = [
        Sum("sine_0", "sine_1", name="composite"),
        FourierTransform("composite", "spectrum", 256, 128),
        Delay("composite", 7, "late"),
        Scale("late", "<loud>", 2.0),
    ]
    return Graph(nodes)


def boxes(text: str) -> dict[str, tuple[float, float, float, float]]:
    found = {}
    for each in ElementTree.fromstring(text).iter(f"{SVG}g"):
        if each.get("class") == "node":
            rect = each.find(f"{SVG}rect")
            assert rect is not None
            x, y, w, h = (float(rect.get(k, "")) for k in ("x", "y", "width", "height"))
            found[str(each.get("data-id"))] = (x, y, w, h)
    return found


def test_every_column_has_a_box_right_of_what_it_reads() -> None:
    text = graph().to_svg().data
    found = boxes(text)
    assert set(found) == {"sine_0", "sine_1", "composite", "spectrum", "late", "<loud>"}
    for node in graph().nodes:
        for name in node.inputs:
            x, _, width, _ = found[name]
            assert x + width < found[node.name][0]
    assert text.count('class="edge"') == 5


def test_boxes_do_not_meet() -> None:
    found = list(boxes(graph().to_svg().data).values())
    for k, (x, y, w, h) in enumerate(found):
        for a, b, c, d in found[k + 1 :]:
            assert x + w <= a or a + c <= x or y + h <= b or b + d <= y


def test_paces_and_latencies_are_told() -> None:
    text = graph().to_svg().data
    assert "a row every 128" in text
    assert "7 rows late" in text


def test_files(tmp_path: Path) -> None:
    drawing = graph().to_svg(tmp_path / "graph.svg")
    assert (tmp_path / "graph.svg").read_text() == drawing.data
    text = graph().to_mermaid(tmp_path / "graph.mmd")
    assert (tmp_path / "graph.mmd").read_text() == text
    assert graph()._repr_svg_() == drawing.data


def test_mermaid_escapes_and_joins() -> None:
    lines = graph().to_mermaid().splitlines()
    assert lines[0] == "flowchart LR"
    assert '    n0(["sine_0"])' in lines
    assert any("#60;loud#62;" in line for line in lines)
    assert "    n0 --> n2" in lines


def test_models_are_told_by_their_size() -> None:
    text = Graph([Inference("x", name="y", model=b"12345")]).to_mermaid()
    assert "5 bytes" in text


def test_an_empty_graph_and_a_long_one() -> None:
    assert boxes(Graph([]).to_svg().data) == {}
    chain = Graph([Scale(f"x{k}", f"x{k + 1}", 1.0) for k in range(60)])
    assert len(boxes(chain.to_svg().data)) == 61
