"""Which files of a folder are a dataset's own, so that what an interrupted run left can be removed, and only that."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from headrace.errors import SinkError
from headrace.store.files import is_temporary, write_file

BEGUN = "_begun.json"


class Begun:
    """The parts and fields that a run is about to write, told on disk before it does: beyond them nothing is removed.

    Parameters
    ----------
    folder
        The dataset.
    part_name, frame_name
        Match the files of parts and the other files of fields below the folder, with the number of the part, and the
        folder of the field where there is one, as the groups ``number`` and ``field``.
    """

    def __init__(self, folder: Path, part_name: re.Pattern[str], frame_name: re.Pattern[str]) -> None:
        self._folder = folder
        self._part_name, self._frame_name = part_name, frame_name
        self._end = -1  # of the numbers of parts that are known on disk to be ours; -1 while the fields are not
        self._told = False

    def announce(self, end: int, fields: Sequence[str], names: Sequence[str]) -> None:
        """Tell that parts below ``end`` are written from now on, the last of them to the files ``names``.

        Raises
        ------
        SinkError
            When there is a file of another's in the way, or the disk takes no more.
        """
        if end <= self._end:
            return
        for name in names:
            if (self._folder / name).exists():
                raise SinkError(
                    f"{self._folder / name} exists, and this dataset has not written it.\n"
                    "  Move it elsewhere and resume; headrace deletes no data."
                )
        write_file(self._folder / BEGUN, json.dumps({"parts": end, "fields": list(fields)}).encode())
        self._end, self._told = end, True

    def forget(self) -> None:
        """Remove what was told: the record of progress says as much by now."""
        if self._told:
            self._told = False
            with suppress(OSError):
                (self._folder / BEGUN).unlink()

    def tidy(self, kept: int, fields: Sequence[str] | None) -> None:
        """Remove what an earlier run had begun beyond the parts and fields that it kept.

        Parameters
        ----------
        kept
            Parts, a short one too, that the record of progress knows.
        fields
            Its fields, or None when it knows none yet.
        """
        end, begun = kept, list(fields or ())
        with suppress(FileNotFoundError):
            told = json.loads((self._folder / BEGUN).read_bytes())
            end, begun, self._told = max(end, told["parts"]), told["fields"], True
        nested = "field" in self._part_name.groupindex
        for folder in (self._folder, *((self._folder / name for name in begun) if nested else ())):
            if not folder.is_dir() or folder.is_symlink():
                continue
            for path in sorted(folder.iterdir()):
                if self._is_left(path, kept, end, fields):
                    path.unlink()
            if folder != self._folder and fields is None and not any(folder.iterdir()):
                folder.rmdir()
        self.forget()
        self._end = -1 if fields is None else kept

    def _is_left(self, path: Path, kept: int, end: int, fields: Sequence[str] | None) -> bool:
        if is_temporary(path.name):
            return True
        name = path.relative_to(self._folder).as_posix()
        part = self._part_name.fullmatch(name)
        if part is not None:
            return kept <= int(part["number"]) < end
        return fields is None and self._frame_name.fullmatch(name) is not None
