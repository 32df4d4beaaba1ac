"""Tasks as the libraries of continual learning take them."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np

from headrace.errors import DataError, MissingExtraError, StreamConfigError
from headrace.trees.experience import Experience, task_arrays

Whole = np.ndarray[Any, np.dtype[np.int64]]


def to_continuum(experiences: Sequence[Experience], part: str = "train", classes: Sequence[Any] | None = None) -> Any:
    """Return a ``continuum.ContinualScenario`` of tasks: a task set for each.

    Parameters
    ----------
    experiences
        What :meth:`SamplingTree.experiences` returned, or some of it; tasks are numbered from 0 in that order.
    part
        ``"train"`` or ``"test"``.
    classes
        Labels in the order of their numbers; by default integers stay, and others are sorted.

    Raises
    ------
    MissingExtraError
        When continuum is not installed.
    StreamConfigError
        For another part, or one without samples.
    DataError
        When samples are no pairs, or a label is none of ``classes``.

    Examples
    --------
    >>> from headrace.trees import SamplingTree, to_continuum
    >>> tree = SamplingTree([lambda _, *, rng: rng.normal(size=3), {"a": "a", "b": "b"}])
    >>> scenario = to_continuum(tree.experiences(5, 100))  # doctest: +SKIP
    >>> [len(task) for task in scenario]  # doctest: +SKIP
    [100, 100, 100, 100, 100]
    """
    continuum = _package("continuum", "to_continuum")
    datasets, tasks = import_module("continuum.datasets"), import_module("continuum.tasks")
    x, y, t = task_arrays(experiences, part)
    if not len(t):
        raise _empty("to_continuum", part)
    t = np.unique(t, return_inverse=True)[1]  # continuum takes tasks 0, 1, 2, ... alone, and some may be a part of them
    numbers = label_numbers(y, class_names(y) if classes is None else classes, "to_continuum")
    data = datasets.InMemoryDataset(x, numbers, t, data_type=tasks.TaskType.TENSOR, train=part == "train")
    return continuum.ContinualScenario(data)


def to_avalanche(
    experiences: Sequence[Experience], classes: Sequence[Any] | None = None, *, task_labels: Sequence[int] | None = None
) -> Any:
    """Return an avalanche benchmark of tasks, with a ``train_stream`` and a ``test_stream``.

    Parameters
    ----------
    experiences
        What :meth:`SamplingTree.experiences` returned, with ``test`` above 0.
    classes
        Labels in the order of their numbers; by default integers stay, and others are sorted.
    task_labels
        A number for each task: by default its own. All 0 for a learner that is not told the task.

    Raises
    ------
    MissingExtraError
        When avalanche is not installed.
    StreamConfigError
        Without test samples, or for another count of task labels.
    DataError
        When samples are no pairs, or a label is none of ``classes``.

    Examples
    --------
    >>> from headrace.trees import SamplingTree, to_avalanche
    >>> tree = SamplingTree([lambda _, *, rng: rng.normal(size=3), {"a": "a", "b": "b"}])
    >>> benchmark = to_avalanche(tree.experiences(5, 100, test=20))  # doctest: +SKIP
    >>> len(benchmark.train_stream), len(benchmark.test_stream)  # doctest: +SKIP
    (5, 5)
    """
    benchmarks, torch = _package("avalanche.benchmarks", "to_avalanche"), _package("torch", "to_avalanche")
    labels = [task.number for task in experiences] if task_labels is None else list(task_labels)
    if len(labels) != len(experiences):
        raise StreamConfigError(
            f"to_avalanche(task_labels=) got {len(labels)} for {len(experiences)} tasks, wanted a number for each.\n"
            "  Leave it out for their own, or write [0] * len(experiences) for a learner that is not told the task."
        )
    drawn = {part: task_arrays(experiences, part) for part in ("train", "test")}
    if not len(drawn["test"][0]):
        raise _empty("to_avalanche", "test")
    names = class_names(np.concatenate([y for _, y, _ in drawn.values()])) if classes is None else classes
    tensors = {}
    for part, (x, y, t) in drawn.items():
        numbers = label_numbers(y, names, "to_avalanche")
        own = [np.flatnonzero(t == task.number) for task in experiences]
        tensors[part] = [(torch.as_tensor(x[rows]), torch.as_tensor(numbers[rows])) for rows in own]
    return benchmarks.tensors_benchmark(tensors["train"], tensors["test"], task_labels=labels)


def class_names(y: Any) -> Sequence[Any] | None:
    """Return the classes among labels, sorted; None where labels are integers already."""
    return None if np.asarray(y).dtype.kind in "iu" else np.unique(y).tolist()


def label_numbers(y: Any, classes: Sequence[Any] | None, who: str = "label_numbers") -> Whole:
    """Return the number of each label, an int64 array of shape (n,).

    Raises
    ------
    DataError
        When a label is none of the classes.

    Examples
    --------
    >>> label_numbers(["b", "a", "b"], ["a", "b"]).tolist()
    [1, 0, 1]
    """
    if classes is None:
        return np.asarray(y, np.int64)
    place = {name: k for k, name in enumerate(classes)}
    try:
        return np.array([place[label] for label in np.asarray(y).tolist()], np.int64)
    except (KeyError, TypeError) as error:
        raise DataError(
            f"{who} got the label {error}, wanted one of the classes {list(classes)}.\n"
            "  Name every label of the tree in classes=, or leave it out to have them sorted."
        ) from None


def _empty(who: str, part: str) -> StreamConfigError:
    more = ", test=..." if part == "test" else ""
    return StreamConfigError(
        f"{who} got tasks without {part} samples, wanted some.\n  Write experiences(n, size{more})."
    )


def _package(name: str, who: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        known = name.partition(".")[0]
        if error.name is not None and error.name.partition(".")[0] != known:
            raise  # it is there, and lacks something of its own
        shop = {"avalanche": "avalanche-lib"}.get(known, known)
        raise MissingExtraError(
            f"{who} needs the package {known}, which is not installed.\n  Install it with: pip install {shop}"
        ) from None
