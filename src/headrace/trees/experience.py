"""A tree as tasks one after another: what continual learning is given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from headrace.core.checks import integer, whole_number
from headrace.core.items import stack
from headrace.core.key import Key
from headrace.core.stream import Stream
from headrace.errors import DataError, StreamConfigError
from headrace.ops import concat, permute, skip, take
from headrace.trees.build import BranchingNode
from headrace.trees.lending import lent
from headrace.trees.node import Node
from headrace.trees.parameter import Parameter
from headrace.trees.plan import Plan
from headrace.trees.recipe import Tree
from headrace.trees.sequence import Listed

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


class Experiences(Sequence[Experience]):
    """Tasks one after another, each made when looked at, of the tree as it was when they were asked for.

    Parameters
    ----------
    tree
        The tree: the first task begins at its sample and its step.
    n
        How many tasks, one update apart.
    size, test
        How many samples to learn from and to test on in each.

    Raises
    ------
    StreamConfigError
        For numbers that are none.
    ParameterOutOfRangeError
        When a list of values ends before the last task, and its strategy says so; for a schedule whose length is not
        known, when that task is looked at.

    Examples
    --------
    >>> from headrace.trees import SamplingTree
    >>> tree = SamplingTree([lambda _, x: x, "a"], {"x": {"schedule": lambda step: 10 * step}})
    >>> tasks = tree.experiences(10**9, size=100)
    >>> len(tasks), next(iter(tasks[123].train))
    (1000000000, (1230, 'a'))
    """

    def __init__(self, tree: SamplingTree, n: Any, size: Any, test: Any = 0) -> None:
        self.n: int = whole_number("experiences", n, 1, name="n", things="tasks")
        self.size: int = whole_number("experiences", size, 1, name="size", things="samples")
        self.test: int = whole_number("experiences", test, 0, name="test", things="samples")
        for parameter in tree.parameters():
            if isinstance(parameter.row, Listed):
                parameter.foresee(parameter.step + self.n - 1)
        self.first: int = tree.position
        moment = tree.moment()
        self.recipe: Tree = moment.recipe
        # Copies, for what moves later is the tree's; what a schedule has given is kept once for both.
        copies: dict[int, Parameter] = {}
        self.moving: list[dict[str, Parameter]] = [
            {name: copies.setdefault(id(parameter), copy(parameter)) for name, parameter in _read_by(node)}
            for node in moment.nodes
        ]

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, k: Any) -> Any:
        if isinstance(k, slice):
            return [self._made(i) for i in range(*k.indices(self.n))]
        number = integer(k)
        if not -self.n <= number < self.n:
            raise IndexError(f"experiences[k] got {number}, wanted the number of one of {self.n} tasks, from 0 on.")
        return self._made(number % self.n)

    def _made(self, k: int) -> Experience:
        recipe = self._ahead(k)
        first = self.first + k * self.size
        train = recipe | skip(first) | take(self.size)
        return Experience(k, recipe.step, train, _tests(recipe, first, self.size, self.test))

    def _ahead(self, steps: int) -> Tree:
        """Return the recipe after some updates, which are not made."""
        if steps == 0:  # with values that were set by hand
            return self.recipe
        entries = []
        for entry, moving in zip(self.recipe.plan, self.moving, strict=True):
            values = {name: lent(parameter.value_at(parameter.step + steps)) for name, parameter in moving.items()}
            if "of" in entry:
                entry = entry if entry["probs"] is None else {**entry, **values}
            elif "values" in entry:
                entry = {**entry, "values": values}
            entries.append(entry)
        ahead: Tree = self.recipe.with_(plan=Plan(entries), step=self.recipe.step + steps)
        return ahead

    def __repr__(self) -> str:
        return f"<{self.n} experiences of {self.recipe!r}, {self.size} samples each>"


def _read_by(node: Node) -> list[tuple[str, Parameter]]:
    """Return the parameters of a node by the names that its entry in a plan has for them."""
    if isinstance(node, BranchingNode):
        return [] if node.probs is None else [("probs", node.probs)]
    return [] if node.params is None else list(node.params.named())


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


def task_arrays(
    experiences: Iterable[Experience], part: str = "train"
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
        For another part, or what are no tasks.

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
    if hasattr(experiences, "__recipe__") or not isinstance(experiences, Iterable):
        raise _no_tasks(experiences)
    for experience in experiences:
        if not isinstance(experience, Experience):
            raise _no_tasks(experience)
        drawn = list(getattr(experience, part))
        items += drawn
        tasks += [experience.number] * len(drawn)
    columns = stack(items, who="task_arrays") if items else (np.empty(0), np.empty(0))
    if not isinstance(columns, tuple) or len(columns) != 2:
        raise DataError(
            "task_arrays got samples that are no pairs, wanted (value, label).\n  Put a label at the end of each way."
        )
    return columns[0], columns[1], np.array(tasks, np.int64)


def _no_tasks(got: Any) -> StreamConfigError:
    return StreamConfigError(
        f"task_arrays(experiences) got {got!r}, wanted tasks.\n  Write task_arrays(tree.experiences(n, size))."
    )
