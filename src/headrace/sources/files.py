"""Many files: one stream each, for a mux, or all of them as one stream."""

from __future__ import annotations

import glob as globbing
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, cast

from headrace.core.stream import Stream
from headrace.errors import StreamConfigError
from headrace.sources.files_csv import csv
from headrace.sources.files_folder import Folder
from headrace.sources.files_npy import npy, npz
from headrace.sources.files_parquet import parquet
from headrace.sources.files_rows import Order, Rows

FORMATS: dict[str, Callable[..., Stream[Any]]] = {
    ".npz": npz,
    ".npy": npy,
    ".csv": csv,
    ".csv.gz": csv,
    ".parquet": parquet,
    ".pq": parquet,
}
Where = str | Path | Iterable[str | Path]


def files(where: Where, pattern: str | None = None, **options: Any) -> tuple[Stream[Any], ...]:
    """One stream per file, in natural order (``take2`` before ``take10``): the members of a mux.

    Parameters
    ----------
    where
        A folder, a pattern such as ``"songs/**/*.npz"``, or the files themselves, whose order is kept.
    pattern
        Which files of a folder, as in :meth:`pathlib.Path.glob`. By default those whose suffix is known: ``.npz``,
        ``.npy``, ``.csv``, ``.csv.gz``, ``.parquet``, ``.pq``.
    **options
        Those of :func:`headrace.npz`, :func:`headrace.npy`, :func:`headrace.csv` or :func:`headrace.parquet`, after
        the files' suffixes.

    Raises
    ------
    StreamConfigError
        When there is no such file, or one with an unknown suffix.

    Examples
    --------
    >>> import numpy as np, headrace as hr
    >>> for k in (1, 2, 10):
    ...     np.savez(f"take{k}.npz", X=np.full(3, k))
    >>> [stream.path.name for stream in hr.files("*.npz")]
    ['take1.npz', 'take2.npz', 'take10.npz']
    >>> len(hr.files(".", "take1*", order="random"))
    2
    """
    return tuple(_stream(path, options) for path in find_files("files", where, pattern))


def folder(
    where: Where,
    pattern: str | None = None,
    order: Order = "sequential",
    n: int | None = None,
    max_open: int = 16,
    **options: Any,
) -> Stream[Any]:
    """The rows of many files as one stream: file after file, or in random order over all of them.

    Parameters
    ----------
    where, pattern, **options
        As for :func:`files`.
    order
        ``"sequential"``: one file after another. ``"shuffled"``: each row of all files once a pass, in an order of
        its own. ``"random"``: rows with replacement, each as likely as any other, without end. The last two read
        every file's header first.
    n
        At most this many items a pass.
    max_open
        How many files to keep open for rows in random order; the one used longest ago is closed.

    Raises
    ------
    StreamConfigError
        When there is no such file, one has an unknown suffix, or an option is wrong.

    Notes
    -----
    ``shard(i, n)`` gives the files i, i + n, i + 2 n, ...

    Examples
    --------
    >>> import numpy as np, headrace as hr
    >>> for k in (1, 2, 10):
    ...     np.save(f"take{k}.npy", np.full(2, k))
    >>> stream = hr.folder(".", "*.npy")
    >>> [int(row) for row in stream], len(stream)
    ([1, 1, 2, 2, 10, 10], 6)
    >>> [int(row) for row in stream.shard(1, 3)]
    [2, 2]
    """
    parts = [cast("Rows[Any]", _stream(path, options)) for path in find_files("folder", where, pattern)]
    return Folder(tuple(parts), order, n, max_open)


def find_files(who: str, where: Where, pattern: str | None = None) -> list[Path]:
    """Return the files that are meant: those of a folder or a pattern sorted naturally, given ones as given."""
    if not isinstance(where, str | Path):
        try:
            return [Path(path) for path in where]
        except TypeError:
            raise StreamConfigError(
                f"{who}(where) got {where!r}, wanted a folder, a pattern or several paths."
            ) from None
    if os.path.isdir(where):
        found = [p for p in Path(where).glob(pattern or "*") if p.is_file() and (pattern or _suffix(p) in FORMATS)]
    else:
        found = [Path(name) for name in globbing.glob(str(where), recursive=True) if os.path.isfile(name)]
    if not found:
        what = f"the folder {str(where)!r}" if os.path.isdir(where) else f"{str(where)!r}"
        wanted = f"files that match {pattern!r}" if pattern else f"files ending in {', '.join(FORMATS)}"
        raise StreamConfigError(
            f"{who}(where) found nothing in {what}, wanted {wanted}.\n  The current folder is {Path.cwd()}."
        )
    return sorted(found, key=natural)


def natural(path: Path) -> tuple[list[str | int], str]:
    """Return what sorts numbers in names by value.

    Examples
    --------
    >>> [p.name for p in sorted([Path("a10.npz"), Path("a9.npz"), Path("a09.npz")], key=natural)]
    ['a09.npz', 'a9.npz', 'a10.npz']
    """
    text = path.as_posix()
    parts = re.split(r"([0-9]+)", text)  # text and numbers take turns, so like is compared with like
    return [int(part) if k % 2 else part for k, part in enumerate(parts)], text


def _suffix(path: Path) -> str:
    ending = "".join(path.suffixes[-2:]).lower()
    return ending if ending in FORMATS else path.suffix.lower()


def _stream(path: Path, options: dict[str, Any]) -> Stream[Any]:
    make = FORMATS.get(_suffix(path))
    if make is None:
        raise StreamConfigError(
            f"files got {str(path)!r}, wanted a file ending in {', '.join(FORMATS)}.\n"
            "  Choose files with pattern=, or call hr.npz, hr.npy, hr.csv or hr.parquet for a file of another name."
        )
    try:
        return make(path, **options)
    except TypeError:
        raise StreamConfigError(
            f"files got the options {', '.join(options)} for {str(path)!r}, wanted those of hr.{make.__name__}."
        ) from None
