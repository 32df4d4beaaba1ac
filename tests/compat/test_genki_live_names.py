"""The live half of Genki Signals through the door: names, arguments and forms of both generations."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace.signals as s
from headrace.compat.genki_signals import buffers, data_sources, frontends, recorders, session, sources, system
from headrace.compat.genki_signals.functions import Integrate, Scale, SignalFunction, Sum
from headrace.errors import SinkError, StreamConfigError
from headrace.live import Table, VirtualClock

MODULES: dict[str, Any] = {
    "buffers": "DataBuffer(maxlen, data) NumpyBuffer(maxlen, n_cols) PandasBuffer(maxlen, cols) Buffer(maxlen)",
    "data_sources": (
        "Sampler(sources, sample_rate, sleep_time, timestamp_key) SineWave(amplitude, frequency, phase) "
        "SquareWave(amplitude, frequency, phase) TriangleWave(amplitude, frequency, phase) RandomNoise(amplitude) "
        "MouseDataSource() KeyboardDataSource(keys) WaveDataSource(ble_address, godot, spectrogram) DataSource() "
        "MicDataSource(chunk_size) CameraDataSource(camera_id, resolution)"
    ),
    "sources": (
        "Sampler(sources, sample_rate, sleep_time, timestamp_key) RandomNoise(amplitude) MouseSource() "
        "KeyboardSource(keys) WaveSource(ble_address, godot, spectrogram) DataFrameSource(df, lines_per_read) "
        "FileSource(filename, lines_per_read, line_offset) BufferSource(buffer, lines_per_call) SignalSource() "
        "SamplerBase() MicSource(key, chunk_size, followers) CameraSource(camera_id, resolution)"
    ),
    "sources.sampler": "Sampler(sources, sample_rate, sleep_time, timestamp_key)",
    "system": "System(source, functions, update_rate)",
    "session": "Session(path)",
    "recorders": (
        "PickleRecorder(path, rec_buffer_size) WavFileRecorder(path, frame_rate, n_channels, sample_width) "
        "CsvFileRecorder(path, rec_buffer_size) ParquetFileRecorder(path, rec_buffer_size) Recorder()"
    ),
    "frontends": (
        "FrontendBase(system) WidgetDashboard(widgets) "
        "Line(system, x_access, y_access, x_scale, y_scale, x_range, y_range, n_visible_points, flip_x, flip_y) "
        "Scatter(system, x_access, y_access, x_scale, y_scale, x_range, y_range, n_visible_points, flip_x, flip_y) "
        "Histogram(system, y_access, x_range, y_range, bin_count, lookback_size) "
        "Bar(system, y_access, x_names, y_range) Video(system, video_key)"
    ),
}


@pytest.mark.parametrize("module", MODULES)
def test_documented_names_take_their_arguments_in_order(module: str) -> None:
    room = importlib.import_module(f"headrace.compat.genki_signals.{module}")
    for told in MODULES[module].split(") "):
        name, _, arguments = told.rstrip(")").partition("(")
        assert name in room.__all__
        takes = list(inspect.signature(getattr(room, name)).parameters)
        wanted = [each for each in arguments.split(", ") if each]
        assert takes[: len(wanted)] == wanted, name


def table() -> Table:
    return Table({"x": np.ones(6), "t": np.arange(6.0)}, lines_per_read=4)


def played(of: Any) -> None:
    with of:
        assert of.join(20)


def test_both_generations_of_a_system() -> None:
    seed = system.System(data_source=table(), derived_signals=[Integrate("x", "t", name="sum")])
    new = system.System(table(), [Integrate("x", "t", name="sum")], update_rate=200)
    got: list[Any] = []
    new.register_data_feed(id(got), got.append)
    for each in (seed, new):
        played(each)
    assert seed.read()["sum"].tolist() == [0, 1, 2, 3, 4, 5]
    assert np.concatenate([block["sum"] for block in got]).tolist() == [0, 1, 2, 3, 4, 5]
    assert seed.data_source is seed.source
    assert [each.name for each in seed.derived_signals] == ["sum"]


def test_signals_and_functions_that_remember_are_taken_alike() -> None:
    used = Integrate("x", None, name="sum")
    used(np.ones(3))
    for functions in ([used], s.Graph([used.signal]), [used.signal]):
        of = system.System(table(), functions)
        played(of)
        assert of.read()["sum"].tolist() == [0, 1, 2, 3, 4, 5], "a start begins afresh"
    of = system.System(table())
    of.add_derived_signal(Scale("x", name="twice", scale_factor=2.0))
    of.add_derived_signal(Sum("twice", "x", name="thrice"))
    of.remove_derived_signal("thrice")
    played(of)
    assert list(of.read()) == ["x", "t", "twice"]


def test_a_function_of_ones_own_runs_in_a_system() -> None:
    played(of := system.System(table(), [Running("x", name="n")]))
    assert of.read()["n"].tolist() == [1, 2, 3, 4, 5, 6]


class Running(SignalFunction):
    """How many rows there have been."""

    def __init__(self, x: str, name: str) -> None:
        super().__init__(x, name=name)
        self.n = 0

    def __call__(self, x: Any) -> Any:
        self.n += len(x)
        return np.arange(self.n - len(x), self.n) + 1


def test_a_thing_given_twice_is_refused() -> None:
    with pytest.raises(StreamConfigError, match="two names of the same thing"):
        system.System(table(), data_source=table())
    with pytest.raises(StreamConfigError, match="two names of the same thing"):
        system.System(table(), [], derived_signals=[])
    with pytest.raises(StreamConfigError, match="wanted a device"):
        system.System()


def test_the_keys_of_a_source_are_prefixed_by_the_later_generation() -> None:
    def keyboard() -> dict[str, int]:
        return {"pressing_enter": 0}

    for made, name in ((data_sources.Sampler, "pressing_enter"), (sources.Sampler, "keyboard_pressing_enter")):
        clock = VirtualClock()
        with made({"keyboard": keyboard}, sample_rate=10, clock=clock) as sampler:
            clock.advance(0.05)
            assert list(sampler.read()) == ["timestamp", name]
    assert list(sources.Sampler({"k": keyboard}, 10, prefix=False).sources) == ["k"]


def test_a_recording_of_a_door_is_a_session(tmp_path: Path) -> None:
    of = system.System(table(), [Integrate("x", "t", name="sum")])
    with of:
        of.start_recording(tmp_path / "monday", subject="A. B.")
        of.join(20)
    found = session.Session.from_filename(tmp_path / "monday")
    assert found.metadata["subject"] == "A. B."
    assert found.get_data()["sum"].tolist() == [0, 1, 2, 3, 4, 5]
    assert [each.name for each in found.functions] == ["sum"]
    found.close()


def test_a_session_is_begun_by_hand(tmp_path: Path) -> None:
    of = system.System(table(), [Scale("x", name="y", scale_factor=2.0)])
    made = session.Session.create_session(tmp_path / "tuesday", of, {"note": 1})
    told = made.metadata
    assert (told["session_name"], told["note"], told["data_source"]) == ("tuesday", 1, "Table")
    assert len(told["signal_functions"]) == 1
    assert made.get_parameters() == {"y.scale_factor": 2.0}
    with pytest.raises(FileExistsError):
        session.Session.create_session(tmp_path / "tuesday", of, {})


def test_recorders_take_the_size_of_a_buffer_and_lose_nothing(tmp_path: Path) -> None:
    with recorders.CsvFileRecorder(tmp_path / "a.csv", 2) as recorder:
        for k in range(5):
            recorder.write({"x": np.array([k])})
    assert (tmp_path / "a.csv").read_text() == "x\n0\n1\n2\n3\n4\n"
    with pytest.raises(SinkError):
        recorders.CsvFileRecorder(tmp_path / "a.csv")
    assert issubclass(recorders.CsvFileRecorder, recorders.Recorder)
    assert issubclass(recorders.ParquetFileRecorder, recorders.Recorder)


def test_a_recorder_of_ones_own_is_given_what_the_source_says() -> None:
    class Names(recorders.Recorder):
        rows = stopped = 0
        names: tuple[str, ...] = ()

        def write(self, data: Any) -> None:
            self.rows, self.names = self.rows + len(data["x"]), tuple(data)

        def stop(self) -> None:
            self.stopped += 1

    of, recorder = system.System(table(), [Scale("x", name="y", scale_factor=2.0)]), Names()
    with of:
        of.start_recording("nowhere", recorder)
        of.join(20)
    assert (recorder.rows, recorder.names, recorder.stopped) == (6, ("x", "t"), 1)


def test_buffers_and_frontends_are_headrace_s() -> None:
    of = system.System(table(), [Scale("x", name="y", scale_factor=2.0)])
    line = frontends.Line(of, "t", "y")
    buffer = buffers.DataBuffer(maxlen=4)
    of.register_data_feed("buffer", buffer.extend)
    played(of)
    assert buffer["y"].tolist() == [2, 2, 2, 2]
    assert line.marks[0].y.tolist() == [2] * 6
    line.close()
