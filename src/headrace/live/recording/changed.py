"""What is changed in a run while its rows are recorded: written down before the rows that it counts for."""

from __future__ import annotations

import json
from typing import Any

from headrace.live.recording.container import Writer
from headrace.signals.base import Signal
from headrace.signals.json import node_to_plain, value_to_plain
from headrace.store.ledger_values import Packing


class Changes:
    """Writes down how a run begins, and each change of it, once.

    Parameters
    ----------
    writer
        Of the file.
    run
        The :class:`headrace.signals.Run`, or what has its ``row`` and ``log``.

    Raises
    ------
    SinkError
        When the disk takes no more.
    """

    def __init__(self, writer: Writer, run: Any) -> None:
        self._writer, self._run = writer, run
        self._done, self._row = len(run.log), run.row
        if run.row:
            writer.append(b"STAT", Packing(who="Recorder").pack(run.state_dict()))

    def keep(self) -> None:
        """Write down what was changed since the last time.

        Raises
        ------
        SinkError
            When the disk takes no more; what is not written yet can be tried again.
        """
        if len(self._run.log) == self._done:
            return
        for row, what, name, value in list(self._run.log)[self._done :]:
            plain = node_to_plain(value) if isinstance(value, Signal) else value_to_plain(value)
            told = {"row": row - self._row, "what": what, "name": name, "value": plain}
            self._writer.append(b"CHNG", json.dumps(told).encode())
            self._done += 1
