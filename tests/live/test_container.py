"""The file of a recording: every block back byte for byte, and what is damaged told, with the rest read."""

from __future__ import annotations

import os
import resource
import shutil
import signal
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.core.block import Block, Pace
from headrace.errors import ClosedError, DamageError, DataError, SinkError
from headrace.live.recording.container import MAGIC, Writer
from headrace.live.recording.index import CHUNK, read_index
from headrace.live.recording.recorder import Recorder
from headrace.live.recording.recording import Recording
from headrace.live.recording.scan import Record, View, scan
from headrace.live.recording.session import Session
from support.exactly import DTYPES, columns, differ


def parts(block: Block) -> dict[str, Any]:
    """All that a block is."""
    return {
        "columns": dict(block),
        "order": list(block),
        "first": block.first,
        "n": block.n,
        "rate": block.rate,
        "paces": dict(block.paces),
        "late": dict(block.latencies),
        "times": None if block.times is None else np.asarray(block.times),
        "before": block.before,
    }


def same(one: Block, other: Block) -> str:
    return differ(parts(one), parts(other))


SLOW = Pace(Fraction(3, 2), Fraction(1), 2)


@st.composite
def blocks(draw: st.DrawFn) -> list[Block]:
    """Blocks that follow each other, of any columns, now and then of others."""
    found: list[Block] = []
    first = draw(st.integers(0, 2**40))
    kinds = [*DTYPES, "texts and None", "anything", "ragged"]
    for _ in range(draw(st.integers(0, 4))):
        n = draw(st.integers(0, 4))
        made: dict[str, Any] = {}
        for name in draw(st.lists(st.sampled_from(["x", "timestamp", "é\ud800", "y z"]), unique=True, max_size=3)):
            shape = (n, *draw(st.sampled_from([(), (), (2,), (2, 0), (3, 1)])))
            kind = "f8" if name == "timestamp" else draw(st.sampled_from(kinds))
            made[name] = draw(columns(shape if kind in DTYPES else (n,), [kind]))
        paces = {"slow": SLOW} if draw(st.booleans()) else {}
        late = {name: Fraction(1, 3) for name in list(made)[:1]}
        rate, before = draw(st.none() | st.just(1e3)), draw(st.none() | st.floats())
        times = draw(st.sampled_from([None, made.get("timestamp"), np.arange(float(n))]))
        if paces:
            made["slow"] = np.zeros(5)
        block = Block.of(made, first, n, rate, paces, late, times, before)
        found.append(block)
        first += n
    return found


@given(blocks())
def test_blocks_come_back_byte_for_byte(tmp_path_factory: pytest.TempPathFactory, given_blocks: list[Block]) -> None:
    path = tmp_path_factory.mktemp("recorded") / "session"
    with Recorder(path) as recorder:
        for block in given_blocks:
            recorder.write(block)
    recording = Recording(path / "raw_data.hrc")
    found = list(recording.blocks())
    kept = [block for block in given_blocks if block]  # without columns there is nothing to keep
    assert len(found) == len(kept)
    for mine, theirs in zip(found, kept, strict=True):
        assert not same(mine, theirs)
    assert recording.complete
    assert recording.damage == ()


def simple(i: int) -> Block:
    rng = np.random.default_rng(i)
    times = 1.7e9 + np.arange(4.0) + 4 * i
    return Block({"timestamp": times, "x": rng.normal(size=(4, 3)), "i": np.full(4, i)}, first=4 * i, rate=1.0)


def recorded(path: Path, n: int = 30) -> Path:
    with Recorder(path) as recorder:
        for i in range(n):
            recorder.write(simple(i))
            if i % 10 == 5:
                recorder.mark("tens", i)
    return path / "raw_data.hrc"


def sound_numbers(session: Session) -> list[int]:
    """The numbers of the blocks that are read, each of them checked."""
    found = []
    for block in session.blocks():
        i = int(block["i"][0])
        assert not same(block, simple(i))
        found.append(i)
    return found


def records(file: Path, kind: bytes | None = None) -> list[Record]:
    return [each for each in scan(View(file)) if isinstance(each, Record) and kind in (None, each.kind)]


