"""Hugging Face: streams as datasets. The other way round, ``hr.source(dataset)`` and ``hr.as_stream(iterable_dataset)``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from math import inf
from typing import Any

from headrace.bridges.features import features_of
from headrace.bridges.laps import numbered
from headrace.core.coerce import as_stream
from headrace.core.indexed import Indexed, unseeded
from headrace.core.key import Key
from headrace.core.optional import optional
from headrace.core.stream import Stream
from headrace.errors import DataError
from headrace.ops.select import count_of

__all__ = ["dataset", "map_dataset"]
PARTS = 64  # of a stream of known size: a power of two, for ranks and workers to share


def dataset(stream: Any, *, shards: int | None = None, features: Any = None) -> Any:
    """Return a ``datasets.IterableDataset`` of a stream of dicts.

    It shuffles, shards, is split by node and among the workers of a DataLoader as any of its kind, and no item comes
    twice. Its ``state_dict`` works; what a shard gave before the state is made again.

    Parameters
    ----------
    stream
        Anything that makes dicts.
    shards
        Into how many parts it can be divided. Where items have numbers and the size is known, parts are runs of
        neighbours, so that one process has the items in their order: by default 64 of them, or as many as there are
        items. Else parts are those of ``stream.shard(i, n)``, by default one.
    features
        ``datasets.Features`` of an item. By default those that the stream's spec tells, where it is known; else Hugging
        Face takes items as they are.

    Returns
    -------
    datasets.IterableDataset
        Every pass of a seeded stream repeats. A stream without a seed draws one key here.

    Raises
    ------
    StreamConfigError
        When the stream cannot be divided in so many parts.
    DataError
        While running, when an item is no dict.
    MissingExtraError
        When ``datasets`` is not installed.

    Examples
    --------
    >>> import headrace as hr, numpy as np, pytest
    >>> datasets = pytest.importorskip("datasets")
    >>> rows = dataset(hr.source({"X": np.arange(6.0).reshape(3, 2), "y": np.arange(3)}))
    >>> [int(row["y"]) for row in rows], rows.num_shards
    ([0, 1, 2], 3)
    """
    who = "bridges.huggingface.dataset"
    datasets = optional("datasets", "huggingface", who)
    found = as_stream(stream)
    size = found.extent() if isinstance(found, Indexed) and found.access == "index" else inf
    parts = max(1, min(PARTS, int(size)) if size < inf else 1) if shards is None else count_of(f"{who}(shards)", shards)
    if size == inf and parts > 1:
        found.shard(0, parts)  # or say now that it cannot be divided
    kwargs = {"stream": found, "key": _key(found), "parts": list(range(parts)), "of": parts}
    known = features_of(found.spec) if features is None else features
    return _told(datasets.IterableDataset.from_generator(rows, features=known, gen_kwargs=kwargs), found)


def _told(made: Any, stream: Stream[Any]) -> Any:
    """Write into a dataset's ``info`` which stream it was made of."""
    made.info.description = f"headrace {stream.fingerprint}: {stream!r}"
    return made


def map_dataset(stream: Any, *, features: Any = None, **options: Any) -> Any:
    """Return a ``datasets.Dataset`` of the items of a stream, written to its cache as an Arrow file.

    Hugging Face hashes all that the recipe holds, arrays and the code of functions included, so that an equal stream
    finds what was written, in another process as well, and a changed one does not.

    Parameters
    ----------
    stream
        A stream of dicts of known size whose items have numbers, seeded when it draws.
    features
        ``datasets.Features`` of an item. By default those that the stream's spec tells, where it is known; else Hugging
        Face finds them out.
    **options
        Further ones of ``datasets.Dataset.from_generator``: ``cache_dir``, ``keep_in_memory``, ``num_proc``,
        ``fingerprint`` (``stream.fingerprint`` is faster than hashing large arrays, and looks at a sample of them), ...

    Raises
    ------
    AddressError
        When items of the stream have no numbers.
    StreamConfigError
        When it has no end, or draws without a seed.
    MissingExtraError
        When ``datasets`` is not installed.

    Examples
    --------
    >>> import headrace as hr, numpy as np, pytest
    >>> datasets = pytest.importorskip("datasets")
    >>> table = map_dataset(hr.source({"y": np.arange(3)}), cache_dir="cache")  # doctest: +SKIP
    >>> table["y"][:]  # doctest: +SKIP
    [0, 1, 2]
    """
    who = "bridges.huggingface.map_dataset"
    datasets = optional("datasets", "huggingface", who)
    found = numbered(stream, who)
    parts = max(1, min(PARTS, int(found.extent())))
    kwargs = {"stream": found, "key": _key(found), "parts": list(range(parts)), "of": parts}
    known = features_of(found.spec) if features is None else features
    return _told(datasets.Dataset.from_generator(rows, features=known, gen_kwargs=kwargs, **options), found)


def rows(stream: Stream[Any], key: Key | None, parts: list[int], of: int) -> Iterator[dict[str, Any]]:
    """Yield the items of some of ``of`` parts of a stream: what Hugging Face calls in whichever process needs them."""
    for i in parts:
        for item in _part(stream, key, i, of):
            if not isinstance(item, Mapping):
                raise DataError(
                    f"bridges.huggingface got a {type(item).__name__}, wanted a dict: examples have named fields.\n"
                    "  Name them with hr.map, such as hr.map(lambda x: {'X': x})."
                )
            yield dict(item)


def _part(stream: Stream[Any], key: Key | None, i: int, of: int) -> Iterator[Any]:
    size = stream.extent() if isinstance(stream, Indexed) and stream.access == "index" else inf
    if size == inf:
        with (stream if of == 1 else stream.shard(i, of)).open(key) as cursor:
            yield from cursor
        return
    first, end = (int(size) * edge // of for edge in (i, i + 1))
    with stream.open(key, at=first) as cursor:
        yield from islice(cursor, end - first)


def _key(stream: Stream[Any]) -> Key | None:
    """Return a key for all parts, None where the stream draws no other numbers without one: equal streams hash alike."""
    if stream.seed is not None or (stream.access == "index" and unseeded(stream) is None):
        return None
    return Key.fresh()
