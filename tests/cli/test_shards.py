"""`headrace run --shard` and `headrace peek --at`: messages and exit codes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from headrace.cli import main
from headrace.store import read

STREAMS = """
import headrace as hr


def item(i, rng):
    return {"X": rng.normal(size=3), "y": i}


def fragile(i):
    if i == 25:
        raise KeyError("no such song")
    return {"y": i}


def counting():
    for i in range(20_000):
        yield i


endless = hr.functional(item)
stream = hr.functional(item, size=50)
batches = stream | hr.batch(8)
broken = hr.functional(fragile, size=50)
shuffled = stream | hr.shuffle(8)
long = hr.Streamer(counting)
"""
TARGET = "shard_streams.py"
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _streams(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / TARGET).write_text(STREAMS)
    for name in ("shard_streams", "shard_streams_py"):
        monkeypatch.delitem(sys.modules, name, raising=False)


def files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("name", ["stream", "batches"])
def test_shards_make_one_dataset_and_say_so(name: str, capsys: Capture) -> None:
    options = [f"{TARGET}:{name}", "--seed", "7", "--part", "8", "--limit", "45"]
    assert main(["run", *options, "--to", "out", "--shard", "0/2"]) == 0
    assert capsys.readouterr().out == "shard 0/2 of out is complete: 24 rows; other shards are not\n"
    assert main(["run", *options, "--to", "out", "--shard", "1/2"]) == 0
    assert capsys.readouterr().out == "out is complete: 45 rows, 21 of them by shard 1/2\n"
    for i in (0, 1):
        assert main(["run", *options, "--to", "out", "--shard", f"{i}/2", "--resume"]) == 0
        assert capsys.readouterr().out == "out is complete already: 45 rows\n"
    assert main(["run", *options, "--to", "whole"]) == 0
    assert files(Path("out")) == files(Path("whole"))


def test_surplus_shards_end_well(capsys: Capture) -> None:
    for i in (3, 0, 2, 1):
        assert main(["run", f"{TARGET}:stream", "--seed", "7", "--part", "32", "--to", "out", "--shard", f"{i}/4"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "shard 3/4 of out is complete: 0 rows; other shards are not"
    assert told[3] == "out is complete: 50 rows, 18 of them by shard 1/4"
    assert len(read("out")) == 50


def test_an_error_on_the_way_is_one_and_tells_how_to_go_on(here: Path, capsys: Capture) -> None:
    argv = ["run", f"{TARGET}:broken", "--to", "out", "--seed", "7", "--part", "10", "--shard", "0/2"]
    assert main(argv) == 1
    told = capsys.readouterr().err
    assert "KeyError: 'no such song'" in told
    assert f"10 rows are kept in out. Go on with:\n  headrace {' '.join(argv)} --resume\n" in told
    assert main(argv) == 2
    assert "shard 0/2 of out was begun before" in capsys.readouterr().err
    assert main([*argv, "--resume"]) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([f"{TARGET}:shuffled", "--seed", "7", "--shard", "0/2"], "because of shuffle(buffer=8"),
        ([f"{TARGET}:stream", "--shard", "0/2"], "without a seed"),
        ([f"{TARGET}:endless", "--seed", "7", "--shard", "0/2"], "--limit N"),
        ([f"{TARGET}:stream", "--seed", "7", "--shard", "2/2"], "got i=2, n=2"),
        ([f"{TARGET}:stream", "--seed", "7", "--shard", "half"], "wanted I/N"),
        ([f"{TARGET}:stream", "--seed", "7", "--shard", "0/2", "--no-resume"], "got --no-resume"),
    ],
)
def test_what_cannot_begin_is_two(arguments: list[str], message: str, capsys: Capture) -> None:
    assert main(["run", *arguments, "--to", "out"]) == 2
    told = capsys.readouterr()
    assert message in told.err
    assert "Traceback" not in told.err
    assert not Path("out").exists()


# --- peek ---------------------------------------------------------------------------------------


def test_peek_shows_an_item_by_its_number_at_once(capsys: Capture) -> None:
    assert main(["peek", f"{TARGET}:endless", "--at", "1000000000", "--n", "2", "--seed", "7"]) == 0
    told = capsys.readouterr()
    assert told.out.startswith("item 1000000000\n")
    assert "\nitem 1000000001\n" in told.out
    assert not told.err


def test_peek_says_that_it_passes_many_one_by_one(capsys: Capture) -> None:
    assert main(["peek", f"{TARGET}:long", "--at", "9999", "--n", "1"]) == 0
    assert capsys.readouterr() == ("item 9999\n  int  9999\n", "")
    assert main(["peek", f"{TARGET}:long", "--at", "10000", "--n", "1"]) == 0
    told = capsys.readouterr()
    assert told.out.startswith("item 10000\n")
    assert "have no numbers: passing 10000 of them one by one" in told.err


@pytest.mark.parametrize(
    ("name", "at", "message"),
    [
        ("stream", "50", "functional got --at 50, wanted a number from 0 to 49."),
        ("stream", "1000000000", "wanted a number from 0 to 49."),
        ("long", "20000", "streamer got --at 20000, wanted a number from 0 to 19999."),
        ("long", "20001", "streamer got --at 20001, wanted a number from 0 to 19999."),
        ("stream", "-1", "at least 0"),
    ],
)
def test_peek_beyond_the_end_is_two(name: str, at: str, message: str, capsys: Capture) -> None:
    assert main(["peek", f"{TARGET}:{name}", "--at", at, "--seed", "7"]) == 2
    told = capsys.readouterr()
    assert message in told.err
    assert not told.out


def test_peek_near_the_end_says_where_it_is(capsys: Capture) -> None:
    assert main(["peek", f"{TARGET}:stream", "--at", "49", "--seed", "7"]) == 0
    assert capsys.readouterr().out.endswith("the stream ended after 50 items\n")
