"""A tree as tasks one after another: what continual learning is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from headrace.core.items import stack
from headrace.core.key import Key
from headrace.core.stream import Stream
from headrace.errors import DataError, StreamConfigError
from headrace.ops import concat, permute, skip, take
from headrace.trees.recipe import Tree
from headrace.trees.schedule import whole_number

if TYPE_CHECKING:
    from headrace.trees.tree import SamplingTree


class Experience(NamedTuple):
    """One task: samples to learn from and samples to test on, as streams whose items have numbers.

    Attributes
    ----------
    number : int
        Which task it is, from 0.
    step : int
        The step of the tree's parameters.
    train, test : Stream
        The samples.

    Examples
    --------
    >>> from headrace.trees import SamplingTree
    >>> tree = SamplingTree([lambda _, x, *, rng: x + rng.random(), "a"], {"x": {"schedule": [0, 10]}})
    >>> [(task.step, round(next(iter(task.train))[0], -1)) for task in tree.experiences(2, size=100)]
    [(0, 0.0), (1, 10.0)]
    """

    number: int
    step: int
    train: Stream[Any]
    test: Stream[Any]


def experiences_of(tree: SamplingTree, n: int, size: int, test: int = 0) -> list[Experience]:
    """Return ``n`` tasks, one update apart, from the step and the sample on where the tree is.

    Raises
    ------
    StreamConfigError
        For numbers that are none.
    """
    n, size = whole_number("experiences", "n", n, 1, "tasks"), whole_number("experiences", "size", size, 1)
    test = whole_number("experiences", "test", test, 0)
    made = []
    for k in range(n):
        recipe = _recipe_ahead(tree, k)
        first = tree.position + k * size
        train = recipe | skip(first) | take(size)
        made.append(Experience(k, recipe.step, train, _tests(recipe, first, size, test)))
    return made


def _tests(recipe: Tree, first: int, size: int, test: int) -> Stream[Any]:
    """Return other samples of the same task: drawn at the numbers of its training samples, with other random numbers.

    So they are of the same distributions, also where parameters move with the sample's number. A part of a task is
    chosen at random, and more than a task's size are several rounds of it.
    """
    rounds = []
    for lap in range(max(1, -(-test // size))):
        seed = int.from_bytes(Key(recipe.seed or 0).child("test", lap).bits, "little")
        whole: Stream[Any] = recipe.seeded(seed) | skip(first) | take(size)
        left = test - lap * size
        if left < size and recipe.access == "index":  # one whose samples have no numbers begins at the first
            whole = whole | permute(seed=seed)
        rounds.append(whole if left >= size else whole | take(left))
    return rounds[0] if len(rounds) == 1 else concat(*rounds)


def _recipe_ahead(tree: SamplingTree, steps: int) -> Tree:
    """Return the recipe after some updates, which are not made."""
    if steps == 0:
        return tree.__recipe__()
    parameters = tree._parameters()
    ahead = [parameter.value_at(parameter.step + steps) for parameter in parameters]
    return tree.with_values(dict(zip(map(id, parameters), ahead, strict=True)), tree.step + steps)


def task_arrays(
    experiences: list[Experience], part: str = "train"
) -> tuple[Any, Any, np.ndarray[Any, np.dtype[np.int64]]]:
    """Return samples, labels and task numbers of tasks in a row: what continuum's ``InMemoryDataset`` and avalanche take.

    Parameters
    ----------
    experiences
        What :meth:`SamplingTree.experiences` returned.
    part
        ``"train"`` or ``"test"``.

    Returns
    -------
    x, y : arrays
        Shapes (samples, ...) and (samples,).
    tasks : array of int64
        Shape (samples,).

    Raises
    ------
    DataError
        When samples are no pairs of a value and a label.
    StreamConfigError
        For another part.

    Examples
    --------
    >>> from headrace.trees import SamplingTree, task_arrays
    >>> tree = SamplingTree([lambda _, offset: offset, {"a": "a", "b": "b"}], {"offset": {"schedule": [0, 10]}})
    >>> x, y, t = task_arrays(tree.experiences(2, 3))
    >>> x.tolist(), t.tolist()
    ([0, 0, 0, 10, 10, 10], [0, 0, 0, 1, 1, 1])
    """
    if part not in ("train", "test"):
        raise StreamConfigError(
            f"task_arrays(part=) got {part!r}, wanted 'train' or 'test'.\n  A task has no other samples."
        )
    items, tasks = [], []
    for experience in experiences:
        drawn = list(getattr(experience, part))
        items += drawn
        tasks += [experience.number] * len(drawn)
    columns = stack(items, who="task_arrays") if items else (np.empty(0), np.empty(0))
    if not isinstance(columns, tuple) or len(columns) != 2:
        raise DataError(
            "task_arrays got samples that are no pairs, wanted (value, label).\n  Put a label at the end of each way."
        )
    return columns[0], columns[1], np.array(tasks, np.int64)
