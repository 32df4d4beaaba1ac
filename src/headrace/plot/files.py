"""Drawings of trees in files: what the methods of a tree write."""

from __future__ import annotations

import re
from collections.abc import Callable
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.core.anew import written_anew
from headrace.core.optional import optional
from headrace.core.registry import register
from headrace.errors import StreamConfigError
from headrace.plot.dot import dot_text
from headrace.plot.frames import pngs
from headrace.plot.mermaid import mermaid_text
from headrace.plot.outline import MOST, Outline
from headrace.plot.previews import held
from headrace.plot.svg import Svg
from headrace.plot.thumbnail import rate
from headrace.plot.tree_svg import tree_svg

if TYPE_CHECKING:
    from headrace.trees.tree import SamplingTree

_DOT = 2000  # boxes of a file for graphviz: as many as lines of a tree's text
File = str | PathLike[str]


@register("plot.to_svg", example=None, kind="view")
def to_svg(
    tree: SamplingTree,
    file_path: File = "tree",
    plotting_func: Callable[[Any, Any], Any] | None = None,
    fps: float = 2.0,
    *,
    samples: int = 0,
    most: int | None = MOST,
) -> Svg:
    """Write ``<stem>.dot`` and ``<stem>.dot.svg`` and return the drawing. No program is needed.

    Parameters
    ----------
    tree
        The tree.
    file_path
        Where: a suffix is taken off it.
    plotting_func, fps, samples, most
        As in :func:`headrace.plot.tree_svg`.

    Raises
    ------
    SinkError
        When a file cannot be written.
    StreamConfigError
        For numbers that are none, or what is no tree or no path.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from headrace.plot import to_svg
    >>> from headrace.trees import SamplingTree
    >>> with TemporaryDirectory() as folder:
    ...     drawing = to_svg(SamplingTree([abs, "a"]), f"{folder}/tree")
    ...     sorted(path.name for path in Path(folder).iterdir())
    ['tree.dot', 'tree.dot.svg']
    """
    path = _path("to_svg", file_path).with_suffix(".dot")
    drawing = tree_svg(tree, samples=samples, plotting_func=plotting_func, fps=fps, most=most)
    _write("to_svg", path, dot_text(Outline(tree, _DOT)).encode())
    drawing.save(path.with_suffix(".dot.svg"))
    return drawing


@register("plot.to_dotfile", example=None, kind="view")
def to_dotfile(
    tree: SamplingTree,
    file_path: File = "tree.dot",
    plotting_func: Callable[[Any, Any], Any] | None = None,
    fps: float = 2.0,
) -> Path:
    """Write a tree for graphviz and return the path of the file.

    With a function that draws samples, each buffer that holds some is drawn as a moving picture ``<its name>.gif`` beside
    the file. Run ``dot`` in that folder, so that it finds them.

    Parameters
    ----------
    tree
        The tree.
    file_path
        The file.
    plotting_func
        Draws a sample: called as ``plotting_func(sample, axes)`` with matplotlib's axes.
    fps
        How many samples are shown in a second.

    Raises
    ------
    SinkError
        When a file cannot be written.
    StreamConfigError
        For a rate that is none, or what is no tree or no path.
    MissingExtraError
        When samples are to be drawn and matplotlib is not installed.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from headrace.plot import to_dotfile
    >>> from headrace.trees import SamplingTree
    >>> with TemporaryDirectory() as folder:
    ...     print(to_dotfile(SamplingTree([abs, "a"]), f"{folder}/tree.dot").read_text().splitlines()[-2])
        n0 -> n1;
    """
    rate("to_dotfile", fps)
    path, outline = _path("to_dotfile", file_path), Outline(tree, _DOT)
    pictures: dict[int, str] = {}
    if plotting_func is not None:
        for k, samples in held(outline).items():
            name = re.sub(r"[^\w. -]", "_", outline.boxes[k].name).strip(". ") or "buffer"
            if f"{name}.gif" in pictures.values():
                name = f"{name} {k}"
            _write("to_dotfile", path.parent / f"{name}.gif", _gif(pngs(plotting_func, samples, "to_dotfile"), fps))
            pictures[k] = f"{name}.gif"
    _write("to_dotfile", path, dot_text(outline, pictures).encode())
    return path


def _gif(pictures: list[bytes], fps: float) -> bytes:
    images = optional("PIL.Image", "plot", "to_dotfile")
    first, *more = [images.open(BytesIO(picture)).convert("RGB") for picture in pictures]
    file = BytesIO()
    first.save(file, format="GIF", save_all=True, append_images=more, duration=round(1000 / fps), loop=0)
    return file.getvalue()


@register("plot.to_mermaid", example=None, kind="view")
def to_mermaid(tree: SamplingTree, file_path: File | None = None, *, most: int | None = MOST) -> str:
    """Return a tree as the text of a mermaid flow chart, and write it to a file where one is named.

    Parameters
    ----------
    tree
        The tree.
    file_path
        A file.
    most
        How many boxes are drawn; what is cut says how much it is. None for all.

    Raises
    ------
    SinkError
        When the file cannot be written.
    StreamConfigError
        For a number that is none, or what is no tree or no path.

    Examples
    --------
    >>> from headrace.plot import to_mermaid
    >>> from headrace.trees import SamplingTree
    >>> print(to_mermaid(SamplingTree([abs, "a"])), end="")
    flowchart TD
        n0["abs"]
        n1(["a"])
        n0 --> n1
    """
    path = None if file_path is None else _path("to_mermaid", file_path)
    text = mermaid_text(Outline(tree, most))
    if path is not None:
        _write("to_mermaid", path, text.encode())
    return text


def _path(who: str, file_path: Any) -> Path:
    if not isinstance(file_path, str | PathLike) or not Path(file_path).name:
        raise StreamConfigError(
            f"{who}(file_path=) got {file_path!r}, wanted the path of a file.\n"
            "  headrace.plot.tree_svg(tree) draws without writing one."
        )
    return Path(file_path)


def _write(who: str, path: Path, data: bytes) -> None:
    with written_anew(path, who) as part:
        part.write_bytes(data)  # bytes: lines end alike on every system
