"""A session opened again: what it says of itself, columns read lazily, signals that equal the live ones to the bit."""

from __future__ import annotations

import json
import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace.signals as s
from headrace.core.block import Block, Pace
from headrace.core.fingerprint import fingerprint
from headrace.core.knob import Knob
from headrace.errors import DamageError, DataError, HeadraceWarning, RegistryError, StreamConfigError
from headrace.live.devices.clock import VirtualClock
from headrace.live.recording.folder import SessionExistsError, create_session
from headrace.live.recording.recorder import Recorder
from headrace.live.recording.session import Session
from support.exactly import differ

RATE = 100.0


def live_blocks(n: int = 40, seed: int = 0) -> list[Block]:
    """Blocks of all lengths, as a device gives them."""
    rng, first, found = np.random.default_rng(seed), 0, []
    for _ in range(n):
        rows = int(rng.integers(0, 50))
        times = 1.7e9 + (first + np.arange(rows)) / RATE
        columns = {"timestamp": times, "a": rng.normal(size=rows), "b": rng.normal(size=rows)}
        columns["acc"] = rng.normal(size=(rows, 3)).astype(np.float32)
        found.append(Block(columns, first=first, rate=RATE))
        first += rows
    return found


def graph(**more: Any) -> Any:
    return s.Graph(
        [
            s.Sum("a", "b", name="x"),
            s.BandPassFilter("x", name="band", order=4, cutoff_freq=(2, 8), sample_rate=RATE),
            s.FourierTransform("x", name="spectrum", window_size=64, window_overlap=32),
            s.Integrate("a", name="total"),
            s.MovingAverage("band", length=10, name="smooth"),
        ],
        **more,
    )


def recorded(path: Path, blocks: list[Block], **options: Any) -> Session:
    with Recorder(path, **options) as recorder:
        for block in blocks:
            recorder.write(block)
    return Session(path)


def joined(blocks: list[Any], name: str) -> Any:
    return np.concatenate([block[name] for block in blocks])


@s.signal
def selected(x: Any, *, among: Any) -> Any:
    return np.isin(x, list(among))


# --- what it says of itself -----------------------------------------------------------------------


class Source:
    sample_rate = 250


class System:
    source = Source()


def test_metadata_tells_what_is_documented(tmp_path: Path) -> None:
    path = create_session(tmp_path / "monday", System(), {"subject": "A. B.", "trial": np.int64(3)}, graph=graph())
    told = json.loads((path / "metadata.json").read_text())
    assert {"system_user", "timestamp", "argv", "platform"} <= told.keys()
    assert told["session_name"] == "monday"
    assert told["data_source"] == "Source"
    assert told["sample_rate"] == 250.0
    assert told["subject"] == "A. B."
    assert told["trial"] == 3
    assert [node["name"] for node in told["signal_functions"]] == [node.name for node in graph().nodes]
    assert len(told["timestamp"]) == len("2026-01-31_12:34:56")
    assert told["fingerprint"] == fingerprint(graph())


def test_nothing_is_ever_recorded_over(tmp_path: Path) -> None:
    recorded(tmp_path / "s", live_blocks(2))
    (tmp_path / "file").write_text("mine")
    for path in (tmp_path / "s", tmp_path / "file"):
        with pytest.raises(FileExistsError, match="nothing is ever recorded over"):
            Recorder(path)
    with pytest.raises(SessionExistsError):
        create_session(tmp_path / "s")
    assert Session(tmp_path / "s").complete
    assert (tmp_path / "file").read_text() == "mine"


def test_a_session_that_cannot_begin_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"metadata 'what' = .*wanted JSON"):
        Recorder(tmp_path / "s", metadata={"what": object()})
    with pytest.raises(DataError, match="'platform'"):
        Recorder(tmp_path / "s", metadata={"platform": "mine"})
    with pytest.raises(StreamConfigError, match="wanted one of them"):
        Recorder(tmp_path / "s", graph=graph(), run=graph().run())
    assert not (tmp_path / "s").exists()


def test_fields_can_be_added_to_the_metadata(tmp_path: Path) -> None:
    session = recorded(tmp_path / "s", live_blocks(2))
    session.metadata["mine"] = 1
    assert "mine" not in session.metadata, "a copy"
    session.add_metadata_field("score", np.float64(0.5))
    assert session.metadata["score"] == Session(tmp_path / "s").metadata["score"] == 0.5
    with pytest.raises(DataError, match="wanted JSON"):
        session.add_metadata_field("what", object())
    assert "what" not in Session(tmp_path / "s").metadata


