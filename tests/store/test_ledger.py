"""The point ledger: what is put is there, in whatever process, and nothing else is."""

from __future__ import annotations

import errno
import gc
import os
import pickle
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headrace.errors import DamageError, DataError, SinkError
from headrace.store import ledger_db, ledger_lock
from headrace.store.ledger import FAILED, Ledger, Point
from headrace.store.ledger_memory import MemoryLedger
from headrace.store.ledger_rows import Seen
from support.counts import heavy


def points(n: int, first: int = 0) -> list[Point]:
    return [Point(b"%08d" % i, (i,), (i / 3, f"text {i}")) for i in range(first, first + n)]


def contents(ledger: Any) -> list[tuple[bytes, Any, Any]]:
    return [(point.key, point.coords, point.value) for point in ledger.rows()]


@pytest.fixture(params=["disk", "memory"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    made: Any = Ledger(tmp_path / "ledger") if request.param == "disk" else MemoryLedger()
    yield made
    made.close()


def test_what_is_put_is_there(ledger: Any) -> None:
    assert contents(ledger) == []
    assert ledger.put(points(5), layout=["a"], session={"host": "x"}) == 5
    ledger.put([Point(b"late", (9,), None, FAILED, 0.5, 12.0)], layout=["b"])
    rows = list(ledger.rows())
    assert [point.key for point in rows] == [point.key for point in points(5)] + [b"late"]
    assert [point.layout for point in rows] == [["a"]] * 5 + [["b"]]
    assert rows[0].session == {"host": "x"}
    assert (rows[5].state, rows[5].seconds, rows[5].at) == (FAILED, 0.5, 12.0)
    assert np.isnan(rows[0].seconds)
    assert abs(rows[0].at - time.time()) < 60
    assert len(ledger) == 6
    assert ledger.totals.failed == 1
    assert [point.row for point in ledger.rows(after=rows[3].row)] == [rows[4].row, rows[5].row]
    assert ledger.known([b"00000001", b"late", b"none"]) == {b"00000001"}
    assert ledger.known([b"00000001", b"late", b"none"], None) == {b"00000001", b"late"}
    assert set(ledger.get([b"00000001", b"none"])) == {b"00000001"}


def test_a_key_that_is_there_gives_way_unless_merged(ledger: Any) -> None:
    ledger.put(points(3), layout=["a"])
    assert ledger.put([Point(b"00000001", (1,), "new")], layout=["a"]) == 1
    assert [point.value for point in ledger.rows()] == [points(3)[0].value, points(3)[2].value, "new"]
    seen = []

    def merge(old: Point, new: Point) -> Point | None:
        seen.append((old.value, new.value))
        return None if new.value == "no" else new._replace(value=f"{old.value}+{new.value}")

    ledger.put(
        [Point(b"00000001", (1,), "no"), Point(b"x", (), 1), Point(b"00000001", (1,), "yes")], layout=["a"], merge=merge
    )
    assert seen == [("new", "no"), ("new", "yes")]
    assert [point.value for point in ledger.rows()][-2:] == [1, "new+yes"]
    assert len(ledger) == 4


def test_what_merge_raises_undoes_all(ledger: Any) -> None:
    ledger.put(points(2))
    before = contents(ledger)

    def merge(old: Point, new: Point) -> Point | None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        ledger.put([Point(b"fresh", (), 1), Point(b"00000001", (1,), 2)], merge=merge)
    assert contents(ledger) == before
    assert ledger.put([Point(b"fresh", (), 1)]) == 1


def test_drop_and_change(ledger: Any) -> None:
    ledger.put(points(5))
    assert ledger.drop([b"00000001", b"none"]) == 1
    assert (
        ledger.change(
            lambda point: point if point.coords == (0,) else point._replace(key=b"+" + point.key, coords=("x",))
        )
        == 3
    )
    assert [point.coords for point in ledger.rows()] == [(0,), ("x",), ("x",), ("x",)]
    assert ledger.known([b"+00000004", b"00000004"]) == {b"+00000004"}
    assert ledger.drop([]) == 0


def test_what_was_added_since(tmp_path: Path) -> None:
    """Whoever has read some goes on from there, and is told when any of it is there no more."""
    one, two = Ledger(tmp_path / "ledger"), Ledger(tmp_path / "ledger")
    assert one.added(Seen()) == ([], Seen())
    two.put(points(2500))
    first, seen = one.added(Seen()) or ([], Seen())
    assert [point.key for point in first] == [point.key for point in points(2500)]
    assert one.added(seen) == ([], seen)
    two.put(points(3, 5000), layout=["a"])
    more, later = one.added(seen) or ([], Seen())
    assert [(point.coords, point.layout) for point in more] == [((5000 + i,), ["a"]) for i in range(3)]
    assert one.added(seen) == (more, later)
    for change in (
        lambda: two.put([points(1)[0]._replace(value="another")]),
        lambda: two.drop([b"%08d" % 7]),
        lambda: (two.drop([b"%08d" % 8]), two.put(points(1, 9000))),
    ):
        change()
        assert one.added(later) is None
        everything, later = one.added(Seen()) or ([], Seen())
        assert len(everything) == later.rows == len(two)
    for ledger in (one, two):
        ledger.close()


def test_what_is_known_is_what_is_there_now(tmp_path: Path) -> None:
    """However often it was asked before, and whoever changed it."""
    one, two = Ledger(tmp_path / "ledger"), Ledger(tmp_path / "ledger")
    asked = [b"%08d" % i for i in range(6)]

    def begun_anew() -> None:
        two.close()
        one.close()
        shutil.rmtree(one.path)
        two.put(points(1, 5))

    changes: list[tuple[Callable[[], object], set[int]]]
    assert one.known(asked) == set()
    changes = [
        (lambda: two.put(points(3)), {0, 1, 2}),
        (lambda: two.drop([b"00000001"]), {0, 2}),
        (lambda: two.put([Point(b"00000002", (2,), None, FAILED)]), {0}),
        (lambda: one.put(points(3, 3)), {0, 3, 4, 5}),
        (begun_anew, {5}),
    ]
    for change, wanted in changes:
        change()
        for _ in range(2):
            assert one.known(asked) == {b"%08d" % i for i in wanted}
            assert one.known(asked, None) >= one.known(asked)
    for ledger in (one, two):
        ledger.close()


def test_what_was_added_to_another_ledger_of_that_name(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    ledger.put(points(3))
    _, seen = ledger.added(Seen()) or ([], Seen())
    ledger.close()
    shutil.rmtree(tmp_path / "ledger")
    assert ledger.added(seen) is None
    ledger.put([point._replace(value="another") for point in points(5)])
    assert ledger.added(seen) is None
    with sqlite3.connect(tmp_path / "ledger" / "ledger.db") as connection:
        connection.execute("DELETE FROM points WHERE row = 2")
    with pytest.raises(DamageError, match="its rows are not those that were written"):
        ledger.added(Seen())
    ledger.close()


def test_notes_and_numbers(ledger: Any) -> None:
    assert ledger.note("a") is None
    assert ledger.note("a", 3) == 3
    ledger.set_note("a", {"x": [1, None]})
    assert ledger.note("a") == {"x": [1, None]}
    commits = ledger.totals.commits
    ledger.set_note("a", None)
    assert ledger.note("a") is None
    assert ledger.totals.commits == commits
    ledger.set_note("b", 1, counts=True)
    assert ledger.totals.commits == commits + 1
    assert [ledger.reserve(3), ledger.reserve(2), ledger.reserve(1)] == [0, 3, 5]


def test_a_packed_point_does_not_change(ledger: Any) -> None:
    array = np.zeros(3)
    packed = ledger.pack(Point(b"a", (), (array,)))
    array[:] = 7
    ledger.put([packed])
    assert next(iter(ledger.rows())).value[0].tolist() == [0, 0, 0]
    assert ledger.unpack(packed).value[0].tolist() == [0, 0, 0]
    assert packed.size > 0


def test_nothing_is_made_before_something_is_put(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    assert len(ledger) == 0
    assert list(ledger.rows()) == []
    assert ledger.known([b"a"]) == set()
    ledger.check()
    assert not ledger.exists
    assert not list(tmp_path.iterdir())
    assert ledger.put([]) == 0
    assert not list(tmp_path.iterdir())


def test_another_ledger_of_the_same_folder_sees_it(tmp_path: Path) -> None:
    one, two = Ledger(tmp_path / "ledger"), Ledger(tmp_path / "ledger")
    one.put(points(2), layout=["a"])
    two.put(points(2, 2), layout=["a"])
    assert contents(one) == contents(two)
    assert len(one) == 4
    one.close()
    two.put(points(2, 4), layout=["a"])  # what was closed took no lock along
    assert len(Ledger(tmp_path / "ledger", readonly=True)) == 6
    assert len(pickle.loads(pickle.dumps(two))) == 6


def test_large_arrays_have_files_of_their_own(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    array = np.arange(20_000.0)
    for key in (b"a", b"b"):
        ledger.put([Point(key, (), {"x": [array, array[:10]], "y": np.asfortranarray(array.reshape(100, 200))})])
    files = [path for path in (tmp_path / "ledger" / "arrays").rglob("*") if path.is_file()]
    assert sorted(path.suffix for path in files) == [".npy", ".npy"]  # equal contents share one
    assert (tmp_path / "ledger" / "ledger.db").stat().st_size < 100_000
    for path in files:
        assert np.load(path).size == 20_000
    found = ledger.get([b"b"])[b"b"].value
    assert np.array_equal(found["x"][0], array)
    assert found["y"].flags.f_contiguous
    found["x"][0][0] = 5  # one's own
    ledger.put([Point(b"long", (), ["x" * 100] * 20_000)])
    assert len(ledger.get([b"long"])[b"long"].value) == 20_000
    ledger.drop([b"a", b"long"])
    assert ledger.tidy() == 0
    for path in (tmp_path / "ledger" / "arrays").rglob("*"):
        os.utime(path, (0, 0))
    assert ledger.tidy() == 1
    ledger.check()


def test_values_that_need_a_pickle(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    with pytest.raises(DataError, match="only a pickle"):
        ledger.put([Point(b"a", (), (1, np.ma.masked_array([1])))])
    assert not ledger.exists
    free = Ledger(tmp_path / "ledger", allow_pickle=True)
    free.put([Point(b"a", (), np.ma.masked_array([1], [True]))])
    with pytest.raises(DataError, match="can run any code"):
        list(ledger.rows())
    assert len(list(ledger.rows(values=False))) == 1
    assert next(iter(free.rows())).value.mask.tolist() == [True]


def test_a_long_read_does_not_stop_a_writer(tmp_path: Path) -> None:
    one, two = Ledger(tmp_path / "ledger"), Ledger(tmp_path / "ledger")
    one.put(points(3000))
    seen = []
    for k, point in enumerate(one.rows()):
        if k == 10:
            two.put([Point(b"new", (), 1)])
        seen.append(point.key)
    assert len(seen) == 3001


def test_threads(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    failed = []

    def write(k: int) -> None:
        try:
            for i in range(20):
                ledger.put(points(3, 1000 * k + 3 * i))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert len(ledger) == 240
    ledger.check()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_uses_no_connection_of_its_parent(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    ledger.put(points(2))
    pid = os.fork()
    if not pid:
        try:
            ledger.put(points(2, 2))
            ledger.close()
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(pid, 0)[1] == 0
    ledger.put(points(2, 4))
    assert len(ledger) == 6
    ledger.check()


def test_a_ledger_that_was_deleted_is_begun_anew(tmp_path: Path) -> None:
    import shutil

    one, two = Ledger(tmp_path / "ledger"), Ledger(tmp_path / "ledger")
    one.put(points(2), layout=["a"])
    two.put(points(2, 2), layout=["a"])
    one.close()
    shutil.rmtree(tmp_path / "ledger")
    two.put(points(1, 9), layout=["a"])
    assert [point.layout for point in one.rows()] == [["a"]]
    two.check()


# --- what is refused ------------------------------------------------------------------------------


def test_another_database_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "ledger").mkdir()
    other = sqlite3.connect(tmp_path / "ledger" / "ledger.db")
    other.execute("CREATE TABLE mine(a)")
    other.commit()
    other.close()
    before = (tmp_path / "ledger" / "ledger.db").read_bytes()
    with pytest.raises(SinkError, match="something else"):
        Ledger(tmp_path / "ledger").put(points(1))
    assert (tmp_path / "ledger" / "ledger.db").read_bytes() == before


def test_another_version_is_left_alone(tmp_path: Path) -> None:
    Ledger(tmp_path / "ledger").put(points(1))
    other = sqlite3.connect(tmp_path / "ledger" / "ledger.db")
    other.execute("PRAGMA user_version = 7")
    other.close()
    for readonly in (False, True):
        with pytest.raises(SinkError, match="version 7"):
            list(Ledger(tmp_path / "ledger", readonly=readonly).rows())


def test_reading_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="opened to be read"):
        Ledger(tmp_path / "ledger", readonly=True).put(points(1))
    assert list(Ledger(tmp_path / "ledger", readonly=True).rows()) == []


def test_a_second_host_on_a_network_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_lock, "filesystem", lambda path: "nfs4")
    one, same = Ledger(tmp_path / "ledger"), Ledger(tmp_path / "ledger")
    one.put(points(1))
    same.put(points(1, 1))
    assert same._db.connection().execute("PRAGMA journal_mode").fetchone()[0] == "truncate"
    with monkeypatch.context() as there:
        there.setattr(ledger_lock, "host", lambda: "other")
        with pytest.raises(SinkError, match=r"process \d+ on .*this is other"):
            Ledger(tmp_path / "ledger").put(points(1, 2))
        assert len(Ledger(tmp_path / "ledger", readonly=True)) == 2  # it may read
        one.close()
        with pytest.raises(SinkError, match="one host at a time"):
            Ledger(tmp_path / "ledger").put(points(1, 2))
        same.close()
        other = Ledger(tmp_path / "ledger")
        other.put(points(1, 2))
        other.close()
    # A process of this host that is dead keeps nobody out.
    (tmp_path / "ledger" / "writers" / f"{ledger_lock.host()}~99999999").touch()
    one.put(points(1, 3))
    assert len(one) == 4
    one.close()


def test_the_name_of_a_file_system() -> None:
    assert isinstance(ledger_lock.filesystem(Path(__file__)), str)
    assert ledger_lock.filesystem(Path("/no/such/place")) == ""
    assert not ledger_lock.is_far(Path(__file__))


def test_a_writer_that_hangs_is_named(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    ledger.put(points(1))
    code = (
        "import sys, time; from pathlib import Path; from headrace.store.ledger_lock import Turnstile\n"
        "with Turnstile(Path(sys.argv[1]), 'x').turn():\n    print('has it', flush=True); time.sleep(60)"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "ledger" / "ledger.lock")], stdout=subprocess.PIPE
    )
    assert other.stdout is not None
    assert other.stdout.readline() == b"has it\n"
    ledger._db.turnstile.patience = 0.2
    with pytest.raises(SinkError, match=f"process {other.pid}" if sys.platform == "linux" else "process"):
        ledger.put(points(1, 1))
    assert len(ledger) == 1  # reading needs no turn
    other.kill()
    other.communicate()
    ledger.put(points(1, 1))
    assert len(ledger) == 2


def test_another_program_that_holds_the_database_is_waited_for(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    ledger.put(points(1))
    other = sqlite3.connect(tmp_path / "ledger" / "ledger.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    ledger._db.turnstile.patience = 0.2
    with pytest.raises(SinkError, match="held by another program"):
        ledger.put(points(1, 1))
    ledger._db.turnstile.patience = 60
    timer = threading.Timer(0.2, lambda: other.execute("COMMIT"))
    timer.start()
    ledger.put(points(1, 1))
    timer.join()
    other.close()
    assert len(ledger) == 2


# --- what a disk does -----------------------------------------------------------------------------


def test_write_ahead_logs_where_they_are_sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_db, "_SAFE_WAL", (3, 0, 0))
    one, two = Ledger(tmp_path / "ledger"), Ledger(tmp_path / "ledger")
    one.put(points(2))
    assert one._db.connection().execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    two.put(points(2, 2))
    assert len(one) == 4
    assert len(Ledger(tmp_path / "ledger", readonly=True)) == 4
    one.check()


def test_a_full_disk_while_an_array_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger(tmp_path / "ledger")
    ledger.put(points(2))

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    large = Point(b"large", (), np.zeros(20_000))
    with monkeypatch.context() as there:
        there.setattr(os, "fsync", full)
        with pytest.raises(SinkError, match="saved before is safe"):
            ledger.put([large])
    assert contents(ledger) == contents(Ledger(tmp_path / "ledger"))
    assert len(ledger) == 2
    assert not list((tmp_path / "ledger").rglob("*.tmp"))
    ledger.put([large])
    ledger.check()


def test_a_full_disk_at_a_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger(tmp_path / "ledger")
    ledger.put(points(2))
    ledger._db.connection().execute("PRAGMA max_page_count=1")  # what there is, and no page more
    with pytest.raises(SinkError, match=r"disk is full.*\n.*saved before is safe"):
        ledger.put([Point(b"%08d" % i, (i,), "x" * 3000) for i in range(100, 200)])
    assert len(ledger) == 2
    ledger._db.connection().execute("PRAGMA max_page_count=1000000")
    ledger.put(points(2, 2))
    assert len(ledger) == 4
    ledger.check()


@pytest.mark.skipif(sys.platform != "linux", reason="needs tmpfs")
def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", small], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("may not mount a tmpfs here: full disks are injected above")
    try:
        ledger = Ledger(small / "ledger")
        kept = 0

        def fill() -> None:
            nonlocal kept
            for kept in range(1000):
                value = (b"x" * 9000, np.zeros(13_000) if kept % 5 == 0 else None)
                ledger.put([Point(b"%08d" % kept, (kept,), value)])

        with pytest.raises(SinkError, match="saved before is safe"):
            fill()
        assert kept > 3
        ledger.close()
        again = Ledger(small / "ledger")
        assert {point.key for point in again.rows()} >= {b"%08d" % i for i in range(kept)}
        again.check()
        subprocess.run(["mount", "-o", "remount,size=4m", small], check=True)
        again.put(points(2, 5000))
        assert len(again) >= kept + 2
        again.close()
    finally:
        subprocess.run(["umount", small], check=True)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a bind mount")
def test_a_read_only_directory(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    ledger.put([*points(3), Point(b"large", (), np.arange(20_000))])
    ledger.close()
    view = tmp_path / "view"
    view.mkdir()
    made = subprocess.run(["mount", "--bind", tmp_path / "ledger", view], capture_output=True, check=False)
    if (
        made.returncode
        or subprocess.run(["mount", "-o", "remount,bind,ro", view], capture_output=True, check=False).returncode
    ):
        subprocess.run(["umount", view], capture_output=True, check=False)
        pytest.skip("may not mount here")
    try:
        reader = Ledger(view, readonly=True)
        assert contents(reader)[:3] == contents(ledger)[:3]
        reader.check()
        reader.close()
        writer = Ledger(view)
        with pytest.raises(SinkError, match="cannot be written"):
            writer.put(points(1, 9))
        writer.close()
    finally:
        subprocess.run(["umount", view], check=True)


def test_read_beside_a_writer_that_was_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it had begun is undone in a copy, where nothing may be changed."""
    ledger = Ledger(tmp_path / "ledger")
    ledger.put(points(50))
    code = (
        "import os, sys; from headrace.store import ledger_db; from headrace.store.ledger import Ledger, Point\n"
        "def die(connection):\n"
        "    connection.execute('PRAGMA cache_spill=1'); connection.execute('PRAGMA cache_size=1')\n"
        "    connection.executemany('INSERT INTO things(told, crc) VALUES (?, 1)', [(b'%09d' % i * 999,) for i in range(99)])\n"
        "    os.kill(os.getpid(), 9)\n"
        "ledger_db.commit = die\n"
        "Ledger(sys.argv[1]).put([Point(b'new', (), 'x' * 100000)])\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "ledger")], check=False)
    assert done.returncode == -9
    journal = tmp_path / "ledger" / "ledger.db-journal"
    assert journal.stat().st_size > 0
    before = {path: path.read_bytes() for path in (tmp_path / "ledger").iterdir() if path.is_file()}
    copies = tmp_path / "copies"
    copies.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(copies))
    reader = Ledger(tmp_path / "ledger", readonly=True)
    assert len(contents(reader)) == 50
    assert len(list(copies.iterdir())) == 1
    reader.close()
    dropped: list[Any] = [Ledger(tmp_path / "ledger", readonly=True)]
    assert len(contents(dropped[0])) == 50
    dropped.append(dropped)
    del dropped
    gc.collect()  # a warning that says so would fail here
    assert list(copies.iterdir()) == []
    assert {path: path.read_bytes() for path in before} == before
    ledger.close()
    assert len(contents(Ledger(tmp_path / "ledger"))) == 50  # and undone for good by who may write


def test_only_these_points_stay(ledger: Any) -> None:
    ledger.put(points(4), layout=["a"])
    assert ledger.put([Point(b"00000001", (1,), "new"), Point(b"x", (), 1)], layout=["a"], only=True) == 2
    assert [(point.key, point.value) for point in ledger.rows()] == [(b"00000001", "new"), (b"x", 1)]
    ledger.put([], only=True)
    assert list(ledger.rows()) == []
    assert ledger.totals.bytes == 0


def test_a_guard_sees_what_is_there_and_can_refuse(ledger: Any) -> None:
    ledger.put(points(1), layout=["a"])

    def guard() -> None:
        assert ledger.first().layout == ["a"]
        raise KeyError("no")

    with pytest.raises(KeyError):
        ledger.put(points(3), layout=["b"], guard=guard)
    assert len(ledger) == 1


def test_how_many_were_written(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    ledger.put(points(3), layout=["a"])
    some = [Point(b"00000001", (1,), "new"), *points(1), Point(b"x", (), 1)]  # replaced, the same, added
    assert ledger.put(some, layout=["a"]) == 2


def _put(ledger: Any, layout: Any, size: int) -> None:
    ledger.put([Point(b"%08d" % i, (i,), "x" * size) for i in range(3)], layout=layout)


def _put_merged(ledger: Any, layout: Any, size: int) -> None:
    some = [Point(b"%08d" % i, (i,), 0) for i in range(3)]
    ledger.put(some, layout=["z"], merge=lambda old, new: new._replace(value="x" * size, layout=layout))


def _change(ledger: Any, layout: Any, size: int) -> None:
    ledger.change(lambda point: point._replace(value="x" * size, layout=layout))


@pytest.mark.parametrize("act", [_put, _put_merged, _change])
def test_what_rows_share_is_right_after_a_write_that_was_undone(act: Any, tmp_path: Path) -> None:
    """Numbers that an undone write gave to layouts are nobody's: the next write must not use them, and others may."""
    ledger, other = Ledger(tmp_path / "ledger"), Ledger(tmp_path / "ledger")
    ledger.put(points(3), layout=["a"])
    ledger._db.connection().execute("PRAGMA max_page_count=1")
    with pytest.raises(SinkError, match="disk is full"):
        act(ledger, ["mine"], 3000)
    ledger._db.connection().execute("PRAGMA max_page_count=1000000")
    other.put([Point(b"theirs", (9,), "theirs")], layout=["theirs"])  # takes the number that was not used
    act(ledger, ["mine"], 3000)
    told = {point.key: point.layout for point in Ledger(tmp_path / "ledger").rows()}
    assert told.pop(b"theirs") in (["theirs"], ["mine"] if act is _change else None)
    assert set(map(str, told.values())) == {"['mine']"}
    Ledger(tmp_path / "ledger").check()


def test_what_rows_share_is_right_after_a_merge_that_met_a_full_disk(tmp_path: Path) -> None:
    ledger, other = Ledger(tmp_path / "ledger"), Ledger(tmp_path / "ledger")
    ledger.put(points(3), layout=["a"])

    def merge(old: Point, new: Point) -> Point:
        raise OSError(28, "No space left on device")

    with pytest.raises(SinkError, match="No space"):
        ledger.put(points(1)[:1] + [Point(b"00000001", (1,), "new")], layout=["mine"], merge=merge)
    other.put([Point(b"theirs", (9,), "theirs")], layout=["theirs"])
    ledger.put([Point(b"mine", (1,), "mine")], layout=["mine"])
    told = {point.key: point.layout for point in Ledger(tmp_path / "ledger").rows()}
    assert told[b"mine"] == ["mine"]
    assert told[b"theirs"] == ["theirs"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_while_a_thread_writes_can_use_ledgers(tmp_path: Path) -> None:
    """SQLite has locks of its own: one that a thread held at that moment would be held for ever in the child."""
    ledger = Ledger(tmp_path / "ledger")
    ended = threading.Event()
    put: list[int] = []

    def write() -> None:
        while not ended.is_set():
            k = len(put)
            ledger.put([Point(b"%d-%d" % (k, i), (k, i), "x" * 3000) for i in range(1000)])
            put.append(k)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for _ in range(heavy(100) + 6):
            time.sleep(0.03)
            child = os.fork()
            if not child:
                signal.signal(signal.SIGALRM, signal.SIG_DFL)
                signal.alarm(20)  # ends one that hangs
                try:
                    os._exit(0 if len(ledger) >= 0 else 1)
                finally:
                    os._exit(2)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        ended.set()
        thread.join()
    assert len(Ledger(tmp_path / "ledger")) == 1000 * len(put)
