"""A sampling tree as a drawing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from headrace.core.checks import whole_number
from headrace.core.registry import register
from headrace.plot.boxes import drawn, joined, size_of
from headrace.plot.frames import frames_of
from headrace.plot.layout import Layout
from headrace.plot.outline import MOST, Box, Outline
from headrace.plot.previews import drawn_at_ends, held
from headrace.plot.svg import Svg, document
from headrace.plot.thumbnail import Picture, picture, rate

if TYPE_CHECKING:
    from headrace.trees.tree import SamplingTree

PAGE = 960.0  # pixels: a drawing that goes down is no wider, else it goes to the right


def tree_svg(
    tree: SamplingTree,
    *,
    samples: int = 0,
    plotting_func: Callable[[Any, Any], Any] | None = None,
    fps: float = 2.0,
    most: int | None = MOST,
    down: bool | None = None,
) -> Svg:
    """Return a drawing of a tree: its nodes with their parameters, what comes behind branchings drawn once.

    Parameters that drift are marked. Buffers show what they hold. The tree does not move.

    Parameters
    ----------
    tree
        The tree.
    samples
        How many samples to make and show at the end of each way, one after the other; 0 for none.
    plotting_func
        Draws a sample: called as ``plotting_func(sample, axes)`` with matplotlib's axes, for samples that are a pair with
        the first of it. By default images and signals are drawn as :func:`thumbnail` does.
    fps
        How many samples are shown in a second.
    most
        How many boxes are drawn; what is cut says how much it is. None for all.
    down
        Whether the way goes down, or to the right. By default down where that is at most 960 pixels wide.

    Raises
    ------
    StreamConfigError
        For numbers that are none.

    Examples
    --------
    >>> from headrace.plot import tree_svg
    >>> from headrace.trees import SamplingTree
    >>> drawing = tree_svg(SamplingTree([abs, {"a": "low", "b": [abs, "high"]}]))
    >>> drawing.data.count('class="node"'), drawing.data.count('class="edge"')
    (5, 4)
    """
    rate("tree_svg", fps)
    samples = whole_number("tree_svg", samples, 0, name="samples", things="samples")
    outline = Outline(tree, most)
    shown = held(outline)
    if samples:
        shown |= drawn_at_ends(tree, outline, samples)
    pictures: dict[int, Picture] = {}
    for k, some in shown.items():
        said = outline.boxes[k].name  # a class label's samples need not say it again
        pictures[k] = picture(some, fps, said) if plotting_func is None else frames_of(plotting_func, some, fps)

    def size(box: Box) -> tuple[float, float]:
        return size_of(box, pictures.get(box.id))

    layout = Layout(outline.series, size, True if down is None else down)
    if down is None and layout.width > PAGE:
        layout = Layout(outline.series, size, False)
    inside = [joined(line) for line in layout.lines]
    inside += [drawn(placed, pictures.get(placed.box.id)) for placed in layout.boxes]
    return document(layout.width, layout.height, inside, "sampling tree")


@register("plot.tree_svg", example=None, kind="view")
def _displayed(tree: SamplingTree) -> Svg:
    return tree_svg(tree)
