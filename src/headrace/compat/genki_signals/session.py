"""Sessions: what was recorded, with what is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any, Self

from headrace.live import Session as _Session
from headrace.live.recording.folder import create_session


class Session(_Session):
    """A recorded session: :class:`headrace.live.Session`, which can also be begun.

    Examples
    --------
    >>> import tempfile
    >>> from headrace.live import Table
    >>> path = tempfile.mkdtemp() + "/monday"
    >>> session = Session.create_session(path, Table({"x": [1.0]}), {"subject": "A. B."})
    >>> session.metadata["data_source"], session.metadata["subject"]
    ('Table', 'A. B.')
    """

    @classmethod
    def create_session(cls, path: str | PathLike[str], system: Any, metadata: Mapping[str, Any] | None = None) -> Self:
        """Make the folder of a session, without data yet, and return the session.

        Parameters
        ----------
        path
            The folder; it must not exist.
        system
            What is going to be recorded.
        metadata
            What you want to be known: JSON values by name.

        Raises
        ------
        SessionExistsError
            When there is something at ``path``; also a ``FileExistsError``.
        DataError
            When metadata is no JSON, or has a name that is taken.
        """
        return cls(create_session(path, system, metadata, graph=getattr(system, "graph", None)))


__all__ = ["Session"]
