"""A zarr group: one array per field, one chunk per part, axes named so that xarray opens it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from headrace.core.optional import optional
from headrace.core.registry import register
from headrace.store.layout import Column, Columns, Layout
from headrace.store.sinks import DatasetSink


@register("zarr_store", kind="sink", example=lambda folder: ZarrStore(folder))
class ZarrStore(DatasetSink):
    """A dataset as a zarr (version 3) group; see :class:`DatasetSink` for the parameters. Needs ``headrace[store]``.

    Stores booleans, numbers, strings (of variable length) and dates; neither bytes nor long doubles, which zarr has
    no specification for. ``xarray.open_zarr(path)`` gives the fields with their axes' names. Chunks are encoded by the
    zarr package and put in place by headrace, whole or not at all.
    """

    kind: ClassVar[str] = "zarr"
    extra: ClassVar[str | None] = "store"
    part_name: ClassVar[re.Pattern[str]] = re.compile(r"(?P<field>[^/]+)/c\.(?P<number>\d+)(?:\.0)*")
    frame_name: ClassVar[re.Pattern[str]] = re.compile(r"(?P<field>[^/]+)/zarr\.json")

    @classmethod
    def ready(cls) -> None:
        optional("zarr", "store", cls.__name__)

    def refused(self, name: str, column: Column) -> str | None:
        if "/" in name or name.startswith("__") or set(name) == {"."}:
            return "zarr allows no such name.\n  Rename it with hr.map."
        if column.dtype == "|S0" or np.dtype(column.dtype).char in "gG":
            return (
                f"zarr has no specification for {'bytes' if column.text else column.dtype}.\n"
                "  Convert it (bytes: decode them, or np.frombuffer(..., 'uint8')), or use an npz folder."
            )
        return None

    def part_files(self, number: int, columns: Columns) -> list[tuple[str, bytes]]:
        files = []
        for name, column in columns.items():
            content = self._encoded(name, column)
            chunk = "c.0" + ".0" * (column.ndim - 1)
            if chunk in content:  # a field without elements has no chunks
                files.append((f"{name}/c.{number}{chunk[3:]}", content[chunk]))
        return files

    def _encoded(self, name: str, column: np.ndarray[Any, Any] | None) -> dict[str, bytes]:
        """Return the files of an array of one part, as the zarr package writes them."""
        zarr = optional("zarr", "store", self.who)
        assert self.layout is not None
        field, held = self.layout.fields[name], {}  # type: ignore[var-annotated]  # str to zarr's Buffer
        array = zarr.create_array(
            zarr.storage.MemoryStore(held),
            shape=(self.part, *field.shape),
            chunks=(self.part, *(max(1, n) for n in field.shape)),
            dtype="string" if field.text else np.dtype(field.dtype),
            dimension_names=["item", *field.dims],
            # All chunks of a field in one folder: the default makes a folder per chunk.
            chunk_key_encoding={"name": "default", "separator": "."},
            config={"write_empty_chunks": True},
        )
        if column is not None:
            array[: len(column)] = column
        return {key: buffer.to_bytes() for key, buffer in held.items()}

    def frame_files(self) -> list[tuple[str, bytes]]:
        files, inside = [], {}
        for name in self.layout.fields if self.layout is not None else ():
            described = json.loads(self._encoded(name, None)["zarr.json"])
            described["shape"][0] = self.rows
            inside[name] = described
            files.append((f"{name}/zarr.json", _json(described)))
        about = {key: value for key, value in self.about.items() if key in ("fingerprint", "version", "seed")}
        group = {
            "zarr_format": 3,
            "node_type": "group",
            "attributes": {"headrace": about},
            # Readers need not list the folder, where they would wonder about our own two files.
            "consolidated_metadata": {"kind": "inline", "must_understand": False, "metadata": inside},
        }
        return [*files, ("zarr.json", _json(group))]

    @staticmethod
    def read_part(folder: Path, number: int, layout: Layout, names: Sequence[str]) -> Columns:
        zarr = optional("zarr", "store", "reading a zarr dataset")
        made: Columns = {}
        for name in names:
            array = zarr.open_array(zarr.storage.LocalStore(folder / name, read_only=True), mode="r")
            size = array.chunks[0]
            column = np.asarray(array[number * size : (number + 1) * size])
            # zarr hands out NumPy's own variable strings, which most of NumPy's world does not take yet.
            made[name] = np.array(column.tolist(), "U").reshape(column.shape) if layout.fields[name].text else column
        return made


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=2) + "\n").encode()