def test_the_data_is_one_file(tmp_path: Path) -> None:
    session = recorded(tmp_path / "s", live_blocks(2))
    assert session.raw_data_path == tmp_path / "s" / "raw_data.hrc"
    assert session.datafile_extension == ".hrc"
    assert session.metadata_path.name == "metadata.json"
    (tmp_path / "s" / "raw_data.wav").touch()
    with pytest.raises(FileNotFoundError, match=r"raw_data.hrc, raw_data.wav"):
        _ = Session(tmp_path / "s").raw
    with pytest.raises(FileNotFoundError, match="no session"):
        Session(tmp_path / "nowhere")
    empty = create_session(tmp_path / "empty")
    with pytest.raises(FileNotFoundError, match="has none"):
        _ = Session.from_filename(empty).raw_data_path


def test_marks_and_clocks(tmp_path: Path) -> None:
    clock = VirtualClock(5.0, wall=1000.0)
    with Recorder(tmp_path / "s", clock=clock) as recorder:
        recorder.write({"x": np.zeros(3)})
        clock.advance(2.0)
        clock.step_wall(3600)  # someone sets the time
        given = recorder.mark("key", {"pressed": [1, 2.5, None]})
        recorder.mark("earlier", now=6.0)
        recorder.align("mic", [0.0, 1.0], np.array([5.0, 6.001]), slope_ppm=np.float64(12.0))
        with pytest.raises(DataError, match="wanted JSON"):
            recorder.mark("what", object())
        with pytest.raises(DataError, match="pair by pair"):
            recorder.align("mic", [0.0], [])
    session = Session(tmp_path / "s")
    assert session.marks[0] == given
    assert [(mark.name, mark.row, mark.now, mark.time) for mark in session.marks] == [
        ("key", 3, 7.0, 1002.0),
        ("earlier", 3, 6.0, 1001.0),
    ]
    assert session.anchors[0] == (5.0, 1000.0)
    (mic,) = session.alignments
    assert mic == {"name": "mic", "device": [0.0, 1.0], "host": [5.0, 6.001], "fit": {"slope_ppm": 12.0}}


# --- columns --------------------------------------------------------------------------------------


def test_raw_is_every_column_read_where_it_is_looked_at(tmp_path: Path) -> None:
    blocks = live_blocks()
    raw = recorded(tmp_path / "s", blocks).raw
    n = sum(block.n for block in blocks)
    assert list(raw) == ["timestamp", "a", "b", "acc"]
    assert (raw.n, raw.first, raw.rate) == (n, 0, RATE)
    for name in raw:
        whole = joined(blocks, name)
        column = raw[name]
        assert (column.shape, column.dtype, column.ndim, len(column)) == (whole.shape, whole.dtype, whole.ndim, n)
        for index in [
            slice(None),
            slice(3, n - 3),
            slice(-5, None),
            slice(10, 2),
            slice(n, None, -7),
            5,
            -1,
            ...,
            [3, 1],
        ]:
            assert not differ(np.asarray(column[index]), np.asarray(whole[index])), index
        assert not differ(np.asarray(column), whole)
        assert not differ(np.concatenate(list(column.pieces(1000))), whole)
        np.testing.assert_array_equal(2 * column + 1, 2 * whole + 1)
    assert not differ(raw["acc"][4:9, 1], joined(blocks, "acc")[4:9, 1])
    with pytest.raises(IndexError):
        raw["a"][n]
    with pytest.raises(KeyError, match="'timestamp', 'a'"):
        raw["c"]
    part = raw[7:90]
    assert (part.first, part.n, part.rate) == (7, 83, RATE)
    assert not differ(part["acc"], joined(blocks, "acc")[7:90])
    np.testing.assert_array_equal(part.timestamps("a"), joined(blocks, "timestamp")[7:90])


def test_blocks_are_as_recorded_or_as_asked_for(tmp_path: Path) -> None:
    blocks = live_blocks()
    session = recorded(tmp_path / "s", blocks)
    assert [block.n for block in session.blocks()] == [block.n for block in blocks]
    found = list(session.raw.blocks(64))
    assert {block.n for block in found[:-1]} == {64}
    assert not differ(joined(found, "acc"), joined(blocks, "acc"))
    assert [block.first for block in found] == [64 * i for i in range(len(found))]
    with pytest.raises(DataError, match="1 or more"):
        list(session.raw.blocks(0))


def test_only_what_is_looked_at_is_read(tmp_path: Path) -> None:
    """A damaged column does not keep the others, or other rows of it, from being read."""
    path = tmp_path / "s"
    with Recorder(path) as recorder:
        for i in range(4):
            recorder.write({"x": np.full(1000, i), "y": np.full(1000, 7.25 * i)})
    file = path / "raw_data.hrc"
    content = file.read_bytes()
    at = content.index(np.full(1000, 7.25 * 2).tobytes())
    file.write_bytes(content[: at + 5] + b"\xff" + content[at + 6 :])
    session = Session(path)
    assert session.raw["x"][:].tolist() == [i for i in range(4) for _ in range(1000)]
    assert session.raw["y"][:2000].tolist() == [7.25 * i for i in range(2) for _ in range(1000)]
    with pytest.raises(DamageError, match=r"block 2 of .*rows 2000 to 3000.*\n.*damaged='skip'"):
        session.raw["y"][1990:2010]
    assert session.damage == ()
    assert len(session.verify()) == 1
    rest = Session(path, damaged="skip")
    assert rest.raw["y"][:].tolist() == [7.25 * i for i in (0, 1, 3) for _ in range(1000)]
    assert rest.raw["x"][:].tolist() == [i for i in (0, 1, 3) for _ in range(1000)]


