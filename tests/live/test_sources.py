"""Functions, tables and files as devices."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headrace.errors import DataError, StreamConfigError
from headrace.live.buffers.buffer import DataBuffer
from headrace.live.devices.clock import VirtualClock
from headrace.live.devices.protocol import Device
from headrace.live.merging.merge import Merge
from headrace.live.sampler import Sampler
from headrace.live.sources import BufferSource, FunctionSource, SamplerBase, SignalSource
from headrace.live.tables import DataFrameSource, FileSource, Table
from headrace.live.wav import FileAudioSource, read_wav
from support.require import require


def write_wav(path: Path, samples: Any, rate: int = 8000, width: int = 2) -> None:
    samples = np.asarray(samples)
    with wave.open(str(path), "wb") as file:
        file.setparams((1 if samples.ndim == 1 else samples.shape[1], width, rate, 0, "NONE", ""))
        data = samples.astype("<i4").view("u1").reshape(-1, 4)[:, :width] if width > 1 else samples.astype("u1")
        file.writeframes(data.tobytes())


def test_functions_of_time_are_columns_at_even_moments() -> None:
    clock = VirtualClock(wall=1000.0)
    functions: dict[str, Any] = {"sine": np.sin, "xy": lambda t: np.stack([t, -t], axis=1)}
    source = FunctionSource(functions, 10_000, clock=clock)
    assert isinstance(source, Device)
    blocks = []
    with source:
        for seconds in (0.01, 0.03, 0.005, 0.055):
            clock.advance(seconds)
            blocks.append(source.read())
    assert [block.n for block in blocks] == [100, 300, 0, 600]
    assert [block.first for block in blocks] == [0, 100, 400, 400]
    assert blocks[0].rate == 10_000
    t = np.arange(1000) / 10_000
    found = {name: np.concatenate([block[name] for block in blocks if block]) for name in blocks[0]}
    np.testing.assert_allclose(found["timestamp"], 1000 + t, atol=1e-6)
    np.testing.assert_array_equal(found["sine"], np.sin(t))
    np.testing.assert_array_equal(found["xy"][:, 1], -t)


def test_the_rows_until_the_stop_are_there() -> None:
    clock = VirtualClock()
    with FunctionSource({"t": lambda t: t}, 100, period=0.1, clock=clock) as source:
        clock.advance(0.15)
    assert len(source.read()["t"]) == 15


def test_functions_of_one_number_are_asked_one_by_one() -> None:
    import math

    clock = VirtualClock()
    with FunctionSource({"x": math.sin}, 100, each=True, clock=clock) as source:
        clock.advance(0.05)
    assert source.read()["x"].tolist() == [math.sin(k / 100) for k in range(5)]


def test_a_function_of_other_shapes_is_a_failure_that_says_so() -> None:
    clock = VirtualClock()
    source = FunctionSource({"x": lambda t: 3.0}, 100, clock=clock)
    source.start()
    clock.advance(0.05)
    with pytest.raises(DataError, match=r"got shape \(\) of 'x' for 1 times.*\n.*each=True"):
        source.read()
    for rate, period in ((0, 0.01), (10, 0.0)):
        with pytest.raises(StreamConfigError, match="wanted more than 0"):
            FunctionSource({}, rate, period=period)
    with pytest.raises(StreamConfigError, match="wanted a function of the time"):
        FunctionSource({"x": lambda: 0}, 10)


def test_a_table_is_played_from_its_first_row_at_each_start() -> None:
    table = Table({"timestamp": np.arange(7.0), "v": np.arange(14).reshape(7, 2)}, lines_per_read=3, rate=5.0)
    assert isinstance(table, Device)
    with pytest.raises(DataError, match=r"Table\(7 rows of \['timestamp', 'v'\]\).read\(\) came before start"):
        table.read()
    assert (table.names, table.signal_names(), table.rate) == (("timestamp", "v"), ["timestamp", "v"], 5.0)
    for lap in range(2):
        with table:
            assert table.is_active
            assert table.arrived.wait(0)
            blocks = []
            while table.is_active:
                blocks.append(table.read())
                assert table.arrived.wait(0)  # for who waits for more, and for the end
        assert [block["v"].shape for block in blocks] == [(3, 2), (3, 2), (1, 2)]
        assert [block.first for block in blocks] == [7 * lap, 7 * lap + 3, 7 * lap + 6]
        np.testing.assert_array_equal(np.concatenate([block.times for block in blocks]), np.arange(7.0))
        assert table.state == "stopped"
        assert table.read()["v"].shape == (0, 2)
    assert table.stats() == {"produced": 14, "delivered": 14, "dropped": 0, "pending": 0, "late": 0}


def test_a_table_gives_all_rows_at_each_read_on_request() -> None:
    with Table({"x": np.arange(4)}, lines_per_read=-1) as table:
        assert table.read()["x"].tolist() == table.read()["x"].tolist() == [0, 1, 2, 3]
    with pytest.raises(StreamConfigError, match="lines_per_read=0"):
        Table({"x": np.arange(4)}, lines_per_read=0)
    with pytest.raises(DataError, match="columns of lengths"):
        Table({"x": np.arange(4), "y": np.arange(3)})


def test_a_table_leads_a_merge() -> None:
    table = Table({"timestamp": np.arange(10.0), "x": np.arange(10)}, lines_per_read=4)
    with Merge(table, {"slow": Table({"timestamp": [2.5, 7.0], "y": [1, 2]}, -1)}, before="wait") as merged:
        found = [block["slow_y"] for _ in range(5) if (block := merged.read())]
    assert np.concatenate(found).tolist() == [1, 1, 1, 1, 2, 2, 2]


def test_dataframes_are_played_with_their_columns_gathered() -> None:
    pandas = require("pandas")
    columns = {"acc": np.arange(12.0).reshape(4, 3), "my_sig_2": np.arange(4)}
    frame = DataBuffer(data=columns).to_dataframe()
    with DataFrameSource(frame, lines_per_read=3) as source:
        block = source.read()
    assert list(block) == ["acc", "my_sig_2"]
    np.testing.assert_array_equal(block["acc"], columns["acc"][:3])
    frame = pandas.DataFrame({"b_0": [1, 2], "b_1": [3, 4], "c": [5.0, 6.0]})
    with DataFrameSource(frame, -1) as source:
        assert source.read()["b"].tolist() == [[1, 3], [2, 4]]


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".pkl"])
def test_files_are_played(suffix: str, tmp_path: Path) -> None:
    pandas = require("pandas")
    if suffix == ".parquet":
        require("pyarrow")
    frame = pandas.DataFrame({"b_0": [1, 2, 3], "b_1": [3, 4, 5], "c": [5.0, 6.0, 7.0]})
    path = tmp_path / f"table{suffix}"
    writers = {".csv": frame.to_csv, ".parquet": frame.to_parquet, ".pkl": frame.to_pickle}
    writers[suffix](path, **({"index": False} if suffix != ".pkl" else {}))
    if suffix == ".pkl":
        with pytest.raises(StreamConfigError, match=r"the pickle 'table.pkl', wanted allow_pickle=True"):
            FileSource(path)
    with FileSource(path, 5, 1, allow_pickle=True) as source:
        block = source.read()
    assert block["b"].tolist() == [[2, 4], [3, 5]]
    assert block["c"].tolist() == [6.0, 7.0]


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StreamConfigError, match=r"'table.xlsx', wanted a .csv, .parquet, .pkl or .wav file"):
        FileSource(tmp_path / "table.xlsx")
    with pytest.raises(OSError, match=r"absent\.csv"):
        FileSource(tmp_path / "absent.csv")
    with pytest.raises(StreamConfigError, match="line_offset=-1"):
        FileSource(tmp_path / "a.csv", line_offset=-1)


@pytest.mark.parametrize(("width", "dtype"), [(1, np.uint8), (2, np.int16), (3, np.int32), (4, np.int32)])
def test_wav_files_are_read_to_the_bit(width: int, dtype: Any, tmp_path: Path) -> None:
    top = 2 ** (8 * width - 1)
    samples = np.array([[0, 1], [top - 1, 5], [7, 9]] if width == 1 else [[0, -1], [top - 1, -top], [7, 9]])
    write_wav(tmp_path / "a.wav", samples, 44100, width)
    rate, audio = read_wav(tmp_path / "a.wav")
    assert (rate, audio.dtype) == (44100.0, dtype)
    np.testing.assert_array_equal(audio, samples)
    write_wav(tmp_path / "b.wav", samples[:, 0], 8000, width)
    with FileSource(tmp_path / "b.wav", -1) as source:
        assert (source.rate, source.read()["audio"].tolist()) == (8000.0, samples[:, 0].tolist())


def test_what_is_no_wav_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    for data in (b"", b"RIFF", b"no wave file at all, but long enough"):
        path.write_bytes(data)
        with pytest.raises(DataError, match=r"'a.wav' is no wav file of integers"):
            read_wav(path)


def test_a_wav_file_is_heard_in_real_time(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", np.arange(2500), 1000)
    clock = VirtualClock(wall=1000.0)
    source = FileAudioSource(tmp_path / "a.wav", chunk_size=1000, clock=clock)
    assert (source.sample_rate, source.n_channels, source.names) == (1000, 1, ("timestamp", "audio"))
    source.start()
    clock.advance(0.999)
    assert not source.read()
    clock.advance(0.001)
    block = source.read()
    assert block["audio"].shape == (1000, 1)
    np.testing.assert_allclose(block.times, 1000 + np.arange(1000) / 1000, atol=1e-6)
    clock.advance(5)
    source.stop()
    assert source.read()["audio"][:, 0].tolist() == list(range(1000, 2500))
    with FileAudioSource(tmp_path / "a.wav", chunk_size=1000, loop=True, clock=clock) as source:
        clock.advance(3.5)
    assert source.read()["audio"][2500:, 0].tolist() == list(range(1000))
    with pytest.raises(StreamConfigError, match="chunk_size=0"):
        FileAudioSource(tmp_path / "a.wav", 0)


def test_rows_of_a_buffer_are_sampled() -> None:
    buffer = DataBuffer(data={"x": np.arange(3), "v": np.arange(6.0).reshape(3, 2)})
    clock = VirtualClock()
    sampler = Sampler({"buffer": BufferSource(buffer)}, 10, on_error="skip", clock=clock)
    with sampler:
        clock.advance(0.5)
    block = sampler.read()
    assert block["x"].tolist() == [0, 1, 2]
    assert block["v"].tolist() == [[0, 1], [2, 3], [4, 5]]
    assert isinstance(sampler.last_error, IndexError)
    two = BufferSource(DataBuffer(data={"x": np.arange(3)}), 2)
    assert [two()["x"].tolist(), two()["x"].tolist()] == [[0, 1], [2]]
    with pytest.raises(StreamConfigError, match="lines_per_call=0"):
        BufferSource(buffer, 0)


def test_the_base_classes_say_what_is_to_be_written() -> None:
    with pytest.raises(TypeError, match="abstract"):
        SignalSource()  # type: ignore[abstract]
    with pytest.raises(TypeError, match="abstract"):
        SamplerBase()  # type: ignore[abstract]

    class Dial(SignalSource):
        def __call__(self, t: float) -> float:
            return t

    clock = VirtualClock()
    with Sampler({"dial": Dial()}, 10, clock=clock) as sampler:
        clock.advance(0.2)
    np.testing.assert_allclose(sampler.read()["dial"], [0, 0.1, 0.2])
