"""Which samples a drawing shows: what buffers hold, and new ones at the end of each way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.plot.outline import Outline
from headrace.trees.nodes import SampleBufferNode
from headrace.trees.paths import Way, Ways, along
from headrace.trees.recipe import Tree

if TYPE_CHECKING:
    from headrace.trees.tree import SamplingTree

_MOST = 24  # of the samples of a buffer: who would wait for more to go by


def held(outline: Outline) -> dict[int, list[Any]]:
    """Return what each buffer holds, the last of it, by the id of its box; nothing for those that are empty."""
    return {
        box.id: list(box.node.samples)[-_MOST:]
        for box in outline.boxes
        if isinstance(box.node, SampleBufferNode) and box.node.samples
    }


def drawn_at_ends(tree: SamplingTree, outline: Outline, samples: int) -> dict[int, list[Any]]:
    """Return samples of each end that is drawn, by the id of its box: of different ways where several lead there.

    They are those that these ways give from the tree's position on. The tree does not move; where it cannot be replayed,
    its functions draw from their own generator.
    """
    ways = Ways(outline.plan)
    reaching = ways.reaching()
    preceding: dict[int, list[tuple[int, int]]] = {}
    for k in sorted(ways.counts):
        for branch, following in ways.behind(k):
            preceding.setdefault(following, []).append((k, branch))
    leading = {k: reaching[k] // max(1, ways.counts[k]) for k in ways.counts}
    found: dict[int, list[Any]] = {}
    for box in outline.boxes:
        if not box.end or box.entry is None:
            continue
        n = leading[box.entry]
        chosen: dict[int, list[int]] = {}  # sample numbers by way
        for f in range(samples):
            chosen.setdefault(f * n // samples, []).append(tree.position + f)
        drawn: dict[int, Any] = {}
        for number, at in chosen.items():
            way = _way_to(box.entry, number, preceding, leading)
            part: Tree = Tree(along(outline.plan, way), tree.step).seeded(tree.seed)
            drawn |= dict(zip(at, items_of(part, at[0], len(at)), strict=True))
        found[box.id] = [drawn[i] for i in sorted(drawn)]
    return found


def _way_to(entry: int, number: int, preceding: dict[int, list[tuple[int, int]]], leading: dict[int, int]) -> Way:
    """Return one of the ways from the root to an entry, by its number."""
    entries, choices = [entry], []
    while entries[-1] != 0:
        before = iter(preceding[entries[-1]])
        k, branch = next(before)
        while number >= leading[k]:
            number -= leading[k]
            k, branch = next(before)
        if branch >= 0:
            choices.append((k, branch))
        entries.append(k)
    return Way(tuple(reversed(entries)), tuple(reversed(choices)))


def items_of(recipe: Tree, first: int, n: int) -> list[Any]:
    """Return ``n`` samples from one on, in one pass: what makes many at once does so once; or any, without replay."""
    with recipe.open() if recipe.hidden() else recipe.open(at=first) as cursor:
        return list(cursor.take(n))
