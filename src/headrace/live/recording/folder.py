"""The folder of a session: what is known of it when it begins, beside the data."""

from __future__ import annotations

import getpass
import json
import os
import platform
import shutil
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from headrace.core.fingerprint import fingerprint
from headrace.core.refused import refused
from headrace.errors import DataError, SinkError
from headrace.signals.json import to_json
from headrace.store.files import make_folder, sync_folder, write_file

METADATA: Final = "metadata.json"
GRAPH: Final = "graph.json"
RAW: Final = "raw_data"
SUFFIX: Final = ".hrc"


class SessionExistsError(SinkError, FileExistsError):
    """A session was to be recorded where something is already."""


def create_session(
    path: str | os.PathLike[str],
    system: Any = None,
    metadata: Mapping[str, Any] | None = None,
    *,
    graph: Any = None,
    wall: float | None = None,
) -> Path:
    """Make the folder of a session, with what is known at its beginning in ``metadata.json``; return its path.

    Parameters
    ----------
    path
        The folder; it must not exist.
    system
        What is recorded: a device, or something whose attribute ``source`` is one.
    metadata
        What you want to be known: JSON values and arrays by name.
    graph
        The :class:`headrace.signals.Graph` that was computed live.
    wall
        When it begins, in Unix seconds; by default now.

    Raises
    ------
    SessionExistsError
        When there is something at ``path``.
    SinkError
        When it cannot be made, or the disk takes no more; nothing is left of it then.
    DataError
        When metadata is no JSON, or has a name that is taken.

    Examples
    --------
    >>> import tempfile
    >>> path = create_session(tempfile.mkdtemp() + "/monday", metadata={"subject": "A. B."})
    >>> told = json.loads((path / "metadata.json").read_text())
    >>> told["session_name"], told["subject"], told["data_source"]
    ('monday', 'A. B.', None)
    """
    folder = Path(os.path.expanduser(path))
    source = getattr(system, "source", getattr(system, "data_source", system))
    told: dict[str, Any] = {
        "session_name": Path(os.path.abspath(folder)).name,
        "system_user": _user(),
        "timestamp": time.strftime("%Y-%m-%d_%H:%M:%S", time.localtime(wall)),
        "argv": list(sys.argv),
        "platform": platform.platform(),
        "data_source": None if source is None else type(source).__name__,
        "sample_rate": _rate(source),
        "signal_functions": [],
        "headrace": _version(),
        "numpy": np.__version__,
    }
    text = None
    if graph is not None:
        text, nodes, printed = graph_text(graph)
        told.update(signal_functions=nodes, fingerprint=printed)
    taken = sorted(told.keys() & (metadata or {}).keys())
    if taken:
        raise DataError(
            f"create_session got metadata called {', '.join(map(repr, taken))}, which every session has already.\n"
            "  Give it another name."
        )
    told.update(metadata or {})
    data = metadata_bytes(told, "create_session")
    try:
        make_folder(folder.absolute().parent)
        try:
            folder.mkdir()
        except FileExistsError:
            raise SessionExistsError(
                f"cannot record to {str(folder)!r}: there is something already.\n"
                "  Name a path that does not exist; nothing is ever recorded over."
            ) from None
        try:
            write_file(folder / METADATA, data)
            if text is not None:
                write_file(folder / GRAPH, text.encode())
            sync_folder(folder.absolute().parent)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)  # made by us just now: nothing is in it
            raise
    except SessionExistsError:
        raise
    except OSError as error:
        raise refused("a recording", folder, error, kept="Nothing of it is there", then="record again") from error
    return folder


def graph_text(graph: Any) -> tuple[str, list[Any], str]:
    """Return a graph as JSON, its nodes as JSON values, and its fingerprint.

    Raises
    ------
    DataError
        When a parameter has no form in JSON.
    """
    text = to_json(graph, indent=1)
    return text, json.loads(text)["nodes"], fingerprint(graph)


def unwritable(graph: Any) -> str | None:
    """Return why a graph has no form in JSON; None when it has one."""
    try:
        graph_text(graph)
    except DataError as error:
        return str(error)
    return None


def metadata_bytes(told: Mapping[str, Any], who: str) -> bytes:
    """Return metadata as the content of its file.

    Raises
    ------
    DataError
        When a value is no JSON; names it.
    """
    for name, value in told.items():
        json_of(value, f"{who} got metadata {name!r}")
    return (json.dumps(told, indent=1, default=_plain) + "\n").encode()


def json_of(value: Any, who: str) -> str:
    """Return a value as JSON; numbers and arrays of numpy are numbers and lists.

    Raises
    ------
    DataError
        When it has no form there.
    """
    try:
        return json.dumps(value, default=_plain)
    except (TypeError, ValueError, RecursionError) as error:
        raise DataError(
            f"{who} = {str(value)[:80]}, wanted JSON: {error}.\n  Give numbers, texts, lists and dicts of them."
        ) from None


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _user() -> str | None:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container without a name for its user
        return None


def _rate(source: Any) -> float | None:
    found = getattr(source, "sample_rate", None)
    found = getattr(source, "rate", None) if found is None else found
    return float(found) if isinstance(found, int | float | np.number) else None


def _version() -> str:
    from headrace import __version__

    return str(__version__)
