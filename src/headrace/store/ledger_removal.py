"""A ledger removed, or moved: what is a ledger's, and nothing that lies beside it in the same folder."""

from __future__ import annotations

import os
from pathlib import Path

from headrace.errors import SinkError
from headrace.store.files import make_folder
from headrace.store.ledger_db import DB, FOLDERS, LOCK, MARK, Database
from headrace.store.swap import beside, remove


def is_ledger(path: Path) -> bool:
    """Tell whether a ledger was begun in a folder."""
    return any((path / name).exists() for name in (DB, MARK))


def removed(database: Database, to: Path | None) -> None:
    """Remove a ledger, when nobody writes to it, or move it to another name; whatever else is in the folder stays.

    Raises
    ------
    SinkError
        When there is a folder, and it is no ledger.
    """
    path = database.path
    if not path.exists():
        return
    if not is_ledger(path) and not (path.is_dir() and set(os.listdir(path)) <= {LOCK, *FOLDERS}):  # one just begun
        raise SinkError(
            f"{path} was to be deleted as a ledger, and is none, wanted a folder with {DB}.\n"
            "  Nothing was deleted; remove it yourself if you mean it."
        )
    with database.alone():
        aside = beside(path, "gone") if to is None else to
        if to is None:
            remove(aside)
        ours = _ours(path)
        if len(ours) == len(os.listdir(path)):
            os.rename(path, aside)  # half of it is never left under its name
        else:
            make_folder(aside)
            for name in ours:
                os.rename(path / name, aside / name)
    if to is None:
        remove(aside)


def _ours(path: Path) -> list[str]:
    """Return what in a folder is a ledger's: first what makes it one, so that what is left after a kill is none."""
    first = [MARK, f"{DB}-journal", DB, f"{DB}-wal", f"{DB}-shm", LOCK]
    there = set(os.listdir(path))
    others = [name for name in there if name.startswith((f"{DB}.", f".{DB}.", f".headrace-{MARK}"))]
    return [name for name in (*first, *FOLDERS, *sorted(others)) if name in there]
