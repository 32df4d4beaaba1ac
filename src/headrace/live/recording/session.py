"""What was recorded, opened again: lazily, larger than memory, with whatever of it is damaged told."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, Literal, Self

import numpy as np

from headrace.core.block import Block
from headrace.core.closing import Closing
from headrace.errors import DataError, StreamConfigError
from headrace.live.devices.clock import Anchor
from headrace.live.recording.folder import GRAPH, SUFFIX
from headrace.live.recording.lazy import Raw
from headrace.live.recording.lazy_raw import derived_of, raw_of
from headrace.live.recording.mark import Mark
from headrace.live.recording.raw_files import read_raw
from headrace.live.recording.recording import Recording, check_sound
from headrace.live.recording.relive import as_graph, gone, left_out, starts
from headrace.live.recording.scan import Damage
from headrace.live.recording.session_exports import Exported
from headrace.live.recording.session_folder import SessionFolder
from headrace.signals.json import from_json

Damaged = Literal["raise", "skip"]


class Session(SessionFolder, Exported, Closing):
    """A recorded session.

    Parameters
    ----------
    path
        Its folder.
    damaged
        Where data is not what was written: ``"raise"`` when it is read; ``"skip"``: all is read once, now, and the rest
        is what there is. An end that is cut off, as after a kill, is no damage; ``damage`` tells it.
    known_functions
        ``{"module:qualname": function}``: those of the graph that are not registered.
    allow_pickle
        Whether a ``.pickle`` file of someone else may be loaded, which can run any code of theirs.

    Attributes
    ----------
    path, metadata_path : Path
        Where it is.
    damaged : str
        As given.

    Raises
    ------
    FileNotFoundError
        When there is no session.
    DataError
        When its metadata is none.

    Examples
    --------
    >>> import tempfile, numpy as np, headrace.signals as s
    >>> from headrace.live import Recorder
    >>> path = tempfile.mkdtemp() + "/monday"
    >>> with Recorder(path, graph=s.Graph([s.Integrate("x", None, name="sum")])) as recorder:
    ...     for i in range(3):
    ...         recorder.write({"x": np.array([1.0, i])})
    >>> session = Session(path)
    >>> session.raw["x"][2:5].tolist(), session.signals()["sum"][:].tolist()
    ([1.0, 1.0, 1.0], [0.0, 0.5, 1.0, 2.0, 3.0, 4.5])
    >>> [block["sum"].tolist() for block in session.signals().blocks()]
    [[0.0, 0.5], [1.0, 2.0], [3.0, 4.5]]
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        damaged: Damaged = "raise",
        known_functions: Mapping[str, Any] | None = None,
        allow_pickle: bool = False,
    ) -> None:
        if damaged not in ("raise", "skip"):
            raise StreamConfigError(
                f"Session got damaged={damaged!r}, wanted 'raise' or 'skip'.\n  The default is 'raise'."
            )
        super().__init__(path)
        self.damaged: Damaged = damaged
        self._functions, self._allow_pickle = known_functions, allow_pickle

    @classmethod
    def from_filename(cls, path: str | os.PathLike[str]) -> Self:
        """Return the session in a folder."""
        return cls(path)

    # --- what is in it -----------------------------------------------------------------------------

    @cached_property
    def _recording(self) -> Recording | None:
        path = self.raw_data_path
        if path.suffix != SUFFIX:
            return None
        found = Recording(path)
        if self.damaged == "skip":
            found.sift()
        return found

    @property
    def damage(self) -> tuple[Damage, ...]:
        """What is known not to be as it was written; :meth:`verify` looks everywhere."""
        return () if self._recording is None else self._recording.damage

    @property
    def complete(self) -> bool | None:
        """Whether all that was to be recorded is there: it was closed, nothing is cut off, and nothing had failed.

        None for a file of another kind than a Recorder's, which does not tell.
        """
        return None if self._recording is None else self._recording.complete

    @property
    def failure(self) -> str | None:
        """What the recording had failed with, so that something is missing; None where it says nothing of that."""
        return None if self._recording is None else self._recording.failure

    @property
    def partial(self) -> tuple[str, ...]:
        """The columns that are in :meth:`blocks` and not in :attr:`raw`, since not all blocks have them alike."""
        return () if self._recording is None else self._recording.partial()

    def verify(self) -> tuple[Damage, ...]:
        """Read everything; return what is not as it was written."""
        if self._recording is None:
            return ()
        twin = self._recording.again()
        try:
            twin.sift()
        finally:
            twin.close()
        return twin.damage

    @cached_property
    def marks(self) -> tuple[Mark, ...]:
        """What was marked, in order."""
        return () if self._recording is None else tuple(Mark(**told) for told in self._recording.notes["marks"])

    @cached_property
    def anchors(self) -> tuple[Anchor, ...]:
        """Moments on both clocks, from the first on: how the machine's time went beside the recorder's clock."""
        if self._recording is None:
            return ()
        notes = self._recording.notes
        told = [*notes["head"][:1], *(each for each in notes["clocks"] if "wall" in each)]
        return tuple(Anchor(each["now"], each["wall"]) for each in told)

    @property
    def alignments(self) -> tuple[dict[str, Any], ...]:
        """Raw pairs of devices' clocks and ours, and what was made of them, as :meth:`Recorder.align` was told."""
        if self._recording is None:
            return ()
        return tuple(dict(told) for told in self._recording.notes["clocks"] if "wall" not in told)

    # --- the data ---------------------------------------------------------------------------------

    @cached_property
    def raw(self) -> Raw:
        """Every column that all blocks have, read when it is looked at; and block by block, as recorded: see :class:`Raw`.

        Raises
        ------
        DamageError
            When data is damaged, and ``damaged`` is "raise".
        """
        if self._recording is not None:
            if self.damaged == "raise":
                check_sound(self._recording)
            return raw_of(self._recording)
        return read_raw(self.raw_data_path, allow_pickle=self._allow_pickle)

    @property
    def raw_data(self) -> Raw:
        """The same as ``raw``."""
        return self.raw

    def blocks(self) -> Iterator[Block]:
        """Yield it as it was recorded, block by block, never more of it in memory."""
        return self.raw.blocks()

    # --- signals ----------------------------------------------------------------------------------

    @cached_property
    def graph(self) -> Any:
        """The graph that was computed live, as it was at the beginning; None where there was none.

        Raises
        ------
        RegistryError
            When a function of it is neither registered nor among ``known_functions``.
        """
        path = self.path / GRAPH
        if path.exists():
            return from_json(path.read_text(), functions=self._functions)
        notes = [] if self._recording is None else self._recording.notes["graphs"]
        return from_json(notes[0]["graph"], functions=self._functions) if notes else None

    @property
    def functions(self) -> tuple[Any, ...]:
        """The signals of the graph."""
        return () if self.graph is None else tuple(self.graph.nodes)

    def get_parameters(self) -> dict[str, Any]:
        """Return the parameters of the graph, as ``{"signal.parameter": value}``."""
        return {} if self.graph is None else dict(self.graph.get_params())

    def signals(self, graph: Any = None) -> Raw:
        """Return the recording with what a graph makes of it, computed when it is looked at, a block at a time.

        Parameters
        ----------
        graph
            By default the one that was recorded: then it begins in the state that the run had, is changed where it
            was, and gives what was computed live, to the bit; without the rows that could not be computed then.

        Raises
        ------
        DamageError, RegistryError
            As :attr:`raw` and :attr:`graph`.
        StreamConfigError
            When ``graph`` is none.
        DataError
            When there is no graph, or the recording has not the columns that it reads.
        """
        if graph is not None:
            return derived_of(self.raw, as_graph(graph).run)
        if self.graph is None:
            raise DataError(
                f"the session {str(self.path)!r} has no graph of its own.\n  Give one: session.signals(graph)."
            )
        start = starts(self.graph, self._recording, self._functions)
        return derived_of(self.raw, start, gone(self._recording), left_out(self._recording))

    def get_data(self) -> Block:
        """Return every column in memory, those of the graph included; the same each time."""
        recording = self._recording
        if self.graph is None:
            found: Block | None = self.raw
        elif recording is None or not recording.notes["changes"]:
            found = starts(self.graph, recording, self._functions)()(self.raw)  # one pass over all of it
        else:
            found = self.signals()
        self._tell_partial("get_data")
        assert found is not None  # only of a block that was left out
        columns = {name: np.asarray(column) for name, column in found.items()}
        times = None if found.times is None else np.asarray(found.times)
        return Block.of(columns, found.first, found.n, found.rate, found.paces, found.latencies, times, found.before)

    # --- an end -----------------------------------------------------------------------------------

    def close(self) -> None:
        """Let go of the file; what was read stays. Twice is fine."""
        recording = self.__dict__.get("_recording")
        if recording is not None:
            recording.close()

    def __repr__(self) -> str:
        return f"Session({str(self.path)!r})"
