"""Run a stream into a dataset, so that it can be stopped at any moment and gone on with."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from pathlib import Path
from time import monotonic
from typing import Any, Self

from headrace.core import Cursor, Stream, as_stream
from headrace.core.key import Seed, seed_integer
from headrace.errors import HeadraceError, ResumeError, StateMismatchError
from headrace.store.claims import refuse_resumable
from headrace.store.origin import Saved, check_limit, dims_of, gives_batches, kind_of, told
from headrace.store.shards import Sharding
from headrace.store.sinks import DatasetSink

_REST = 20  # saving may take one part in this many of the time


class Saving:
    """A run of a stream into a dataset: opened, checked and locked, not yet begun.

    Parameters
    ----------
    stream
        A stream, or anything that makes one.
    path
        The folder to write; its suffix chooses the format unless ``kind`` does.
    limit
        Rows in the dataset. On resume, by default, what it was before; ``math.inf`` takes a limit away.
    seed
        Replaces the recipe's root seed. Without any seed a fresh key is drawn, recorded, and used on resume.
    resume
        Go on with an unfinished dataset, or with a finished one under a larger ``limit``. Where there is none, begin.
    resumable
        Save the state of the stream as it goes. False lets a stream that cannot be resumed be saved in one go.
    kind, part, batches
        See :func:`kind_of` and :class:`headrace.store.sinks.DatasetSink`.
    every
        Seconds between records of progress: what a kill costs at most, unless saving takes so long that this would cost
        more than a twentieth of the time. 0 saves after every item.

    Raises
    ------
    StreamConfigError
        When the stream is endless and there is no limit.
    ResumeError
        When the stream, or the dataset, cannot be resumed.
    StateMismatchError
        When the dataset was made by another stream or seed.
    SinkError
        When the folder cannot be written to.
    """

    resumable: bool
    every: float
    sink: DatasetSink

    def __init__(
        self,
        stream: Any,
        path: str | Path,
        *,
        limit: float | None = None,
        seed: Seed | None = None,
        resume: bool = False,
        resumable: bool = True,
        kind: str | None = None,
        part: int | None = None,
        batches: bool | None = None,
        every: float = 5.0,
    ) -> None:
        self.stream: Stream[Any] = as_stream(stream)
        self.resumable, self.every = resumable, every
        make = kind_of(path, kind)
        if resumable:
            self._check_resumable()
        begun = resume and (Path(path) / "_progress.json").exists()
        if not begun:
            self._check_limit(limit)
        self._seed = None if seed is None else seed_integer(seed)
        self._cursor: Cursor[Any] | None = None
        try:
            self.sink = make(
                path,
                part=part,
                batches=batches,
                limit=limit,
                dims=dims_of(self.stream),
                resume=resume,
                check=self._match,
            )
        except BaseException:
            if self._cursor is not None:  # it matched, and then the folder could not be made ready
                self._cursor.close()
            raise
        try:
            if self._cursor is None:
                self._begin()
        except BaseException:
            self.close()
            raise

    def _check_resumable(self) -> None:
        try:
            self.stream.stamp()
        except ResumeError as error:
            raise ResumeError(f"{error}\n  Or save it in one go, without its state: --no-resume.") from None

    def _check_limit(self, limit: float | None) -> None:
        check_limit(self.stream, limit)

    def _begin(self) -> None:
        if self._seed is not None:
            self.stream = self.stream.seeded(self._seed)
        if self.sink.batches is None and gives_batches(self.stream):
            self.sink.batches = True
        self._cursor = self.stream.open()
        self.sink.about = told(self.stream, self._cursor.key, self._seed)
        self.sink.keep(self._state())

    def _match(self, sink: DatasetSink) -> None:
        """Open the stream where an earlier run left it, or raise; nothing has been changed yet."""
        before = sink.about
        if not before:
            if sink.rows or sink.complete:
                raise ResumeError(
                    f"{sink.path} was not written from a stream by headrace run: there is no state to go on from.\n"
                    "  Begin another dataset."
                )
            self._check_limit(sink.limit)
            return  # killed before it had begun
        if self._seed is not None and self._seed != before["seed"]:
            had = "without a seed of the command's" if before["seed"] is None else f"with seed {before['seed']}"
            raise StateMismatchError(
                f"{sink.path} was begun {had}, this run got seed {self._seed}.\n"
                "  Leave the seed out, or begin another dataset."
            )
        if before["seed"] is not None:
            self.stream = self.stream.seeded(before["seed"])
        if sink.record is None and sink.going_on:
            raise ResumeError(
                f"{sink.path} was written without the state of its stream (--no-resume): it cannot be gone on with.\n"
                "  Begin another dataset."
            )
        cursor = self.stream.open(at=sink.record)
        try:
            if before["fingerprint"] != self.stream.fingerprint:
                raise StateMismatchError(f"{sink.path} was made by another stream.\n  Begin another dataset.")
            self._check_limit(sink.limit)
        except BaseException:
            cursor.close()
            raise
        self._cursor = cursor

    @property
    def cursor(self) -> Cursor[Any]:
        """The pass over the stream that is being saved."""
        assert self._cursor is not None
        return self._cursor

    @property
    def kept(self) -> int:
        """How many rows are on disk."""
        return self.sink.kept

    @property
    def complete(self) -> bool:
        """Whether the dataset is complete."""
        return self.sink.complete

    @property
    def total(self) -> int | None:
        """How many rows there will be, where that is known: the limit, or the size of the stream."""
        sizes = [n for n in (self.sink.limit, None if self.sink.batches else self.stream.size) if n not in (None, inf)]
        return int(min(n for n in sizes if n is not None)) if sizes else None

    def run(self, report: Callable[[int], object] | None = None, stop: Callable[[], object] | None = None) -> Saved:
        """Write items until the limit, the end of the stream, or until ``stop()`` is true.

        An exception of the stream's is passed on after everything before it has been kept.

        Parameters
        ----------
        report
            Called with the number of rows, about ten times a second.
        stop
            Asked after every item. A stopped run can be resumed.

        Raises
        ------
        SinkError
            When an item is not like the first one or the disk takes no more; what was kept before stays.
        ResumeError
            When the state holds something that cannot be saved.
        """
        sink = self.sink
        try:
            if not sink.complete:
                self._draw(report, stop)
            return Saved(sink.path, sink.rows, sink.complete, bool(sink.about["ended"]))
        finally:
            self.close()

    def _draw(self, report: Callable[[int], object] | None, stop: Callable[[], object] | None) -> None:
        sink, now = self.sink, monotonic()
        next_report, next_keep = now, now + self.every
        ended = bool(sink.about["ended"])
        items = iter(self.cursor)
        while not (ended or sink.full):
            try:
                item = next(items)
            except StopIteration:
                ended = True
                break
            except Exception as error:
                self._keep_before(error)
                raise
            sink.write(item)
            now = monotonic()
            if now >= next_keep:
                took = self._keep()
                if self.every:
                    next_keep = now + took + max(self.every, _REST * took)
            if now >= next_report:
                next_report = now + 0.1
                if report is not None:
                    report(sink.rows)
            if stop is not None and stop():
                self._keep()
                return
        # The end is only seen by asking for one more; where the size is known, that makes no difference.
        sink.about["ended"] = ended
        self._keep()
        sink.finish()
        if report is not None:
            report(sink.rows)

    def _keep_before(self, error: Exception) -> None:
        try:
            self._keep()
        except HeadraceError as second:
            error.add_note(f"  and rows {self.sink.kept} to {self.sink.rows - 1} could not be kept: {second}")

    def _keep(self) -> float:
        began = monotonic()
        self.sink.keep(self._state())
        return monotonic() - began

    def _state(self) -> Any:
        return self.cursor.state() if self.resumable else None

    def close(self) -> None:
        """Let go of the stream and the folder. Twice is fine."""
        try:
            if self._cursor is not None:
                self._cursor.close()
        finally:
            self.sink.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def save(
    stream: Any,
    path: str | Path,
    *,
    limit: float | None = None,
    seed: Seed | None = None,
    resume: bool = False,
    resumable: bool = True,
    kind: str | None = None,
    part: int | None = None,
    batches: bool | None = None,
    every: float = 5.0,
    shard: tuple[int, int] | None = None,
) -> Saved:
    """Write the items of a stream to a dataset: what ``headrace run`` does; see :class:`Saving` for the parameters.

    With ``shard=(i, n)`` this process is one of n that write the same dataset, each some of its parts; see
    :class:`headrace.store.Sharding`. ``every`` means nothing then: progress is recorded with every part.

    Killed at any moment and called again with ``resume=True``, it leaves the files that an uninterrupted run leaves:
    the same rows in the same parts, and the same ``_headrace.json``, to the byte. ``_progress.json`` is that too, but
    for a stream with a :func:`headrace.background` in it, whose state can tell one place in two ways.

    Examples
    --------
    >>> import tempfile, headrace as hr
    >>> path = f"{tempfile.mkdtemp()}/noise"
    >>> noise = hr.Streamer(range(100)) | hr.map(lambda i, rng: {"i": i, "x": rng.normal()})
    >>> hr.store.save(noise, path, limit=60, seed=7).rows
    60
    >>> hr.store.save(noise, path, limit=100, resume=True).rows
    100
    >>> hr.store.read(path)[42]["i"]
    np.int64(42)
    """
    if shard is not None:
        if not resumable:
            raise refuse_resumable()
        part_of_it = Sharding(
            stream, path, shard, limit=limit, seed=seed, resume=resume, kind=kind, part=part, batches=batches
        )
        return part_of_it.run()
    job = Saving(
        stream,
        path,
        limit=limit,
        seed=seed,
        resume=resume,
        resumable=resumable,
        kind=kind,
        part=part,
        batches=batches,
        every=every,
    )
    return job.run()
