"""The folder of a recorded session: where its data is, and what is known of it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from headrace.errors import DataError
from headrace.live.recording.folder import METADATA, RAW, json_of, metadata_bytes
from headrace.store.files import write_file


class SessionFolder:
    """What a session is besides its data: :class:`headrace.live.Session` has that, too.

    Parameters
    ----------
    path
        The folder.

    Raises
    ------
    FileNotFoundError
        When there is no session.
    DataError
        When its metadata is none.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path: Path = Path(os.path.expanduser(path))
        self.metadata_path: Path = self.path / METADATA
        try:
            self._metadata = json.loads(self.metadata_path.read_bytes())
        except (FileNotFoundError, NotADirectoryError) as error:
            why = "it is a file" if isinstance(error, NotADirectoryError) else f"there is no {METADATA} in it"
            raise FileNotFoundError(
                f"{str(self.path)!r} is no session: {why}.\n  Name the folder that was given to record()."
            ) from None
        except ValueError as error:
            raise DataError(f"{self.metadata_path} is no JSON: {error}.\n  Put back what was there.") from error

    @property
    def metadata(self) -> dict[str, Any]:
        """What is known of it; yours to change, which changes no file."""
        found: dict[str, Any] = json.loads(json.dumps(self._metadata))
        return found

    def add_metadata_field(self, name: str, value: Any) -> None:
        """Add a field to the metadata, or change one, in the file too.

        Raises
        ------
        DataError
            When ``value`` is no JSON.
        SinkError
            When the file cannot be written.
        """
        plain = json.loads(json_of(value, f"add_metadata_field({name!r}) got a value"))
        told = {**json.loads(self.metadata_path.read_bytes()), name: plain}
        write_file(self.metadata_path, metadata_bytes(told, "add_metadata_field"))
        self._metadata = told

    @property
    def raw_data_path(self) -> Path:
        """The file of the data.

        Raises
        ------
        FileNotFoundError
            When there is none, or several.
        """
        found = sorted(each for each in self.path.glob(f"{RAW}.*") if not each.name.endswith(".tmp"))
        if len(found) != 1:
            names = ", ".join(each.name for each in found) or "none"
            raise FileNotFoundError(
                f"the session {str(self.path)!r} has {names} for its data, wanted one file {RAW}.*\n"
                "  Put it there, or move the others away."
            )
        return found[0]

    @property
    def datafile_extension(self) -> str:
        """What the name of the data's file ends in: ``".hrc"``, ``".wav"``, ..."""
        return self.raw_data_path.suffix
