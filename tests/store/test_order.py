"""What a crash of the machine may not undo is on disk before what relies on it: the order of writes, syncs, renames."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

import headrace as hr
from headrace.store import NpzFolder

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="folders are not synced there")


class Recorder:
    """Notes what is asked of the file system: ("sync", name, bytes seen), ("rename", from, to), ("folder", name)."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        self.seen: list[tuple[Any, ...]] = []
        fsync, replace = os.fsync, os.replace

        def name(path: Any) -> str:
            return Path(path).relative_to(root).as_posix()

        def synced(handle: int) -> None:
            path = os.readlink(f"/proc/self/fd/{handle}")
            if os.path.isdir(path):
                self.seen.append(("folder", name(path)))
            else:
                self.seen.append(("sync", name(path), Path(path).read_bytes()))
            fsync(handle)

        def replaced(old: Any, new: Any) -> None:
            self.seen.append(("rename", name(old), name(new)))
            replace(old, new)

        patch.setattr(os, "fsync", synced)
        patch.setattr(os, "replace", replaced)

    def writes(self) -> list[str]:
        """Return the files that were put in place, each in the one right order; fail at any other."""
        made: list[str] = []
        for k, step in enumerate(self.seen):
            if step[0] != "rename":
                continue
            old, new = step[1:]
            before, after = self.seen[k - 1], self.seen[k + 1]
            assert before[:2] == ("sync", old), f"{new} was renamed before it was synced"
            assert after == ("folder", Path(new).parent.as_posix()), f"after {new} its folder was not synced"
            made.append(new)
        return made


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no names of open files")
def test_each_file_is_synced_renamed_and_its_name_synced_before_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(tmp_path.resolve(), monkeypatch)
    with NpzFolder(tmp_path.resolve() / "set", part=2) as sink:
        hr.drain([{"x": k} for k in range(5)], sink)
    assert recorder.writes() == [
        "set/_progress.json",
        "set/_begun.json",
        "set/part-000000.npz",
        "set/_begun.json",
        "set/part-000001.npz",
        "set/_begun.json",
        "set/part-000002.npz",
        "set/_progress.json",  # never before the rows it tells of
        "set/_headrace.json",  # last
    ]
    # What was synced was all of it: nothing was written behind the sync.
    synced = {step[1]: step[2] for step in recorder.seen if step[0] == "sync"}
    for name in ("part-000002.npz", "_progress.json", "_headrace.json"):
        assert synced[f"set/.headrace-{name}.tmp"] == (tmp_path / "set" / name).read_bytes()
