"""How a tree is drawn: methods whose work is done by an upper room, which is asked for by name.

A base class with one child, on purpose: these are all of the tree that reach upwards, in one place.
"""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any

from headrace.core.registry import find


class Drawable:
    """What has a drawing: a mixin of :class:`headrace.trees.SamplingTree`."""

    def to_svg(
        self,
        file_path: str | PathLike[str] = "tree",
        plotting_func: Callable[[Any, Any], Any] | None = None,
        fps: float = 2.0,
        *,
        samples: int = 0,
        most: int | None = 200,
    ) -> Any:
        """Write ``<stem>.dot`` and ``<stem>.dot.svg`` and return the drawing; moves nothing and needs no program.

        Parameters
        ----------
        file_path
            Where: a suffix is taken off it.
        plotting_func
            Draws a sample: called as ``plotting_func(sample, axes)`` with matplotlib's axes, for samples that are a pair
            with the first of it. By default images and signals are drawn without matplotlib.
        fps
            How many samples are shown in a second, in buffers and at the ends of ways.
        samples
            How many samples to make and show at the end of each way; 0 for none.
        most
            How many boxes are drawn; what is cut says how much it is. None for all.

        Raises
        ------
        SinkError
            When a file cannot be written.
        StreamConfigError
            For numbers that are none.
        MissingExtraError
            When ``plotting_func`` is given and matplotlib is not installed.

        Examples
        --------
        >>> from headrace.trees import SamplingTree
        >>> drawing = SamplingTree([abs, {"a": "low", "b": [abs, "high"]}]).to_svg("tree")
        >>> drawing.data[:4]
        '<svg'
        """
        return find("plot.to_svg").make(self, file_path, plotting_func, fps, samples=samples, most=most)

    def to_dotfile(
        self,
        file_path: str | PathLike[str] = "tree.dot",
        plotting_func: Callable[[Any, Any], Any] | None = None,
        fps: float = 2.0,
    ) -> Path:
        """Write this tree for graphviz and return the file's path; with ``plotting_func``, buffers as GIF files beside it.

        Raises
        ------
        SinkError
            When a file cannot be written.
        """
        found: Path = find("plot.to_dotfile").make(self, file_path, plotting_func, fps)
        return found

    def to_mermaid(self, file_path: str | PathLike[str] | None = None, *, most: int | None = 200) -> str:
        """Return this tree as the text of a mermaid flow chart, and write it to a file where one is named.

        Raises
        ------
        SinkError
            When the file cannot be written.
        """
        text: str = find("plot.to_mermaid").make(self, file_path, most=most)
        return text

    def _repr_svg_(self) -> str:
        return str(find("plot.tree_svg").make(self)._repr_svg_())

    def _repr_html_(self) -> str:
        return str(find("plot.tree_svg").make(self)._repr_html_())
