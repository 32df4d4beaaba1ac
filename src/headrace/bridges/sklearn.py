"""scikit-learn: feed a stream to what learns with ``partial_fit``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from inspect import signature
from itertools import islice
from math import inf
from typing import Any

from headrace.bridges.laps import lap_key
from headrace.core.coerce import as_stream
from headrace.core.cursor import Cursor
from headrace.core.key import Key
from headrace.core.notes import warn
from headrace.core.stream import Stream
from headrace.errors import DataError, StreamConfigError
from headrace.ops.batch import batch as batched
from headrace.ops.progress import bar_class
from headrace.ops.select import count_of

__all__ = ["Fitting", "partial_fit"]
_WHO = "bridges.sklearn.partial_fit"


def partial_fit(
    model: Any,
    stream: Any,
    *,
    inputs: str = "X",
    outputs: str | None = "Y",
    weights: str | None = None,
    classes: Any = None,
    batch_size: int | None = None,
    epochs: int = 1,
    steps: int | None = None,
    progress: bool = False,
    at: dict[str, Any] | None = None,
) -> Any:
    """Feed batches of a stream to ``model.partial_fit`` and return the model.

    Parameters
    ----------
    model
        An estimator with ``partial_fit``: ``SGDClassifier``, ``MiniBatchKMeans``, ``IncrementalPCA``, ...
    stream
        Dicts of columns, as ``hr.batch`` makes them; or of single samples, with ``batch_size``.
    inputs, outputs, weights
        The fields of samples, shape (rows, features), of targets, shape (rows,), and of sample weights. ``outputs=None``
        for what learns without targets.
    classes
        All labels there are, for a classifier, which has to know them with its first batch.
    batch_size
        How many items of a stream of single samples make a batch.
    epochs
        How many passes over the stream; each has random numbers of its own.
    steps
        Stop after so many batches.
    progress
        Whether to show a bar on stderr.
    at
        A state of a :class:`Fitting` to go on from, with a model as it was then.

    Returns
    -------
    model
        The estimator that was given.

    Raises
    ------
    StreamConfigError
        When the model has no ``partial_fit``, a classifier lacks its classes, or the stream has no end and ``steps`` is
        not given; before anything is drawn.
    DataError
        When items lack a field, or are no batches.

    Examples
    --------
    >>> import headrace as hr, numpy as np, pytest
    >>> linear_model = pytest.importorskip("sklearn.linear_model")
    >>> X = np.random.default_rng(0).normal(size=(500, 3))
    >>> stream = (hr.source({"X": X, "y": (X[:, 0] > 0).astype(int)}) | hr.permute() | hr.batch(50)).seeded(7)
    >>> model = partial_fit(linear_model.SGDClassifier(random_state=0), stream, outputs="y", classes=[0, 1], epochs=3)
    >>> bool(model.score(X, X[:, 0] > 0) > 0.9)
    True
    """
    fitting = Fitting(
        model,
        stream,
        inputs=inputs,
        outputs=outputs,
        weights=weights,
        classes=classes,
        batch_size=batch_size,
        epochs=epochs,
        at=at,
    )
    limit = None if steps is None else count_of(f"{_WHO}(steps)", steps, least=0)
    if limit is None and fitting.stream.size == inf:
        raise StreamConfigError(f"{_WHO} got {fitting.stream!r}, which has no end, wanted steps=.")
    with fitting, _bar(fitting, limit) if progress else nullcontext() as bar:
        for _ in islice(fitting, limit):
            if bar is not None:
                bar.update()
    return model


class Fitting:
    """A training by ``partial_fit``, batch by batch, that can be left and gone on with.

    Parameters are those of :func:`partial_fit`. Iterating does a step and gives its number; ``for`` goes on where the
    training is. What is saved is the pair of the model and :meth:`state`.

    Attributes
    ----------
    step, epoch : int
        How many batches the model has learned from, and the number of the pass under way.

    Examples
    --------
    >>> import headrace as hr, numpy as np, pytest
    >>> cluster = pytest.importorskip("sklearn.cluster")
    >>> X = np.random.default_rng(0).normal(size=(200, 2))
    >>> stream = (hr.source({"X": X}) | hr.permute() | hr.batch(20)).seeded(7)
    >>> model = cluster.MiniBatchKMeans(3, random_state=0, n_init=1)
    >>> fitting = Fitting(model, stream, outputs=None, epochs=2)
    >>> for step in fitting:
    ...     if step == 5:
    ...         break
    >>> saved = fitting.state()  # save it with the model
    >>> len(list(Fitting(model, stream, outputs=None, epochs=2, at=saved)))
    15
    """

    model: Any
    stream: Stream[Any]
    inputs: str
    outputs: str | None
    weights: str | None
    classes: Any
    epochs: int
    step: int
    epoch: int

    def __init__(
        self,
        model: Any,
        stream: Any,
        *,
        inputs: str = "X",
        outputs: str | None = "Y",
        weights: str | None = None,
        classes: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        at: dict[str, Any] | None = None,
    ) -> None:
        if not hasattr(model, "partial_fit"):
            raise StreamConfigError(
                f"{_WHO} got {model!r}, which has no partial_fit, wanted an estimator that learns from batches.\n"
                "  In a Pipeline fit the steps before the last in advance, and put them into the stream with hr.map."
            )
        takes = signature(model.partial_fit).parameters
        if "classes" in takes and classes is None and outputs is not None and not hasattr(model, "classes_"):
            raise StreamConfigError(
                f"{_WHO} got a {type(model).__name__} without classes=, wanted all labels there are: a classifier has to "
                "know them with its first batch."
            )
        for ours, theirs, value in (("classes", "classes", classes), ("weights", "sample_weight", weights)):
            if value is not None and theirs not in takes:
                raise StreamConfigError(
                    f"{_WHO} got {ours}={value!r}, and partial_fit of {type(model).__name__} takes no {theirs}."
                )
        found = as_stream(stream)
        self.stream = found if batch_size is None else found | batched(batch_size)
        self.model, self.classes = model, classes
        self.inputs, self.outputs, self.weights = inputs, outputs, weights
        self.epochs = count_of(f"{_WHO}(epochs)", epochs, least=0)
        self.step, self.epoch = 0, 0
        self._key = Key.fresh() if self.stream.seed is None else Key(self.stream.seed)
        self._cursor: Cursor[Any] | None = None
        if at is not None:
            self.step, self.epoch, self._key = at["step"], at["epoch"], Key.from_plain(at["key"])
            self._cursor = self.stream.open(at=at["stream"])

    def __iter__(self) -> Iterator[int]:
        while self.epoch < self.epochs:
            if self._cursor is None:
                self._cursor = self.stream.open(lap_key(self._key, self.epoch))
            for batch in self._cursor:
                try:
                    learned = self._learn(batch)
                except BaseException:  # it is to be learned yet
                    self._cursor.give_back([batch])
                    raise
                if learned:
                    self.step += 1
                    yield self.step
            self.close()
            self.epoch += 1

    def _learn(self, batch: Any) -> bool:
        """Give a batch to the model; return whether it could take it."""
        wanted = {"X": self.inputs, "y": self.outputs, "sample_weight": self.weights}
        names = {argument: name for argument, name in wanted.items() if name is not None}
        if not isinstance(batch, Mapping) or not set(names.values()) <= set(batch):
            had = list(batch) if isinstance(batch, Mapping) else f"a {type(batch).__name__}"
            raise DataError(f"{_WHO} got {had}, wanted a dict with the fields {list(names.values())}.")
        columns = {argument: batch[name] for argument, name in names.items()}
        samples = columns.pop("X")
        if getattr(samples, "ndim", 2) < 2:
            raise DataError(
                f"{_WHO} got field {self.inputs!r} of shape {samples.shape}, wanted (rows, features).\n"
                "  Batch the stream, or pass batch_size=."
            )
        targets = (columns.pop("y"),) if self.outputs is not None else ()
        if self.classes is not None and self.step == 0:
            columns["classes"] = self.classes
        try:
            self.model.partial_fit(samples, *targets, **columns)
        except ValueError as error:
            if not hasattr(self.model, "components_") or len(samples) >= (self.model.n_components or 0):
                raise
            warn(  # IncrementalPCA before scikit-learn 1.6 wants n_components rows of every batch, of the last as well
                f"{_WHO} left out a batch of {len(samples)} rows, too few for n_components={self.model.n_components}: {error}\n"
                "  Choose another batch size, or hr.batch(n, partial=False)."
            )
            return False
        return True

    def state(self) -> dict[str, Any]:
        """Return where the training stands: plain data.

        Raises
        ------
        ResumeError
            When the stream cannot resume.
        """
        if self._cursor is not None:
            place = self._cursor.state()
        else:
            with self.stream.open(lap_key(self._key, self.epoch)) as cursor:
                place = cursor.state()
        return {"step": self.step, "epoch": self.epoch, "key": self._key.plain(), "stream": place}

    def close(self) -> None:
        """Close the pass under way. Twice is fine."""
        if self._cursor is not None:
            self._cursor.close()
            self._cursor = None

    def __enter__(self) -> Fitting:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _bar(fitting: Fitting, limit: int | None) -> Any:
    """Return a bar of steps on stderr; its ``with`` block closes it."""
    size = fitting.stream.size
    whole = None if size is None or size == inf else int(size) * fitting.epochs - fitting.step
    known = [n for n in (whole, limit) if n is not None]
    return bar_class()(total=min(known) if known else None, unit=" batches")
