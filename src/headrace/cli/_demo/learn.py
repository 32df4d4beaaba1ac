"""Learn from a stream by ``partial_fit``, and from the same data held in memory, and score both on held-out data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np

from headrace.core.optional import optional

Arrays = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]
BATCH = 64


@dataclass
class Task:
    """A data set, its stream, and what may learn from it.

    Attributes
    ----------
    stream
        Of batches with the columns ``X``, ``y`` and ``archive``, seeded.
    train, held_out
        ``(X, y)``: all rows of all archives, and rows that are in none.
    make
        Returns a fresh learner, the same each time.
    batches
        How many batches of 64 to learn from.
    floor
        The least accuracy that shows that something was learned.
    """

    name: str
    stream: Any
    train: Arrays
    held_out: Arrays
    make: Callable[[], Any]
    batches: int
    floor: float


@dataclass
class Learnt:
    """What came of a task: accuracy after so many items, from the stream and from memory."""

    task: Task
    counts: Counter[str] = field(default_factory=Counter)
    fingerprint: str = ""
    curve: list[tuple[int, float]] = field(default_factory=list)
    plain: list[tuple[int, float]] = field(default_factory=list)

    @property
    def accuracy(self) -> float:
        """Of the stream's learner on held-out rows, at the end."""
        return self.curve[-1][1]

    @property
    def plain_accuracy(self) -> float:
        """Of the learner that had everything in memory."""
        return self.plain[-1][1]

    @property
    def error(self) -> float:
        """The standard error of an accuracy on this many held-out rows."""
        return sqrt(self.accuracy * (1 - self.accuracy) / len(self.task.held_out[1]))

    @property
    def chance(self) -> float:
        """The accuracy of always naming the most frequent class."""
        return float(np.unique(self.task.held_out[1], return_counts=True)[1].max() / len(self.task.held_out[1]))


def learn(task: Task) -> Learnt:
    """Run a task: once from its stream, once from memory."""
    found = Learnt(task)
    hashed = blake2b(digest_size=8)

    def drawn() -> Iterator[Arrays]:
        for batch in task.stream(max_iter=task.batches):
            for column in batch.values():
                hashed.update(np.ascontiguousarray(column).tobytes())
            found.counts.update(batch["archive"].tolist())
            yield batch["X"], batch["y"]

    found.curve = _fit(task, drawn(), "from the stream")
    found.fingerprint = hashed.hexdigest()
    found.plain = _fit(task, _shuffled(*task.train), "from memory")
    return found


def _fit(task: Task, batches: Iterator[Arrays], what: str) -> list[tuple[int, float]]:
    """Fit a fresh learner batch by batch; return (items seen, accuracy) along the way."""
    tqdm = optional("tqdm", "demo", "headrace demo").tqdm
    limits = optional("threadpoolctl", "demo", "headrace demo").threadpool_limits  # scikit-learn needs it itself
    learner, (X, y) = task.make(), task.held_out
    classes, X = np.unique(y), _rows(X)
    curve, every = [], max(1, task.batches // 40)
    tqdm.monitor_interval = 0  # no thread that outlives the bar
    # Products of small matrices: more threads take longer, and another order of sums on another machine.
    with limits(1), tqdm(total=task.batches, desc=f"     {task.name}, {what}", unit=" batches", disable=None) as bar:
        for k, (some, answers) in enumerate(batches, 1):
            learner.partial_fit(_rows(some), answers, classes=classes)
            if k % every == 0 or k == task.batches:
                curve.append((k * BATCH, float(learner.score(X, y))))
                bar.set_postfix(held_out=f"{curve[-1][1]:.3f}")
            bar.update()
            if k == task.batches:
                break
    return curve


def _rows(X: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return X.reshape(len(X), -1)


def _shuffled(X: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> Iterator[Arrays]:
    """Yield batches of everything, in a new order each lap, without end."""
    rng = np.random.default_rng(0)
    while True:
        order = rng.permutation(len(y))
        for at in range(0, len(order) - BATCH + 1, BATCH):
            yield X[order[at : at + BATCH]], y[order[at : at + BATCH]]


def held_out(folder: Path) -> Arrays:
    """Return what is in no archive."""
    with np.load(folder / "held-out.npz") as archive:
        return archive["X"], archive["y"]


def in_memory(folder: Path, label: Callable[[str], int]) -> Arrays:
    """Return all rows of all archives, the class of each told from the archive's name."""
    parts = {}
    for path in sorted(folder.glob("*-group*.npz")):
        with np.load(path) as archive:
            parts[path.stem] = archive["X"]
    answers = [np.full(len(part), label(name)) for name, part in parts.items()]
    return np.concatenate(list(parts.values())), np.concatenate(answers)


def digits_task(module: Any, seed: int) -> Task:
    """Return the task of the digits: a small network, which has to see images moved and noisy to be good."""
    network = optional("sklearn.neural_network", "demo", "headrace demo")
    return Task(
        "digits",
        module.stream.seeded(seed),
        in_memory(module.FOLDER, lambda name: int(name[len("digit")])),
        held_out(module.FOLDER),
        lambda: network.MLPClassifier((256,), learning_rate_init=3e-3, random_state=0),
        batches=600,
        floor=0.8,
    )


def cancer_task(module: Any, seed: int) -> Task:
    """Return the task of the tumours: a linear classifier of measurements in standard deviations."""
    linear = optional("sklearn.linear_model", "demo", "headrace demo")
    pipeline = optional("sklearn.preprocessing", "demo", "headrace demo")
    train = in_memory(module.FOLDER, lambda name: module.CLASSES.index(name.partition("-")[0]))
    scaler = pipeline.StandardScaler().fit(train[0])
    return Task(
        "breast cancer",
        module.stream().seeded(seed),
        train,
        held_out(module.FOLDER),
        lambda: _Scaled(scaler, linear.SGDClassifier(loss="log_loss", alpha=1e-2, random_state=0)),
        batches=100,
        floor=0.88,
    )


class _Scaled:
    """A learner behind a scaler that was fitted before."""

    def __init__(self, scaler: Any, learner: Any) -> None:
        self.scaler, self.learner = scaler, learner

    def partial_fit(self, X: Any, y: Any, classes: Any) -> None:
        self.learner.partial_fit(self.scaler.transform(X), y, classes=classes)

    def score(self, X: Any, y: Any) -> float:
        return float(self.learner.score(self.scaler.transform(X), y))
