"""PyTorch: streams as datasets, and a loader that resumes exactly with any number of workers."""

from __future__ import annotations

from typing import Any

from headrace.bridges.laps import numbered
from headrace.bridges.share import check_ranks, ranks
from headrace.bridges.tensors import as_tensors
from headrace.bridges.torch_dataset import StreamDataset
from headrace.bridges.torch_loader import Loader
from headrace.bridges.torch_map import MapDataset
from headrace.core.coerce import as_stream

__all__ = ["Loader", "MapDataset", "StreamDataset", "as_is", "as_tensors", "dataset", "loader", "map_dataset"]


def dataset(
    stream: Any, *, rank: int | None = None, world_size: int | None = None, tensors: bool = True
) -> StreamDataset:
    """Return a ``torch.utils.data.IterableDataset`` of a stream: ``DataLoader(dataset(stream), batch_size=None)``.

    Workers and ranks divide the stream by ``stream.shard(i, n)``: no item comes twice, none is missing. Where items
    have numbers, a loader gives them in the order of ``stream`` for any number of workers.

    Parameters
    ----------
    stream
        Anything that makes items, batches best: ``stream | hr.batch(32)`` and ``batch_size=None``.
    rank, world_size
        Which of how many processes this is. By default those of ``torch.distributed`` when it is initialised, else
        ``RANK`` and ``WORLD_SIZE`` of the environment where both are set (as torchrun does), else 0 of 1.
    tensors
        Whether arrays become tensors, as :func:`as_tensors` makes them.

    Returns
    -------
    StreamDataset
        It has ``set_epoch``, and ``state_dict`` and ``load_state_dict`` for use without workers or in a
        ``torchdata.stateful_dataloader.StatefulDataLoader``; with workers :func:`loader` resumes, and needs no more.

    Raises
    ------
    StreamConfigError
        When ``world_size`` ranks cannot divide the stream; when the workers cannot, in the first of them.
    MissingExtraError
        When PyTorch is not installed.

    Notes
    -----
    A seeded stream repeats with every pass until ``set_epoch`` says another number, which persistent workers hear as
    well. A stream without a seed draws one key here, from which every pass has numbers of its own, the same in all
    workers.

    PyTorch's own conversion, which runs behind ours, makes tuples lists and refuses dates and records: pass
    ``collate_fn=hr.bridges.torch.as_is`` to have items as they are. :func:`loader` does.

    Examples
    --------
    >>> import headrace as hr, numpy as np, pytest
    >>> data = pytest.importorskip("torch").utils.data
    >>> batches = hr.source({"X": np.arange(12.0).reshape(6, 2)}) | hr.batch(2)
    >>> for batch in data.DataLoader(dataset(batches), batch_size=None):
    ...     print(batch["X"][0])
    tensor([0., 1.], dtype=torch.float64)
    tensor([4., 5.], dtype=torch.float64)
    tensor([8., 9.], dtype=torch.float64)
    """
    who = "bridges.torch.dataset"
    found, of = as_stream(stream), ranks(rank, world_size, who)
    check_ranks(found, of, who)
    return StreamDataset.made(found, of, tensors)


def map_dataset(stream: Any, *, tensors: bool = True) -> MapDataset:
    """Return a map-style ``torch.utils.data.Dataset`` of a stream whose items have numbers: for samplers.

    Parameters
    ----------
    stream
        A stream of known size whose items have numbers, seeded when it draws.
    tensors
        Whether arrays become tensors.

    Returns
    -------
    MapDataset
        ``[i]`` gives an item; ``[[3, 1, 4]]``, a slice or a tensor of numbers gives columns, gathered together. It
        has ``set_epoch``, after which items have the random numbers of that epoch.

    Raises
    ------
    AddressError
        When items of the stream have no numbers.
    StreamConfigError
        When it has no end, or no seed and draws random numbers.
    MissingExtraError
        When PyTorch is not installed.

    Examples
    --------
    >>> import headrace as hr, numpy as np, pytest
    >>> data = pytest.importorskip("torch").utils.data
    >>> rows = map_dataset(hr.source({"X": np.arange(12.0).reshape(6, 2), "y": np.arange(6)}))
    >>> len(rows), rows[2]["X"].tolist(), rows[[5, 0]]["y"].tolist()
    (6, [4.0, 5.0], [5, 0])
    >>> several = data.BatchSampler(data.SequentialSampler(rows), 4, drop_last=False)
    >>> [batch["y"].tolist() for batch in data.DataLoader(rows, sampler=several, batch_size=None)]
    [[0, 1, 2, 3], [4, 5]]
    """
    return MapDataset.made(numbered(stream, "bridges.torch.map_dataset"), tensors)


def loader(
    stream: Any,
    *,
    num_workers: int = 0,
    rank: int | None = None,
    world_size: int | None = None,
    tensors: bool = True,
    snapshot_every: float = 1.0,
    **options: Any,
) -> Loader:
    """Return a loader of a stream with workers, whose state is that of the last item delivered.

    Parameters
    ----------
    stream
        Anything that makes items, batches best.
    num_workers
        How many processes make items; 0 makes them in this one.
    rank, world_size, tensors
        As in :func:`dataset`.
    snapshot_every
        Seconds of a worker between two of its states that travel with its items. What it made since the last one is
        made again after a resume, and not delivered. Where items have numbers no state travels: the number is enough.
    **options
        Further ones of ``torch.utils.data.DataLoader``: ``prefetch_factor``, ``pin_memory``, ``persistent_workers``,
        ``multiprocessing_context``, ``timeout``, ``worker_init_fn``, ...

    Returns
    -------
    Loader
        Iterable as often as there are epochs, each with random numbers of its own; ``state_dict``, ``load_state_dict``,
        ``set_epoch``, ``epoch``.

    Raises
    ------
    StreamConfigError
        When the stream cannot be divided among ranks and workers, or an option contradicts what a loader does.
    MissingExtraError
        When PyTorch is not installed.

    Examples
    --------
    >>> import headrace as hr, pytest
    >>> torch = pytest.importorskip("torch")
    >>> stream = (hr.source(range(100)) | hr.permute() | hr.batch(10)).seeded(7)
    >>> batches = loader(stream)
    >>> for step, batch in enumerate(batches):
    ...     if step == 3:
    ...         state = batches.state_dict()
    ...         break
    >>> again = loader(stream)
    >>> again.load_state_dict(state)
    >>> next(iter(again)).tolist() == stream[4].tolist()
    True
    """
    who = "bridges.torch.loader"
    found, of = as_stream(stream), ranks(rank, world_size, who)
    check_ranks(found, of, who)
    return Loader(found, of, num_workers, tensors, snapshot_every, options)


def as_is(item: Any) -> Any:
    """Return an item as it is: a ``collate_fn`` for ``DataLoader(..., batch_size=None)``.

    Examples
    --------
    >>> as_is(({"X": 1}, "a"))
    ({'X': 1}, 'a')
    """
    return item