def test_columns_that_change_on_the_way(tmp_path: Path) -> None:
    with Recorder(tmp_path / "s") as recorder:
        recorder.write({"x": np.array([1, 2]), "gone": np.zeros(2)})
        recorder.write({"new": np.ones(1), "x": np.array([2.5])})
    session = Session(tmp_path / "s")
    assert list(session.raw) == ["x"]
    assert session.raw["x"][:].tolist() == [1.0, 2.0, 2.5]
    assert [list(block) for block in session.blocks()] == [["x", "gone"], ["new", "x"]]
    assert next(session.blocks())["x"].dtype == np.int64
    assert session.partial == ("gone", "new")
    with pytest.warns(UserWarning, match="get_data leaves out 'gone', 'new'"):
        assert list(session.get_data()) == ["x"]


def test_columns_with_a_pace_and_times_of_their_own(tmp_path: Path) -> None:
    pace = Pace(Fraction(2), Fraction(1))
    whole = Block.of({"x": np.arange(12), "slow": np.arange(6)}, 0, 12, None, {"slow": pace}, {}, np.arange(12.0), None)
    with Recorder(tmp_path / "s") as recorder:
        for lo, hi in [(0, 5), (5, 6), (6, 12)]:
            slow = whole["slow"][pace.rows_before(lo) : pace.rows_before(hi)]
            columns = {"x": whole["x"][lo:hi], "slow": slow}
            recorder.write(Block.of(columns, lo, hi - lo, None, {"slow": pace}, {}, np.arange(float(lo), hi), None))
    raw = Session(tmp_path / "s").raw
    assert raw["slow"][:].tolist() == [0, 1, 2, 3, 4, 5]
    assert raw.timestamps("slow").tolist() == [1.0, 3.0, 5.0, 7.0, 9.0, 11.0]
    part = raw[3:8]
    assert part["slow"].tolist() == [1, 2, 3]
    assert part.timestamps("slow").tolist() == [3.0, 5.0, 7.0]


def test_an_empty_recording(tmp_path: Path) -> None:
    with Recorder(tmp_path / "s", graph=graph()) as recorder:
        recorder.write({})
    session = Session(tmp_path / "s")
    assert (list(session.raw), session.raw.n, list(session.blocks())) == ([], 0, [])
    assert session.complete


# --- signals --------------------------------------------------------------------------------------


def live(run: Any, blocks: list[Block]) -> list[Block]:
    return [run(block) for block in blocks]


def check_signals(session: Session, seen: list[Block], names: list[str]) -> None:
    made = session.signals()
    for name in names:
        assert not differ(made[name][:], joined(seen, name)), name
        lo, hi = len(made[name]) // 3, len(made[name]) // 2
        assert not differ(made[name][lo:hi], joined(seen, name)[lo:hi]), name
    again = list(made.blocks())
    for mine, theirs in zip(again, seen, strict=True):
        assert list(mine) == list(theirs)
        assert all(not differ(mine[name], theirs[name]) for name in mine)
        assert (mine.first, mine.n, mine.rate, mine.paces) == (theirs.first, theirs.n, theirs.rate, theirs.paces)


def test_signals_are_those_of_the_live_run(tmp_path: Path) -> None:
    blocks = live_blocks()
    seen = live(graph().run(), blocks)
    session = recorded(tmp_path / "s", blocks, graph=graph())
    assert session.graph == graph()
    assert session.functions == graph().nodes
    assert session.get_parameters() == graph().get_params()
    check_signals(session, seen, ["band", "spectrum", "smooth", "acc"])
    for _ in range(2):  # from a fresh start each time
        found = session.get_data()
        assert not differ({name: found[name] for name in found}, {name: joined(seen, name) for name in found})
        assert found.paces == seen[0].paces
        np.testing.assert_array_equal(found.timestamps("spectrum"), joined_times(seen))
    other = s.Graph([s.Scale("acc", name="twice", scale_factor=2.0)])
    assert not differ(session.signals(other)["twice"][:], joined(blocks, "acc") * np.float32(2))


def joined_times(blocks: list[Block]) -> Any:
    return np.concatenate([block.timestamps("spectrum") for block in blocks])


