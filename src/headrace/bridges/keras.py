"""Keras: streams of batches as what ``model.fit`` takes."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping
from functools import cache
from threading import Lock
from typing import Any

import numpy as np

from headrace.bridges.laps import Lap, lap_number, numbered
from headrace.bridges.sent import recipe_bytes
from headrace.core.coerce import as_stream
from headrace.core.columns import each_leaf
from headrace.core.indexed import Indexed
from headrace.core.optional import optional
from headrace.core.stream import Stream
from headrace.errors import DataError, StreamConfigError
from headrace.ops.map import map as map_items

__all__ = ["BatchDataset", "dataset", "generator"]
_WHO = "bridges.keras.dataset"


def dataset(stream: Any, inputs: Any = None, outputs: Any = None, weights: str | None = None, **options: Any) -> Any:
    """Return a ``keras.utils.PyDataset`` of a stream of batches whose items have numbers.

    Parameters
    ----------
    stream
        A stream of known size of dicts of columns: ``source | hr.batch(32)``. It needs a seed when it draws.
    inputs, outputs
        The name of a field, or a list of names for a model of several inputs. With neither, items are passed as they
        are: tuples ``(x,)``, ``(x, y)`` or ``(x, y, weights)``.
    weights
        The name of the field of sample weights.
    **options
        Those of ``keras.utils.PyDataset``: ``workers``, ``use_multiprocessing``, ``max_queue_size``.

    Returns
    -------
    BatchDataset
        After every epoch its batches have the random numbers of the next: another order, where the stream permutes.
        ``set_epoch(e)`` chooses one, to go on with a training.

    Raises
    ------
    AddressError
        When items of the stream have no numbers: :func:`generator` takes such a stream.
    StreamConfigError
        When it has no end, draws without a seed, or names are none.
    MissingExtraError
        When Keras is not installed.

    Examples
    --------
    >>> import headrace as hr, numpy as np
    >>> stream = hr.source({"X": np.eye(6), "y": np.arange(6)}) | hr.batch(4)
    >>> batches = dataset(stream, "X", "y")  # doctest: +SKIP
    >>> model.fit(batches, epochs=3)  # doctest: +SKIP
    """
    return BatchDataset.made(numbered(_picked(stream, inputs, outputs, weights, _WHO), _WHO), options)


def generator(stream: Any, inputs: Any = None, outputs: Any = None, weights: str | None = None) -> Iterator[Any]:
    """Return a generator of what :func:`dataset` gives, lap after lap without end, of any stream of batches.

    ``model.fit`` then needs ``steps_per_epoch``. Every lap has random numbers of its own, as those of ``stream.cycle()``.

    Raises
    ------
    StreamConfigError
        When names are none.

    Examples
    --------
    >>> import headrace as hr, numpy as np
    >>> rows = hr.RoundRobinMux([hr.source({"X": np.eye(3), "y": np.arange(3)}) | hr.shuffle(2)])
    >>> x, y = next(generator(rows | hr.batch(2), "X", "y"))
    >>> x.shape, y.shape
    ((2, 3), (2,))
    """
    return _picked(stream, inputs, outputs, weights, "bridges.keras.generator").cycle()


def _picked(stream: Any, inputs: Any, outputs: Any, weights: Any, who: str) -> Stream[Any]:
    found = as_stream(stream)
    if inputs is None and outputs is None and weights is None:
        return found | map_items(_own)
    for name, wanted in (("inputs", inputs), ("outputs", outputs)):
        names = [wanted] if isinstance(wanted, str) else wanted
        if wanted is None and name == "outputs":
            continue
        if not isinstance(names, list | tuple) or not names or not all(isinstance(one, str) for one in names):
            raise StreamConfigError(f"{who}({name}=) got {wanted!r}, wanted the name of a field or a list of names.")
    if weights is not None and (not isinstance(weights, str) or outputs is None):
        raise StreamConfigError(
            f"{who}(weights=) got {weights!r} beside outputs={outputs!r}, wanted the name of a field, and outputs."
        )
    keys = [inputs, *([outputs] if outputs is not None else []), *([weights] if weights is not None else [])]
    return found | map_items(_Pick(tuple(tuple(key) if isinstance(key, list) else key for key in keys), who))


class _Pick:
    """Gives the fields of a batch as the tuple that Keras takes."""

    def __init__(self, keys: tuple[Any, ...], who: str) -> None:
        self.keys, self.who = keys, who

    def __call__(self, batch: Any) -> tuple[Any, ...]:
        if not isinstance(batch, Mapping):
            raise DataError(
                f"{self.who} got a {type(batch).__name__}, wanted a dict of columns.\n"
                "  Leave inputs and outputs out where items are tuples (x, y) already."
            )
        flat = [name for key in self.keys for name in ([key] if isinstance(key, str) else key)]
        missing = [name for name in flat if name not in batch]
        if missing:
            raise DataError(f"{self.who} got a batch without {missing}; its fields are {list(batch)}.")
        return tuple(
            _own(batch[key]) if isinstance(key, str) else [_own(batch[name]) for name in key] for key in self.keys
        )


def _own(batch: Any) -> Any:
    """Return columns that may be written to: Keras hands them to PyTorch, which wants that."""
    return each_leaf(_writable, batch)


def _writable(leaf: Any) -> Any:
    return leaf.copy() if isinstance(leaf, np.ndarray) and not leaf.flags.writeable else leaf


class BatchDataset:
    """What :func:`headrace.bridges.keras.dataset` returns, which is a ``keras.utils.PyDataset`` as well."""

    stream: Indexed[Any]
    options: dict[str, Any]

    def __init__(self, stream: Indexed[Any], options: dict[str, Any], epoch: int = 0) -> None:
        super().__init__(**options)
        self.stream, self.options = stream, options
        self._lock = Lock()
        self.set_epoch(epoch)

    @classmethod
    def made(cls, stream: Indexed[Any], options: dict[str, Any]) -> Any:
        """Return a new dataset, at epoch 0."""
        kind: Any = cls
        return _py_dataset(kind)(stream, options)

    def __len__(self) -> int:
        return int(self.stream.extent())

    def __getitem__(self, index: int) -> Any:
        with self._lock:
            self._asked += 1
        return self._lap[index]

    @property
    def epoch(self) -> int:
        """The number of the epoch that batches are of."""
        return self._epoch

    def set_epoch(self, epoch: int) -> None:
        """Give batches the random numbers of another epoch from now on."""
        self._epoch = lap_number("set_epoch(epoch)", epoch)
        self._lap: Indexed[Any] = Lap(self.stream, self._epoch) if self._epoch else self.stream
        self._asked = 0

    def on_epoch_end(self) -> None:
        """Go on to the next epoch; Keras calls it, more often than at the ends of passes over all batches.

        With ``steps_per_epoch`` several of its epochs make one pass, and before the first it looks at a batch. So ours
        ends when all batches have been asked for. Where other processes ask, that is not known here.
        """
        if self._asked >= len(self) or self.options.get("use_multiprocessing"):
            self.set_epoch(self._epoch + 1)

    def __reduce__(self) -> Any:
        return _again, (type(self).__mro__[1], recipe_bytes(self.stream), self.options, self._epoch)


def _again(kind: Any, recipe: bytes, options: dict[str, Any], epoch: int) -> Any:
    return _py_dataset(kind)(pickle.loads(recipe), options, epoch)


@cache
def _py_dataset(kind: Any) -> Any:
    base = optional("keras.utils", "keras", _WHO).PyDataset
    return type(kind.__name__, (kind, base), {"__module__": kind.__module__, "__doc__": kind.__doc__})
