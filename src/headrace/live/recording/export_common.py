"""What exports have in common: new files, there whole or not at all, written a piece at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from math import prod
from pathlib import Path
from typing import Any, Final

from headrace.core.block import ROWS, Block
from headrace.core.refused import refused
from headrace.errors import SinkError
from headrace.live.recording.lazy import Raw
from headrace.store.files import sync_folder, temporary
from headrace.store.swap import remove

KEY: Final = "headrace_session"


def time_of(raw: Block, name: str) -> str:
    """Return the dimension of time of a column: a slower one has its own."""
    return "time" if raw.paces.get(name, ROWS) == ROWS else f"time_{name}"


def new_path(path: str | os.PathLike[str], who: str) -> Path:
    """Return the path of something to be made, or raise where there is something, or no folder for it."""
    found = Path(os.path.expanduser(path))
    if os.path.lexists(found):
        raise SinkError(
            f"{who} got {str(found)!r}, where there is something already.\n  Name a path that does not exist."
        )
    if not found.absolute().parent.is_dir():
        raise SinkError(
            f"{who} got {str(found)!r}, in a folder that is not there.\n  Make {str(found.parent)!r} first."
        )
    return found


@contextmanager
def made_whole(path: Path, who: str) -> Iterator[Path]:
    """Yield a name to write a file or a folder to; it becomes ``path`` when the block ends, and is gone when it fails.

    Raises
    ------
    SinkError
        When the disk takes no more; for any ``OSError`` of the block, which is its cause.
    """
    tmp = temporary(path)
    try:
        remove(tmp)
        yield tmp
        _placed(tmp, path)
    except BaseException as error:
        with suppress(OSError):
            remove(tmp)
        if isinstance(error, OSError):
            raise refused(who, path, error, kept="Nothing of it is there", then="write it again") from error
        raise


def _placed(tmp: Path, path: Path) -> None:
    """Put what is finished where it was wanted."""
    if tmp.is_file():
        with open(tmp, "rb+") as file:
            os.fsync(file.fileno())
    os.rename(tmp, path)
    sync_folder(path.absolute().parent)


def pieces(raw: Block, step: int) -> Iterator[Block]:
    """Yield all rows in pieces, one without rows where there are none."""
    if not raw.n:
        yield raw
        return
    yield from (raw if isinstance(raw, Raw) else Raw.over(raw, None)).blocks(step)


def step_of(raw: Block, size: int) -> int:
    """Return how many rows make about ``size`` bytes."""
    return max(1, size // max(1, sum(map(row_bytes, raw.values()))))


def row_bytes(column: Any) -> int:
    """Return how many bytes a row of a column has."""
    return int(prod(column.shape[1:])) * int(column.dtype.itemsize)
