"""A recorded session as something else: xarray, zarr, parquet, sound."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from headrace.core.notes import warn
from headrace.live.recording.export_parquet import to_parquet
from headrace.live.recording.exports import to_wav, to_xarray, to_zarr
from headrace.live.recording.lazy import Raw


class Exported:
    """What of a :class:`~headrace.live.Session` writes it in other forms."""

    path: Path

    @property
    def raw(self) -> Raw:
        """The columns."""
        raise NotImplementedError

    @property
    def metadata(self) -> dict[str, Any]:
        """What is known of it."""
        raise NotImplementedError

    @property
    def partial(self) -> tuple[str, ...]:
        """What is in some of the blocks only."""
        raise NotImplementedError

    def signals(self, graph: Any = None) -> Raw:
        """What a graph makes of it."""
        raise NotImplementedError

    def to_xarray(self, graph: Any = None, *, chunks: Any = None) -> Any:
        """Return it as an xarray Dataset: see :func:`headrace.live.recording.exports.to_xarray`."""
        self._tell_partial("to_xarray")
        return to_xarray(self.raw if graph is None else self.signals(graph), self.metadata, chunks=chunks)

    def to_zarr(self, path: str | os.PathLike[str], graph: Any = None) -> Path:
        """Write a zarr group: see :func:`headrace.live.recording.exports.to_zarr`."""
        self._tell_partial("to_zarr")
        return to_zarr(self.raw if graph is None else self.signals(graph), path, self.metadata)

    def to_parquet(self, path: str | os.PathLike[str], graph: Any = None) -> Path:
        """Write a parquet file: see :func:`headrace.live.recording.export_parquet.to_parquet`."""
        self._tell_partial("to_parquet")
        return to_parquet(self.raw if graph is None else self.signals(graph), path, self.metadata)

    def to_wav(self, path: str | os.PathLike[str], column: str | None = None, rate: float | None = None) -> Path:
        """Write a column as sound: see :func:`headrace.live.recording.exports.to_wav`."""
        return to_wav(self.raw, path, column, rate)

    def _tell_partial(self, who: str) -> None:
        if self.partial:
            warn(
                f"{who} leaves out {', '.join(map(repr, self.partial))}, which not all blocks of {str(self.path)!r} have "
                "alike: session.blocks() has them"
            )