def test_a_graph_called_on_raw_is_the_offline_run(tmp_path: Path) -> None:
    blocks = live_blocks()
    seen = live(graph().run(), blocks)
    offline = graph()(recorded(tmp_path / "s", blocks).raw)
    for name in offline:
        assert not differ(np.asarray(offline[name]), joined(seen, name)), name
    assert offline.rate == RATE


def test_a_recording_of_a_run_under_way_with_what_is_changed_in_it(tmp_path: Path) -> None:
    blocks, knob = live_blocks(60), Knob(1.0)
    nodes = (*graph().nodes, s.Scale("x", name="scaled", scale_factor=knob))
    run = s.Graph(nodes).run()
    for block in blocks[:20]:
        run(block)
    knob.set(2.0)
    run(blocks[20])
    recorder, seen = Recorder(tmp_path / "s", run=run), []
    for i, block in enumerate(blocks[21:]):
        if i == 5:
            knob.set(3.0)
        if i == 10:
            run.add(s.Integrate("smooth", name="late"))
        if i == 15:
            run.set("smooth.length", 5)
            run.remove("total")
        seen.append(run(block))
        recorder.write(block)
    recorder.close()
    session = Session(tmp_path / "s")
    check_signals(session, seen, ["band", "spectrum", "smooth", "scaled"])
    assert "late" in list(session.signals().blocks())[-1]
    assert not differ(session.get_data()["smooth"], joined(seen, "smooth"))


def test_a_graph_that_cannot_be_written_does_not_keep_the_data_from_being_recorded(tmp_path: Path) -> None:
    odd = s.Graph([selected("x", name="y", among=frozenset([1.0]))])
    with pytest.warns(HeadraceWarning, match="only the data"):
        recorder = Recorder(tmp_path / "s", graph=odd)
    recorder.write({"x": np.ones(3)})
    recorder.close()
    session = Session(tmp_path / "s")
    assert session.raw["x"].tolist() == [1.0, 1.0, 1.0]
    assert session.graph is None
    with pytest.raises(DataError, match="no graph of its own"):
        session.signals()
    assert list(session.get_data()) == ["x"]


def test_functions_of_the_graph_are_given_again(tmp_path: Path) -> None:
    chosen = s.Graph([selected("x", name="y", among=(1.0, 3.0))])
    recorded(tmp_path / "s", [Block({"x": np.array([1.0, 2.0, 3.0])})], graph=chosen)
    with pytest.raises(RegistryError, match="selected"):
        Session(tmp_path / "s").signals()
    known = {f"{selected.function.__module__}:selected": selected}
    found = Session(tmp_path / "s", known_functions=known).signals()
    assert found["y"].tolist() == [True, False, True]


def test_a_session_can_be_read_while_it_is_recorded(tmp_path: Path) -> None:
    blocks = live_blocks()
    with Recorder(tmp_path / "s") as recorder:
        for block in blocks[:10]:
            recorder.write(block)
        session = Session(tmp_path / "s")
        assert not session.complete
        assert session.raw.n == sum(block.n for block in blocks[:10])
        for block in blocks[10:]:
            recorder.write(block)
        assert session.raw.n == sum(block.n for block in blocks[:10]), "as it was when it was opened"
    assert Session(tmp_path / "s").raw.n == sum(block.n for block in blocks)


def test_a_closed_session_has_let_go(tmp_path: Path) -> None:
    recorded(tmp_path / "s", live_blocks(3))
    before = len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0
    with Session(tmp_path / "s") as session:
        column = session.raw["a"]
        column[:]
    session.close()
    if before:
        assert len(os.listdir("/proc/self/fd")) <= before
    with pytest.raises(DataError, match="Open the session again"):
        column[:]
    with pytest.raises(StreamConfigError, match="'raise' or 'skip'"):
        Session(tmp_path / "s", damaged="no")  # type: ignore[arg-type]


def test_more_than_memory_holds_is_read_a_piece_at_a_time(tmp_path: Path) -> None:
    import tracemalloc

    chosen = s.Graph([s.Scale("x", name="y", scale_factor=2.0)])
    with Recorder(tmp_path / "s") as recorder:
        for i in range(400):
            recorder.write({"x": np.full(1 << 14, float(i)), "other": np.full((1 << 14, 1), i)})
    tracemalloc.start()
    try:
        session = Session(tmp_path / "s")
        raw, made = session.raw, session.signals(chosen)
        assert raw["x"][1 << 22] == 1 << 8
        assert [float(block["y"][0]) for block in made.blocks()] == [2.0 * i for i in range(400)]
        assert sum(len(piece) for piece in raw["x"].pieces()) == 400 << 14
        assert sum(block.n for block in made.blocks(100_000)) == 400 << 14
        assert made["y"][(399 << 14) :].tolist() == [798.0] * (1 << 14)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 12 << 20, "of a hundred megabytes"
