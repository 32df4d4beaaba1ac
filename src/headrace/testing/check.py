"""The three checks: of a stream, of an op, of a sink."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from headrace.core.coerce import as_stream
from headrace.core.sink import Sink
from headrace.testing import laws_description, laws_indexed, laws_resume, laws_run, laws_sinks, laws_sources
from headrace.testing.case import Case, Wrap
from headrace.testing.report import NotApplicable, Report

Law = Callable[[Case], None]
_RUNS: dict[str, Law] = {
    **laws_run.FIRST,
    **laws_description.AFTER,
    **laws_run.LAWS,
    **laws_resume.LAWS,
    **laws_indexed.LAWS,
}


def check_stream(stream: Any, *, items: int = 60, seed: int = 0, processes: bool = True) -> Report:
    """Return which laws of the contract a stream keeps, or raise on the first that it breaks.

    Besides the stream itself, the same stream over sources that fail, that are empty and that have one item is
    examined, where it has sources.

    Parameters
    ----------
    stream
        The stream, or anything that makes one. A few hundred passes are drawn from it.
    items
        How many items of a pass are looked at. Choose more than the stream has, to see its end.
    seed
        Fixes the keys and every choice of where to stop and how to draw.
    processes
        Whether to look from a second process, too (a second or so).

    Returns
    -------
    report
        The laws that hold, and those that do not apply, with the reasons.

    Raises
    ------
    LawError
        Naming the law, what was seen and what was wanted.

    Examples
    --------
    >>> import headrace as hr
    >>> report = check_stream(hr.Streamer(range(20)) | hr.batch(8), processes=False)
    >>> "resume" in report.held
    True
    >>> report.skipped["another key, other items"]
    'no random numbers were seen'
    >>> def noisy(item):
    ...     return item + np.random.normal()
    >>> check_stream(hr.Streamer(range(20)) | hr.map(noisy), processes=False)
    Traceback (most recent call last):
    headrace.testing.report.LawError: map(noisy) breaks the law 'no hidden randomness': item 0 was ...
    """
    return _check(Case(as_stream(stream), items, seed), processes, {})


def check_op(
    op: Any,
    source: Any = None,
    *,
    items: int = 60,
    seed: int = 0,
    ahead: int | None = 0,
    processes: bool = True,
) -> Report:
    """Return which laws ``source | op`` keeps, or raise on the first that is broken.

    As :func:`check_stream`; the source that fails, is empty or short is ``source``, whatever ``op`` consists of, and
    how much of it is drawn is looked at as well.

    Parameters
    ----------
    op
        The op, or any function from a stream to a stream.
    source
        What to put it on; by default 60 dicts of an array ``X`` of 3 numbers and an integer ``y``.
    items, seed, processes
        As for :func:`check_stream`.
    ahead
        How many items the op may have drawn beyond what its own items need: the buffer of a shuffle, for one. None if
        that cannot be said, or not be seen because its items look alike.

    Raises
    ------
    LawError
        Naming the law, what was seen and what was wanted.

    Examples
    --------
    >>> import headrace as hr
    >>> report = check_op(hr.batch(4), processes=False)
    >>> "nothing drawn in excess" in report.held
    True
    """
    made = as_stream(_rows() if source is None else source)

    def over(wrap: Wrap) -> Any:
        return op(wrap(made))

    more = {} if ahead is None else {"nothing drawn in excess": laws_sources.draws_what_it_needs(ahead)}
    return _check(Case(op(made), items, seed, over), processes, more)


def _rows() -> list[dict[str, Any]]:
    return [{"X": np.arange(3.0) + i, "y": i} for i in range(60)]


def _check(case: Case, processes: bool, more: dict[str, Law]) -> Report:
    held: list[str] = []
    skipped: dict[str, str] = {}
    _run(case, {**laws_description.BEFORE, **_RUNS, **laws_sources.LAWS, **more}, "", held, skipped)
    for prefix, make in (("empty source: ", laws_sources.empty_sources), ("one item: ", laws_sources.one_item_sources)):
        case.law = prefix + "construction"
        try:
            inner = make(case)
        except NotApplicable as why:
            skipped[prefix.rstrip(": ")] = str(why)
            continue
        _run(inner, _RUNS, prefix, held, skipped)
    if processes:
        _run(case, laws_resume.ELSEWHERE, "", held, skipped)
    else:
        skipped["the same in another process"] = "processes=False"
    return Report(repr(case.stream), tuple(held), skipped)


def _run(case: Case, laws: dict[str, Law], prefix: str, held: list[str], skipped: dict[str, str]) -> None:
    for name, law in laws.items():
        case.law = prefix + name
        try:
            law(case)
        except NotApplicable as why:
            skipped[case.law] = str(why)
        else:
            held.append(case.law)


def check_sink(
    make_sink: Callable[[Path], Sink[Any]],
    *,
    items: Iterable[Any] | None = None,
    read: Callable[[Path], Iterable[Any]] | None = None,
) -> Report:
    """Return which laws a sink keeps, or raise on the first that it breaks.

    Parameters
    ----------
    make_sink
        Returns a new sink that keeps what it is given in a folder, which exists and is empty.
    items
        What to write; by default 20 dicts of an array ``X`` of 3 numbers and an integer ``y``.
    read
        Returns what is kept in the folder, item by item, so that it can be compared.

    Raises
    ------
    LawError
        Naming the law, what was seen and what was wanted.

    Examples
    --------
    >>> import pickle
    >>> class PickleSink:
    ...     def __init__(self, folder):
    ...         self.file = open(folder / "items.pkl", "wb")
    ...
    ...     def write(self, item):
    ...         pickle.dump(item, self.file)
    ...
    ...     def close(self):
    ...         self.file.close()
    ...
    ...     def __enter__(self):
    ...         return self
    ...
    ...     def __exit__(self, *error):
    ...         self.close()
    >>> def read(folder):
    ...     with open(folder / "items.pkl", "rb") as file:
    ...         while True:
    ...             try:
    ...                 yield pickle.load(file)
    ...             except EOFError:
    ...                 return
    >>> check_sink(PickleSink, read=read).skipped
    {}
    """
    return laws_sinks.check(make_sink, list(_rows()[:20] if items is None else items), read)