def test_a_file_cut_anywhere_gives_what_was_whole_before(tmp_path: Path) -> None:
    file = recorded(tmp_path / "s", 12)
    whole = file.read_bytes()
    places = [(record.at, record.kind) for record in records(file)]
    ends = [*(at for at, _ in places[1:]), len(whole)]
    for size in [*range(0, len(whole), 97), len(whole) - 1]:
        os.truncate(file, 0)
        file.write_bytes(whole[:size])
        session = Session(tmp_path / "s")  # as it is by default: a kill leaves no less
        rows = [end for end, (_, kind) in zip(ends, places, strict=True) if kind == b"ROWS" and end <= size]
        assert sound_numbers(session) == list(range(len(rows)))
        assert not session.complete
        assert all(each.tail for each in session.damage)
        session.close()


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording that nobody changes: to record anew for each example would take most of the time."""
    return recorded(tmp_path_factory.mktemp("sound") / "s")


@given(data=st.data())
def test_flipped_bytes_are_told_and_all_else_is_read(
    sound: Path, tmp_path_factory: pytest.TempPathFactory, data: Any
) -> None:
    folder = tmp_path_factory.mktemp("flipped") / "s"
    shutil.copytree(sound.parent, folder)
    file = folder / sound.name
    content = bytearray(file.read_bytes())
    if data.draw(st.booleans()):
        del content[-48:]  # the place of the index: it is looked through, as after a kill
    at = data.draw(st.integers(0, len(content) - 1))
    length = data.draw(st.sampled_from([1, 1, 4, 100]))
    hit = content[at : at + length]
    content[at : at + length] = bytes(byte ^ data.draw(st.integers(1, 255)) for byte in hit)
    file.write_bytes(content)
    try:
        strict = sound_numbers(Session(file.parent))
    except DamageError:
        strict = []
    session = Session(file.parent, damaged="skip")
    found = sound_numbers(session)
    assert len(found) >= 30 - 3, "what is beside it is read"
    if len(found) < 30:
        assert session.damage
    if strict:
        assert strict == found
    assert session.raw["i"][:].tolist() == [i for i in found for _ in range(4)]


@pytest.mark.parametrize("n", [0, 1, 2 * CHUNK + 7])
def test_the_index_says_what_looking_through_the_file_does(n: int, tmp_path: Path) -> None:
    with Recorder(tmp_path / "s") as recorder:
        for i in range(n):
            recorder.write({"x": np.arange(i % 3 + 1), **({"y": np.zeros(i % 3 + 1)} if i % 5 == 0 else {})})
            if i % 1000 == 3:
                recorder.mark("mark", i)
    file = tmp_path / "s" / "raw_data.hrc"
    by_index = Recording(file)
    assert read_index(View(file)) is not None
    assert len(records(file, b"INDX")) == n // CHUNK + 1
    os.truncate(file, file.stat().st_size - 48)
    assert read_index(View(file)) is None
    looked_through = Recording(file)
    for name in ("offsets", "sizes", "fronts", "schema", "first", "rows", "arrived"):
        np.testing.assert_array_equal(getattr(by_index, name), getattr(looked_through, name))
    assert by_index.notes == looked_through.notes
    assert by_index.schemas == looked_through.schemas
    assert len(by_index) == n
    assert by_index.complete
    assert looked_through.complete


def test_one_that_has_an_index_is_opened_without_looking_through_it(tmp_path: Path) -> None:
    with Recorder(tmp_path / "s") as recorder:
        for _ in range(CHUNK + 5):
            recorder.write({"x": np.zeros(200)})
    file = tmp_path / "s" / "raw_data.hrc"
    reads = 0

    class Counting(View):
        def _pread(self, at: int, n: int) -> bytes:
            nonlocal reads
            reads += n
            return super()._pread(at, n)

    assert read_index(Counting(file)) is not None
    assert reads < file.stat().st_size / 2


@pytest.mark.parametrize("version", [27, 255])
def test_a_damaged_byte_of_the_version_is_no_later_version(version: int, tmp_path: Path) -> None:
    file = recorded(tmp_path / "s")
    content = bytearray(file.read_bytes())
    content[13] = version
    file.write_bytes(content)
    with pytest.raises(DamageError, match="beginning"):
        sound_numbers(Session(file.parent))
    assert sound_numbers(Session(file.parent, damaged="skip")) == list(range(30))


def test_records_cut_out_of_the_middle_are_missed(tmp_path: Path) -> None:
    file = recorded(tmp_path / "s")
    rows = records(file, b"ROWS")
    content = file.read_bytes()
    file.write_bytes(content[: rows[10].at] + content[rows[13].at :])
    with pytest.raises(DamageError, match="records are missing"):
        _ = Session(file.parent).raw
    session = Session(file.parent, damaged="skip")
    assert sound_numbers(session) == [*range(10), *range(13, 30)]


def test_an_insertion_is_passed(tmp_path: Path) -> None:
    file = recorded(tmp_path / "s")
    content = file.read_bytes()
    rows = records(file, b"ROWS")
    at = rows[7].at
    file.write_bytes(content[:at] + b"\xf6\x9dHR" * 5 + b"?" + content[at:])
    session = Session(file.parent, damaged="skip")
    assert sound_numbers(session) == list(range(30))
    assert [each.size for each in session.damage] == [21]


def test_losing_a_description_of_columns_loses_no_rows(tmp_path: Path) -> None:
    file = recorded(tmp_path / "s")
    described = records(file, b"COLS")
    assert len(described) == 2, "at the beginning and at the end"
    content = bytearray(file.read_bytes())
    content[described[0].at + 40] ^= 1
    file.write_bytes(content)
    session = Session(file.parent, damaged="skip")
    assert sound_numbers(session) == list(range(30))
    assert len(session.damage) == 1


def test_descriptions_are_repeated_in_long_recordings(tmp_path: Path) -> None:
    with Recorder(tmp_path / "s") as recorder:
        for _ in range(5):
            recorder.write({"x": np.zeros(1 << 17)})
    described = records(tmp_path / "s" / "raw_data.hrc", b"COLS")
    assert len(described) >= 4


def test_what_is_no_recording_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"PK" + bytes(100))
    with pytest.raises(DataError, match="is no recording"):
        list(scan(View(path)))
    later = bytearray(MAGIC)
    later[13:] = 2, 2 ^ 0x5A, 2 ^ 0xA5
    path.write_bytes(later)
    with pytest.raises(DataError, match="newer headrace"):
        list(scan(View(path)))


def test_a_container_in_a_column_is_data(tmp_path: Path) -> None:
    inner = np.frombuffer(recorded(tmp_path / "inner", 3).read_bytes(), np.uint8)
    with Recorder(tmp_path / "outer") as recorder:
        recorder.write({"bytes": inner})
        recorder.write({"bytes": inner[:5]})
    assert [len(block["bytes"]) for block in Session(tmp_path / "outer").blocks()] == [len(inner), 5]


@pytest.fixture
def small_files() -> Iterator[None]:
    """A disk on which files end at 64 KiB."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    signal.signal(signal.SIGXFSZ, before)


