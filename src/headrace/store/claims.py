"""Several processes write numbered parts of one dataset: who has which, how far each is, and who marks it complete.

Shard i of n writes the parts i, i + n, i + 2 n, ... and ``_progress-i-of-n.json``, which no other one writes: what the
whole dataset is to be, and how many parts of its own are on disk. What concerns all of them (a beginning, the end) is
done under the lock of the folder, which is held for a moment only.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from headrace.core.notes import warn
from headrace.errors import ResumeError, SinkError, StateMismatchError
from headrace.store.files import LOCK, FolderLock, is_lock, is_temporary, write_file
from headrace.store.layout import Columns
from headrace.store.sinks import DONE, PROGRESS, SHARD, DatasetSink

_WAIT = 60.0  # seconds for the lock of the folder: others hold it while they begin or end
# What shards must agree on, and what it is called.
_SAME = {
    "kind": "format",
    "seed": "seed",
    "fingerprint": "stream",
    "key": "key",
    "limit": "limit",
    "part": "rows per part",
    "batches": "batches=",
    "rows": "number of rows",
    "layout": "fields",
}
_HIDDEN = ("rows", "layout")  # these follow from the others


def begun(folder: Path) -> dict[str, Any] | None:
    """Return what the shards that have begun in a folder agreed on; None when there are none."""
    return next((record["plan"] for record in _records(folder).values()), None)


def _records(folder: Path) -> dict[tuple[int, int], dict[str, Any]]:
    """Return {(i, n): record} of the shards that have begun in a folder, in order."""
    found = {}
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    for match in filter(None, map(SHARD.fullmatch, names)):
        try:
            record = json.loads((folder / match.group()).read_bytes())
        except FileNotFoundError:  # another has just marked the dataset complete
            continue
        if not isinstance(record, dict) or record.get("headrace") != 1:
            raise SinkError(f"{folder} has a {match.group()} that this headrace does not know.\n  Choose another name.")
        found[int(match["i"]), int(match["n"])] = record
    return dict(sorted(found.items()))


class Claim:
    """The right to write the parts of one shard, held until :meth:`release` or the end of the process.

    Parameters
    ----------
    sink
        How the dataset is stored; it has touched nothing yet.
    i, n
        Shard ``i`` of ``n``.
    rows
        Of the whole dataset.
    resume
        Go on with what this shard has begun before. Where it has not, begin.

    Attributes
    ----------
    parts : range
        The numbers of this shard's parts.
    done : int
        How many of them are on disk.
    complete : bool
        Whether the whole dataset is.

    Raises
    ------
    SinkError
        When the folder is another's, when this shard is being written, or was begun and is not to be resumed.
    StateMismatchError
        When the shards that have begun there are those of another dataset.
    """

    def __init__(self, sink: DatasetSink, i: int, n: int, rows: int, *, resume: bool) -> None:
        self.sink: DatasetSink = sink
        self.i: int = i
        self.n: int = n
        self.rows: int = rows
        self.path: Path = sink.path
        total = -(-rows // sink.part) if sink.part else 0
        self.all_parts: range = range(total)
        self.parts: range = self.all_parts[i::n]
        self.done: int = 0
        self.complete: bool = False
        self._resumed = -1  # the part that an earlier run may have left, in whole or in part
        self._plan = {
            "kind": sink.kind,
            "limit": sink.limit,
            "part": sink.part,
            "batches": sink.batches,
            "rows": rows,
            "layout": None if sink.layout is None else sink.layout.plain(),
            **{name: sink.about[name] for name in ("fingerprint", "key", "seed", "code", "version")},
        }
        if self.path.exists() and not self.path.is_dir():
            raise SinkError(f"{sink.who} got {self.path}, which is a file, wanted a folder. Choose another name.")
        self._lock = FolderLock(self.path, f"{LOCK}-{i}-of-{n}", f"shard {i}/{n} of {self.path}")
        try:
            with self._alone():
                self._begin(resume)
        except BaseException:
            self._lock.release()
            raise

    @property
    def kept(self) -> int:
        """How many rows of this shard's parts are on disk."""
        size = self.sink.part or 1
        return sum(min(size, self.rows - number * size) for number in self.parts[: self.done])

    @property
    def whole(self) -> bool:
        """Whether all parts of this shard are on disk."""
        return self.done == len(self.parts)

    def _begin(self, resume: bool) -> None:
        there = sorted(p.name for p in self.path.iterdir() if not is_lock(p.name) and not is_temporary(p.name))
        if DONE in there:
            self._see_complete()
            return
        records = _records(self.path)
        if not records and there:
            if PROGRESS in there:
                raise SinkError(
                    f"{self.path} was begun by one process, this one got shard {self.i}/{self.n}.\n"
                    "  Go on with it without --shard (shard=), or choose another name."
                )
            raise SinkError(f"{self.path} exists and is not empty.\n  Choose another name; headrace deletes no data.")
        for (_, n), record in records.items():
            if n != self.n:
                raise StateMismatchError(
                    f"{self.path} was begun in {n} shards, this is one of {self.n}.\n"
                    f"  Say --shard i/{n} (shard=(i, {n})), or choose another name."
                )
            self._check(record["plan"])
        mine = records.get((self.i, self.n))
        if mine is None:
            if self.parts:
                self._tell()
            return
        if not resume:
            raise SinkError(
                f"shard {self.i}/{self.n} of {self.path} was begun before.\n  Go on with it by --resume (resume=True), "
                "or choose another name; headrace deletes no data."
            )
        self.done = mine["done"]
        self._resumed = self.parts[self.done] if not self.whole else -1

    def _check(self, plan: dict[str, Any]) -> None:
        """Raise unless a plan, as far as it is told, is that of the same dataset; warn when code has changed."""
        for name, called in _SAME.items():
            if name not in plan or plan[name] == self._plan[name]:
                continue
            if name in _HIDDEN or name in ("fingerprint", "key"):
                raise StateMismatchError(
                    f"{self.path} was begun with another {called} than that of shard {self.i}/{self.n}.\n"
                    "  Start all shards with the same stream, seed and data, or choose another name."
                )
            raise StateMismatchError(
                f"{self.path} was begun with {called} {plan[name]}, shard {self.i}/{self.n} got {self._plan[name]}.\n"
                "  Start all shards alike, or choose another name."
            )
        if plan.get("code") != self._plan["code"]:
            warn(
                f"the code of a function in the stream has changed since {self.path} was begun: parts from here on come "
                "from the new code."
            )

    def _see_complete(self) -> None:
        told = json.loads((self.path / DONE).read_bytes())
        fields = {"fields": told.pop("fields"), "item": told.pop("item")}
        if told["rows"]:
            told["layout"] = fields
        self._check(told)
        self._sweep()
        self.complete, self.done = True, len(self.parts)

    def write(self, columns: Columns) -> None:
        """Write this shard's next part, and that it is there.

        Raises
        ------
        SinkError
            When there is a file of another's in the way, or the disk takes no more.
        """
        number = self.parts[self.done]
        files = self.sink.part_files(number, columns)
        for name, _ in files:
            if number != self._resumed and (self.path / name).exists():
                raise SinkError(
                    f"{self.path / name} exists, and no shard of this dataset has written it.\n"
                    "  Move it elsewhere and resume; headrace deletes no data."
                )
        self._resumed = number  # should the disk be full in the middle of it
        for name, data in files:
            write_file(self.path / name, data)
        self.done += 1
        self._tell()

    def _tell(self) -> None:
        record = {"headrace": 1, "shard": [self.i, self.n], "done": self.done, "plan": self._plan}
        write_file(self.path / f"_progress-{self.i}-of-{self.n}.json", f"{json.dumps(record)}\n".encode())

    def finish(self, over: Columns, state: Any) -> None:
        """Mark the dataset complete if all parts of all shards are there; several at once do no harm.

        Parameters
        ----------
        over, state
            Rows drawn beyond the limit, and the state of the stream behind them: the dataset can be extended.
        """
        with self._alone():
            if (self.path / DONE).exists():
                self._see_complete()
                return
            records = _records(self.path)
            for i in range(min(self.n, len(self.all_parts))):
                record = records.get((i, self.n))
                if record is None or record["done"] < len(self.all_parts[i :: self.n]):
                    return
            # Whoever comes last: what is told is what the first shard has told, should code have changed since.
            first = next(iter(records.values()))["plan"] if records else self._plan
            self.sink.about.update(code=first["code"], version=first["version"], seed=first["seed"])
            self.sink.complete_with(self.rows, over, state)
            self._sweep()
            self.complete = True

    def _sweep(self) -> None:
        """Remove what shards have kept of themselves: the dataset is complete."""
        mine = f"{LOCK}-{self.i}-of-{self.n}"
        for path in sorted(self.path.iterdir()):
            left = SHARD.fullmatch(path.name) or is_temporary(path.name)
            if left or (is_lock(path.name) and path.name not in (LOCK, mine)):
                with suppress(OSError):  # Windows does not remove open files
                    path.unlink()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the lock of the folder, after those who hold it for a moment."""
        until = monotonic() + _WAIT
        while True:
            try:
                lock = FolderLock(self.path)
                break
            except SinkError as error:
                if error.__cause__ is not None or self._one_process() or monotonic() > until:
                    raise
            sleep(0.01)
        try:
            yield
        finally:
            lock.release()

    def _one_process(self) -> bool:
        """Tell whether the lock is held by a run that writes the whole, and keeps it."""
        names = {path.name for path in self.path.iterdir()}
        return PROGRESS in names and DONE not in names and not any(map(SHARD.fullmatch, names))

    def release(self) -> None:
        """Let another write this shard. Twice is fine."""
        self._lock.release()


def refuse_resumable() -> ResumeError:
    """Return what is said to a shard that would save no state."""
    return ResumeError(
        "shards got --no-resume (resumable=False), wanted a stream that can be resumed: the dataset tells its state.\n"
        "  Leave it out, or write the dataset by one process."
    )
