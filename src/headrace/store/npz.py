"""A folder of ``.npz`` files: NumPy and nothing else, and parts that can be mapped into memory."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from headrace.core.registry import register
from headrace.store.layout import Columns, Layout
from headrace.store.sinks import DatasetSink


@register("npz_folder", kind="sink", example=lambda folder: NpzFolder(folder))
class NpzFolder(DatasetSink):
    """A dataset as ``part-000000.npz``, ``part-000001.npz``, ...; see :class:`DatasetSink` for the parameters.

    Stores booleans, numbers of every kind, strings, bytes, dates; nothing is compressed, nothing is pickled.

    Examples
    --------
    >>> import tempfile, headrace as hr
    >>> folder = tempfile.mkdtemp()
    >>> with hr.store.NpzFolder(f"{folder}/squares", part=2) as sink:
    ...     hr.drain([{"x": 1, "y": 1}, {"x": 2, "y": 4}, {"x": 3, "y": 9}], sink)
    3
    >>> hr.store.read(f"{folder}/squares")[1:]
    {'x': array([2, 3]), 'y': array([4, 9])}
    """

    kind: ClassVar[str] = "npz"
    part_name: ClassVar[re.Pattern[str]] = re.compile(r"part-(?P<number>\d{6,})\.npz")

    def part_files(self, number: int, columns: Columns) -> list[tuple[str, bytes]]:
        file = io.BytesIO()
        # Not np.savez: there a field may not be called "file" or "allow_pickle".
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
            for name, column in columns.items():
                member = zipfile.ZipInfo(f"{name}.npy")  # dated 1980, so that equal data makes equal files
                with archive.open(member, "w", force_zip64=True) as out:
                    np.lib.format.write_array(out, np.ascontiguousarray(column), allow_pickle=False)
        return [(f"part-{number:06d}.npz", file.getvalue())]

    @staticmethod
    def read_part(folder: Path, number: int, layout: Layout, names: Sequence[str]) -> Columns:
        return mapped(folder / f"part-{number:06d}.npz", names)


def mapped(path: Path, names: Sequence[str]) -> Columns:
    """Return arrays of an uncompressed ``.npz`` file as read-only views of the file.

    Raises
    ------
    ValueError
        When an array holds objects: nothing is unpickled.
    KeyError
        When there is no array of that name.
    """
    made: Columns = {}
    with zipfile.ZipFile(path) as archive, open(path, "rb") as file:
        for name in names:
            info = archive.getinfo(f"{name}.npy")
            if info.compress_type != zipfile.ZIP_STORED:
                with archive.open(info) as member:
                    made[name] = np.lib.format.read_array(member, allow_pickle=False)
                continue
            # The local header: 30 bytes, of which the last four are the lengths of the name and the extra field.
            file.seek(info.header_offset + 26)
            name_length, extra_length = np.frombuffer(file.read(4), "<u2").tolist()
            file.seek(name_length + extra_length, io.SEEK_CUR)
            made[name] = _mapped_array(path, file)
    return made


def _mapped_array(path: Path, file: Any) -> np.ndarray[Any, Any]:
    version = np.lib.format.read_magic(file)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read_header(file)
    if dtype.hasobject:
        raise ValueError(f"{path} holds objects, which are not loaded.")
    if 0 in shape:
        return np.zeros(shape, dtype)
    found = np.memmap(path, dtype, "r", file.tell(), shape, "F" if fortran else "C")
    return found.view(np.ndarray)  # a plain array over the same pages