@pytest.mark.usefixtures("small_files")
def test_a_full_disk_keeps_what_was_written_and_goes_on_with_room(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    recorder = Recorder(tmp_path / "s")
    recorder.write(simple(0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, hard))
    large = Block({"timestamp": np.zeros(10_000), "x": np.zeros((10_000, 3)), "i": np.zeros(10_000, int)}, first=4)
    with pytest.raises(SinkError, match=r"could not write to .*, wanted .*\n  What was written before is kept"):
        recorder.write(large)
    assert [block["i"].tolist() for block in Session(tmp_path / "s").blocks()] == [[0] * 4], "no half a block"
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    recorder.write(large)
    recorder.close()
    session = Session(tmp_path / "s")
    assert session.raw.n == 10_004
    assert session.complete


def test_a_writer_refuses_what_it_should(tmp_path: Path) -> None:
    path = tmp_path / "x.hrc"
    writer = Writer(path)
    writer.close()
    writer.close()
    with pytest.raises(ClosedError, match="takes no more"):
        writer.append(b"NOTE", b"")
    with pytest.raises(SinkError, match="Name a path that does not exist"):
        Writer(path)


@pytest.mark.usefixtures("small_files")
def test_a_disk_that_is_full_when_the_index_is_due_takes_no_block_twice(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Recorder(tmp_path / "s") as recorder:
        for i in range(CHUNK):
            recorder.write({"i": np.array([i])})
        size = (tmp_path / "s" / "raw_data.hrc").stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 1000, hard))
        with pytest.raises(SinkError, match="could not write to"):
            recorder.write({"i": np.array([CHUNK])})
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        recorder.write({"i": np.array([CHUNK])})
    with Session(tmp_path / "s") as session:
        assert read_index(View(session.raw_data_path)) is not None
        np.testing.assert_array_equal(session.raw["i"], np.arange(CHUNK + 1))
