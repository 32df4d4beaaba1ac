"""A ledger whose bytes are not those that were written says so, and names the file; it never shows anything else."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headrace.errors import DamageError, SinkError
from headrace.store.ledger import FAILED, Ledger, Point
from support.counts import heavy


def made(folder: Path) -> Path:
    ledger = Ledger(folder)
    for batch in range(8):
        some = [
            Point(b"%016d" % (7919 * (batch * 25 + k) % 10007), (batch, k), (k / 3, f"t{k}", np.arange(k * 9)))
            for k in range(25)
        ]
        ledger.put(some, layout=["a", "b"], session={"batch": batch})
    ledger.put([Point(b"failed", (0, 0), ("ValueError", "no", "..."), FAILED)], layout=["a", "b"])
    ledger.put([Point(b"large", (9, 9), (np.arange(20_000.0),))], layout=["a", "b"])
    ledger.set_note("export", {"commits": 3})
    ledger.drop([b"%016d" % 7919])
    ledger.close()
    return folder


def contents(folder: Path, *, readonly: bool) -> Any:
    """Return all that a ledger tells, having asked for it in every way there is."""
    ledger = Ledger(folder, readonly=readonly)
    try:
        rows = sorted(map(repr, ledger.rows()))
        keys = sorted(point.key for point in ledger.rows(values=False))
        known = ledger.known(keys)
        one_by_one = ledger.known(keys[:3])
        return rows, keys, sorted(known), sorted(one_by_one), ledger.note("export"), ledger.totals
    finally:
        ledger.close()


@pytest.mark.soak
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("readonly", [False, True])
def test_a_flipped_byte(readonly: bool, tmp_path: Path) -> None:
    whole = made(tmp_path / "whole")
    wanted = contents(whole, readonly=True)
    data = (whole / "ledger.db").read_bytes()
    draw = random.Random(11)
    detected, silent = 0, 0
    for k in range(heavy(5000)):
        at = draw.randrange(len(data)) if k % 4 else draw.randrange(100)
        flipped = bytearray(data)
        flipped[at] ^= draw.choice([1, 128, draw.randrange(1, 256)])
        copy = tmp_path / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(whole, copy)
        (copy / "ledger.db").write_bytes(flipped)
        try:
            found = contents(copy, readonly=readonly)
        except (DamageError, SinkError) as error:
            told = str(error)
        else:
            told = ""
        if told:
            assert "ledger" in told, at
            assert str(copy) in told, told
            detected += 1
            continue
        assert found == wanted, f"byte {at} changed what is told"
        silent += 1  # in a place that holds nothing
    assert detected > heavy(5000) // 3
    assert contents(whole, readonly=True) == wanted


@pytest.mark.parametrize("readonly", [False, True])
def test_a_truncated_tail(readonly: bool, tmp_path: Path) -> None:
    whole = made(tmp_path / "whole")
    size = (whole / "ledger.db").stat().st_size
    draw = random.Random(5)
    for length in [
        0,
        1,
        99,
        100,
        4095,
        4096,
        size - 1,
        size - 4096,
        *(draw.randrange(size) for _ in range(heavy(500))),
    ]:
        copy = tmp_path / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(whole, copy)
        with open(copy / "ledger.db", "r+b") as file:
            file.truncate(length)
        with pytest.raises(DamageError, match=r"ledger\.db is"):
            contents(copy, readonly=readonly)
        before = (copy / "ledger.db").read_bytes()
        with pytest.raises(DamageError):
            Ledger(copy).check()
        assert (copy / "ledger.db").read_bytes() == before  # nothing is begun over it


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    whole = made(tmp_path / "whole")
    (whole / "ledger.db").unlink()
    for readonly in (False, True):
        with pytest.raises(DamageError, match="is gone, though a ledger was begun here"):
            list(Ledger(whole, readonly=readonly).rows())


def test_a_damaged_array(tmp_path: Path) -> None:
    whole = made(tmp_path / "whole")
    (path,) = (whole / "arrays").rglob("*.npy")
    data = path.read_bytes()
    for wrong in (data[:-1], data[:50], b"", data[:500] + b"\0\1" + data[502:], data + b"x"):
        path.write_bytes(wrong)
        ledger = Ledger(whole)
        with pytest.raises(DamageError, match=path.name):
            ledger.check()
        assert len(list(ledger.rows(values=False))) == 201  # all else is there
        ledger.close()
    path.unlink()
    with pytest.raises(DamageError, match="is gone"):
        Ledger(whole).check()


@pytest.mark.parametrize("cut", [True, False])
def test_a_damaged_array_is_written_again(cut: bool, tmp_path: Path) -> None:
    """A file with another content is no file: the same array that is kept later is whole."""
    whole = made(tmp_path / "whole")
    (path,) = (whole / "arrays").rglob("*.npy")
    data = path.read_bytes()
    path.write_bytes(data[:-1] if cut else data[:-5] + bytes([data[-5] ^ 1]) + data[-4:])
    ledger = Ledger(whole)
    ledger.put([Point(b"again", (), (np.arange(20_000.0),))])
    ledger.check()


def test_a_row_that_somebody_else_removed(tmp_path: Path) -> None:
    import sqlite3

    whole = made(tmp_path / "whole")
    other = sqlite3.connect(whole / "ledger.db")
    other.execute("DELETE FROM points WHERE row = 5")
    other.commit()
    other.close()
    with pytest.raises(DamageError, match="200 were found, 201 were written"):
        list(Ledger(whole).rows())


def test_the_next_write_to_a_sound_part_goes_on(tmp_path: Path) -> None:
    """An array that is gone is named when it is read; the ledger takes more meanwhile."""
    whole = made(tmp_path / "whole")
    shutil.rmtree(whole / "arrays")
    ledger = Ledger(whole)
    assert ledger.put([Point(b"more", (1, 2), (np.ones(20_000),))]) == 1
    assert ledger.get([b"more"])[b"more"].value[0].sum() == 20_000


def flipped(folder: Path, what: bytes) -> None:
    """Change one bit of the last place of the database that holds something."""
    data = bytearray((folder / "ledger.db").read_bytes())
    at = data.rindex(what)
    data[at] ^= 4
    (folder / "ledger.db").write_bytes(data)


def test_one_row_that_is_damaged_costs_one_row(tmp_path: Path) -> None:
    whole = made(tmp_path / "whole")
    wanted = {point.key: repr(point) for point in Ledger(whole).rows()}
    ledger = Ledger(whole)
    layout = {"args": ["n", "k"], "vars": ["v"]}
    ledger.put(
        [Point(b"odd", (3, 4), ("this one is hit",)), Point(b"old", (3, 5), ("another one is hit",))], layout=layout
    )
    ledger.put([Point(b"new", (3, 6), ("and this one is not",))], layout=layout)
    ledger.close()
    flipped(whole, b"this one is hit")
    flipped(whole, b"another one is hit")
    ledger = Ledger(whole)
    with pytest.raises(DamageError, match="salvage"):
        list(ledger.rows())
    found = ledger.damages()
    assert [each.settings for each in found] == [{"n": 3, "k": 4}, {"n": 3, "k": 5}]
    reader = Ledger(whole, readonly=True)
    assert [each.row for each in reader.damages()] == [each.row for each in found]
    reader.close()
    # Results that come again take the place of what is lost, under any rule; nothing has to be read for that.
    ledger.put([Point(b"odd", (3, 4), ("whole again",))], layout=layout, merge=lambda old, new: None)
    assert [each.settings for each in ledger.damages()] == [{"n": 3, "k": 5}]
    assert ledger.salvage() == found[1:]
    assert ledger.damages() == ledger.salvage() == []
    told = {point.key: point.value for point in ledger.rows()}
    assert told.pop(b"odd") == ("whole again",)
    assert told.pop(b"new") == ("and this one is not",)
    assert {point.key: repr(point) for point in ledger.rows() if point.key in told} == wanted
    (kept,) = whole.glob("ledger.db.damaged-*")
    assert b"one is hit" in kept.read_bytes()
    ledger.put([Point(b"old", (3, 5), ("anew",))], layout=layout)
    Ledger(whole).check()


def test_a_damaged_row_can_be_removed(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    ledger.put([Point(b"a", (1,), "this one is hit"), Point(b"b", (2,), "whole")])
    ledger.close()
    flipped(tmp_path / "ledger", b"this one is hit")
    assert ledger.drop([b"a"]) == 1
    ledger.check()
    assert [point.value for point in ledger.rows()] == ["whole"]


@pytest.mark.soak
@pytest.mark.timeout(3000)
def test_salvage_after_any_flipped_byte(tmp_path: Path) -> None:
    """Whatever byte is hit behind the head: what is salvaged is what was written, and most of it."""
    whole = made(tmp_path / "whole")
    wanted = {point.key: repr(point._replace(row=0)) for point in Ledger(whole).rows()}
    data = (whole / "ledger.db").read_bytes()
    draw = random.Random(3)
    most, poor = 0, 0
    for _ in range(heavy(2000)):
        at = draw.randrange(100, len(data))
        copy = tmp_path / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(whole, copy)
        (copy / "ledger.db").write_bytes(data[:at] + bytes([data[at] ^ draw.randrange(1, 256)]) + data[at + 1 :])
        ledger = Ledger(copy)
        try:
            lost = ledger.salvage()
        except (DamageError, SinkError):
            ledger.close()  # the tables' own description, or a page that leads to all others
            poor += 1
            continue
        ledger.check()
        found = {point.key: repr(point._replace(row=0)) for point in ledger.rows()}
        assert all(wanted[key] == told for key, told in found.items()), at
        assert lost or found == wanted, at
        most = max(most, len(found))
        poor += len(found) < len(wanted) // 2
        ledger.close()
    assert most == len(wanted)
    assert poor <= heavy(2000) // 50  # pages that lead to all others are few


def test_what_all_rows_share_is_there_twice(tmp_path: Path) -> None:
    """One byte in the names of coordinates and results costs none of the thousands of rows that have them."""
    layout = {"args": ["amount"], "vars": ["a name of results"]}
    for copy in (0, 1):  # in the table, and in its index
        folder = tmp_path / str(copy)
        ledger = Ledger(folder)
        ledger.put([Point(b"%d" % i, (i,), (i,)) for i in range(100)], layout=layout)
        ledger.close()
        data = bytearray((folder / "ledger.db").read_bytes())
        at = -1
        for _ in range(copy + 1):
            at = data.index(b"a name of results", at + 1)
        data[at] ^= 4
        (folder / "ledger.db").write_bytes(data)
        ledger = Ledger(folder)
        assert all(point.layout == layout for point in ledger.rows())
        ledger.salvage()
        assert ledger.damages() == []
        assert len(ledger) == 100
        ledger.put([Point(b"more", (1,), (1,))], layout=layout)
        assert all(point.layout == layout for point in Ledger(folder).rows())
