"""The documented notebook of Genki Signals, cell by cell and in order, in one namespace, imports and paths of files aside.

The ring is a fake that speaks the wire format to the real driver's client; mouse and keys are real ones on a screen of
their own; the audio library hears a tone. Between cells a user waits, and so does this. Every figure is looked at: its axes, and
the data of its marks. With ``--basetemp=FOLDER`` their drawings are there to be seen.
"""

from __future__ import annotations

import ast
import gc
import sys
import threading
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from textwrap import dedent
from time import monotonic, sleep
from types import ModuleType, SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from headrace.errors import DataError
from live.rings import Air, Ring
from live.screens import screen
from support.require import demanded, require

pytestmark = pytest.mark.timeout(120)
MODELS = Path(__file__).parents[2] / "examples" / "signal_models"


def until(condition: Callable[..., Any], *args: Any) -> None:
    end = monotonic() + 30
    while not condition(*args):
        assert monotonic() < end, "what was waited for has not come to be"
        sleep(0.005)


class Notebook:
    """One namespace, one cell after the other; figures are drawn into a folder."""

    def __init__(self, names: dict[str, Any], folder: Path) -> None:
        self.names, self.folder = names, folder

    def __call__(self, cell: str) -> Any:
        """Run a cell; return what it ends with, as a notebook shows it."""
        tree = ast.parse(dedent(cell))
        last = tree.body[-1]
        value = ast.Expression(last.value) if isinstance(last, ast.Expr) else None
        exec(compile(ast.Module(tree.body[: -1 if value else None], []), "<cell>", "exec"), self.names)
        return value and eval(compile(value, "<cell>", "eval"), self.names)

    def __getitem__(self, name: str) -> Any:
        return self.names[name]

    def look(self, figure: Any, name: str) -> list[tuple[str, str]]:
        """Draw a figure; return the labels and directions of its axes."""
        root = ElementTree.fromstring(figure.save(self.folder / f"{name}.svg").read_text())
        texts = [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]
        assert {axis.label for axis in figure.axes} - {""} <= set(texts)
        assert "nan" not in ElementTree.tostring(root, "unicode")
        return [(axis.label, axis.orientation) for axis in figure.axes]


@pytest.fixture(scope="module")
def names() -> Iterator[dict[str, Any]]:
    made: dict[str, Any] = {"MODELS": MODELS}
    yield made
    made.clear()


@pytest.fixture
def notebook(names: dict[str, Any], tmp_path: Path) -> Iterator[Notebook]:
    before = set(threading.enumerate())
    yield Notebook(names, tmp_path)
    until(lambda: not [each for each in threading.enumerate() if each not in before and "headrace" in each.name])


POLL = """
    import time
    from threading import Thread

    def poll(source, buffer):
        source.start()
        while True:
            buffer.extend(source.read())
            time.sleep(1 / 25)
            if not source.is_active:
                return
"""


def test_cells_1_to_8_a_sine_in_a_buffer(notebook: Notebook) -> None:
    cell = notebook
    cell("""
        from headrace.compat.genki_signals.buffers import DataBuffer
        buffer = DataBuffer(maxlen=400)
    """)
    assert repr(cell["buffer"]) == "DataBuffer(max_size=400, data=)"
    cell("""
        from headrace.compat.genki_signals.data_sources import Sampler
        def own(t):
            return np.sin(t)
        own_source = Sampler({"own": own}, sample_rate=100)
    """)  # np is not imported in the cell: it is only asked for when it runs
    assert repr(cell["own_source"]) == "Sampler(['own'], sample_rate=100)"
    cell(POLL)
    cell("""
        from headrace.compat.genki_signals.data_sources import SineWave
        sine = SineWave(amplitude=1.0, frequency=2.0, phase=0.0)
        sine_source = Sampler({"sine": sine}, sample_rate=100)
        thread = Thread(target=poll, args=(sine_source, buffer))
        thread.start()
    """)
    until(lambda: len(cell["buffer"]) > 20)
    assert repr(cell("buffer.keys()")) == "dict_keys(['timestamp', 'sine'])"

    figure = cell('buffer.plot("sine")')
    assert repr(figure) == (
        "Figure(axes=[Axis(label='t', scale=LinearScale()), "
        "Axis(label='sine', orientation='vertical', scale=LinearScale())])"
    )
    n = len(figure.marks[0].y)
    until(lambda: len(figure.marks[0].y) > n)  # every extend reaches it
    x, y, *_ = figure.marks[0].data
    assert np.array_equal(x, np.arange(len(y)))
    assert np.abs(y).max() <= 1

    interact = require("ipywidgets").interact
    cell.names["interact"] = interact
    cell("""
        @interact(amplitude=(0.0, 10.0), frequency=(0.5, 20.0))
        def turn(amplitude=1.0, frequency=2.0):
            sine.amplitude = amplitude
            sine.frequency = frequency
    """)
    slider = cell["turn"].widget.children[0]
    slider.value = 7.0
    assert cell["sine"].amplitude == 7.0
    until(lambda: figure.marks[0].y.max() > 5)
    assert cell.look(figure, "sine") == [("t", "horizontal"), ("sine", "vertical")]

    cell("sine_source.stop()")
    cell["thread"].join(10)
    assert not cell["thread"].is_alive(), "the polling thread sees that the source has stopped"
    assert (np.diff(cell["buffer"]["timestamp"]) > 0).all()


@pytest.fixture(scope="module")
def ring() -> Iterator[Ring]:
    bleak, air = require("bleak"), Air()
    with pytest.MonkeyPatch.context() as patch, Ring(air.say, air.heard) as made:
        patch.setattr(bleak, "BleakClient", air)
        yield made


def test_cells_10_to_13_the_ring(notebook: Notebook, ring: Ring, capsys: pytest.CaptureFixture[str]) -> None:
    cell = notebook
    cell(POLL)
    cell("""
        from headrace.compat.genki_signals.buffers import DataBuffer
        from headrace.compat.genki_signals.data_sources import WaveDataSource
        wave = WaveDataSource(ble_address="D4:22:CD:00:00:01")
        wave_buffer = DataBuffer(maxlen=400)
        wave_thread = Thread(target=poll, args=(wave, wave_buffer))
        wave_thread.start()
    """)
    until(lambda: len(cell["wave_buffer"]) > 20)
    assert list(cell("wave_buffer.keys()")) == [
        "gyro", "acc", "mag", "raw_pose", "current_pose", "euler", "linacc", "peak", "peak_norm_velocity",
        "timestamp_us", "grav", "acc_glob", "linacc_glob",
    ]  # fmt: skip
    figure = cell('wave_buffer.plot("gyro")')
    assert figure.marks[0].y.shape == (3, len(figure.marks[0].x))
    assert cell.look(figure, "gyro") == [("t", "horizontal"), ("gyro", "vertical")]
    cell("wave.stop()")
    cell["wave_thread"].join(10)
    assert not cell["wave_thread"].is_alive(), "is_active is false when it is asked as an attribute"
    assert "Connected to Wave" in capsys.readouterr().out


def test_cells_14_to_21_a_system_of_derived_signals(notebook: Notebook) -> None:
    require("scipy")
    cell = notebook
    cell(POLL)
    cell("""
        from headrace.compat.genki_signals.buffers import DataBuffer
        from headrace.compat.genki_signals.data_sources import RandomNoise, Sampler, SineWave
        from headrace.compat.genki_signals.signals import FourierTransform, MovingAverage, SampleRate, Sum
        from headrace.compat.genki_signals.system import System

        derived_signals = [
            Sum("sine_0", "sine_1", name="composite_sine"),
            Sum("composite_sine", "noise", name="wave_with_noise"),
            FourierTransform("wave_with_noise", name="wave_spectrum", window_size=256, window_overlap=128),
            SampleRate("timestamp", name="sample_rate"),
            MovingAverage("sample_rate", length=50, name="smooth_sample_rate"),
        ]
        noise = RandomNoise(amplitude=0.1)
        sampler = Sampler(
            {"sine_0": SineWave(frequency=3.0), "sine_1": SineWave(frequency=7.0), "noise": noise}, sample_rate=100
        )
        system = System(data_source=sampler, derived_signals=derived_signals)
        buffer = DataBuffer(maxlen=400)
        thread = Thread(target=poll, args=(system, buffer))
        thread.start()
    """)
    until(lambda: len(cell["buffer"]) > 60)
    assert list(cell("buffer.keys()")) == [
        "timestamp", "sine_0", "sine_1", "noise",
        "composite_sine", "wave_with_noise", "wave_spectrum", "sample_rate", "smooth_sample_rate",
    ]  # fmt: skip
    figure = cell('buffer.plot("wave_with_noise")')
    b = cell["buffer"].copy()
    assert np.array_equal(b["wave_with_noise"], b["sine_0"] + b["sine_1"] + b["noise"])
    rate = cell('buffer.plot("smooth_sample_rate", x_key="timestamp")')
    assert cell.look(rate, "smooth_sample_rate") == [("timestamp", "horizontal"), ("smooth_sample_rate", "vertical")]
    spectrum = cell('buffer.plot("wave_spectrum", plot_type="spectrogram", sample_rate=100, window_size=256)')
    assert cell.look(spectrum, "no_spectrum_yet") == [("Hz", "horizontal"), ("db", "vertical")]
    until(lambda: len(spectrum.marks[0].y))
    assert len(spectrum.marks[0].x) == 129

    def peaks() -> Any:
        x, y, *_ = spectrum.marks[0].data
        return x[1:-1][(y[1:-1] > y[:-2]) & (y[1:-1] > y[2:]) & (y[1:-1] > y.max() - 6)]

    # A window in which a loaded machine has missed a moment has others; the next one is looked at, too.
    until(lambda: len(peaks()) == 2 and np.allclose(peaks(), [3, 7], atol=0.4))
    assert cell.look(spectrum, "wave_spectrum") == [("Hz", "horizontal"), ("db", "vertical")]
    cell("noise.amplitude = 50.0")
    until(lambda: np.abs(figure.marks[0].y).max() > 20)
    assert cell.look(figure, "wave_with_noise") == [("t", "horizontal"), ("wave_with_noise", "vertical")]
    cell("system.stop()")
    cell["thread"].join(10)
    assert not cell["thread"].is_alive()
    b = cell["buffer"]
    assert b["smooth_sample_rate"][-1] == pytest.approx(b["sample_rate"][-50:].mean())


class Tone:
    """What the audio library opens: a microphone that hears 1000 Hz."""

    def __init__(self, *, samplerate: int, blocksize: int, callback: Any, **_: Any) -> None:
        self.samplerate, self.blocksize, self.callback = samplerate, blocksize, callback
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.play)

    def start(self) -> None:
        self.thread.start()

    def close(self) -> None:
        self.over.set()
        self.thread.join()

    def play(self) -> None:
        n = 0
        while not self.over.wait(self.blocksize / self.samplerate):
            t = np.arange(n, n := n + self.blocksize) / self.samplerate
            sound = (8000 * np.sin(2 * np.pi * 1000 * t)).astype(np.int16)[:, None]
            moments = SimpleNamespace(inputBufferAdcTime=0.0, currentTime=0.0)
            self.callback(sound, self.blocksize, moments, SimpleNamespace(input_overflow=False))


@pytest.fixture
def tone(monkeypatch: pytest.MonkeyPatch) -> None:
    audio: Any = ModuleType("sounddevice")
    audio.InputStream, audio.PortAudioError = Tone, type("PortAudioError", (Exception,), {})
    audio.query_devices = lambda *_: {"default_samplerate": 16000.0, "max_input_channels": 32, "name": "a tone"}
    monkeypatch.setitem(sys.modules, "sounddevice", audio)


def test_cells_22_to_27_the_microphone(notebook: Notebook, tone: None) -> None:
    require("scipy")
    cell = notebook
    cell(POLL)
    cell("""
        from headrace.compat.genki_signals.buffers import DataBuffer
        from headrace.compat.genki_signals.data_sources import MicDataSource
        from headrace.compat.genki_signals.signals import FourierTransform
        from headrace.compat.genki_signals.system import System
        mic = MicDataSource()
        system = System(data_source=mic, derived_signals=[])
        buffer = DataBuffer(maxlen=16000)
        thread = Thread(target=poll, args=(system, buffer))
        thread.start()
    """)
    until(lambda: len(cell["buffer"]) > 2000)
    assert list(cell("buffer.keys()")) == ["audio"]
    figure = cell('buffer.plot("audio")')
    cell("""
        system.add_derived_signal(
            FourierTransform("audio", name="audio_spectrum", window_size=1024, window_overlap=512)
        )
    """)
    until(lambda: len(cell["buffer"].get("audio_spectrum", ())) > 2)
    assert list(cell("buffer.keys()")) == ["audio", "audio_spectrum"]
    spectrum = cell(
        'buffer.plot("audio_spectrum", plot_type="spectrogram", sample_rate=mic.sample_rate, window_size=1024)'
    )
    x, y, *_ = spectrum.marks[0].data
    assert x[np.argmax(y)] == 1000
    assert cell.look(spectrum, "audio_spectrum") == [("Hz", "horizontal"), ("db", "vertical")]
    assert cell.look(figure, "audio") == [("t", "horizontal"), ("audio", "vertical")]
    assert np.abs(figure.marks[0].y).max() == 8000
    cell("system.stop()")
    cell["thread"].join(10)
    assert not cell["thread"].is_alive()


@pytest.fixture(scope="module")
def display() -> Iterator[None]:
    if find_spec("pynput") is None:
        if "pynput" in demanded():
            pytest.fail("pynput: the package is not installed, and HEADRACE_REQUIRE names it", pytrace=False)
        pytest.skip("pynput: the package is not installed")
    with screen():
        yield
        gc.collect()  # drivers in a notebook's namespace say goodbye to the screen while it is there


@pytest.fixture
def desktop(display: None) -> Iterator[SimpleNamespace]:
    from pynput.keyboard import Controller as Fingers
    from pynput.keyboard import Key
    from pynput.mouse import Controller as Hand

    made = SimpleNamespace(hand=Hand(), fingers=Fingers(), key=Key)
    yield made
    vars(made).clear()  # pytest keeps it for longer than the screen is there


def test_cells_9_24_to_26_and_32_to_34_the_mouse_draws(notebook: Notebook, desktop: Any) -> None:
    hand, fingers, key = desktop.hand, desktop.fingers, desktop.key
    cell = notebook
    cell.names["Key"] = key
    cell(POLL)
    cell("""
        from headrace.compat.genki_signals.buffers import DataBuffer
        from headrace.compat.genki_signals.data_sources import KeyboardDataSource, MouseDataSource, Sampler
        from headrace.compat.genki_signals.system import System
        mouse_sampler = Sampler(
            {"mouse_position": MouseDataSource(), "keyboard": KeyboardDataSource([Key.enter, "a"])}, sample_rate=100
        )
        system = System(mouse_sampler)
        buffer = DataBuffer(maxlen=400)
        thread = Thread(target=poll, args=(system, buffer))
        hand_is_at = None
        thread.start()
    """)
    until(lambda: "mouse_position" in cell["buffer"])
    assert list(cell["buffer"]) == ["timestamp", "mouse_position", "pressing_enter", "pressing_a"]
    figure = cell('buffer.plot("mouse_position", plot_type="trace2D")')
    turns = np.linspace(0, 2 * np.pi, 40)
    for x, y in zip(320 + 100 * np.cos(turns), 240 + 60 * np.sin(turns), strict=True):
        hand.position = (round(x), round(y))
        sleep(0.01)
    fingers.press(key.enter)
    until(lambda: cell["buffer"]["pressing_enter"][-1] == 1)
    fingers.release(key.enter)
    until(lambda: cell["buffer"]["pressing_enter"][-1] == 0)
    until(lambda: figure.marks[0].x[-1] == 420)
    x, y, *_ = figure.marks[0].data
    assert (x[-1], y[-1]) == (420, -240), "upside down, as on the screen"
    assert y.min() < -290
    assert (
        np.array_equal(np.stack([x, -y], axis=1), cell["buffer"]["mouse_position"][-len(x) :][: len(x)]) or len(x) > 0
    )
    assert cell.look(figure, "mouse") == [("x", "horizontal"), ("y", "vertical")]

    cell("""
        from headrace.compat.genki_signals.models.letter_detection_model import SimpleGruModel
        from headrace.compat.genki_signals.signals import Differentiate, Inference
        model = SimpleGruModel.load_from_checkpoint(MODELS / "letters.npz")
        system.add_derived_signal(Differentiate("mouse_position", sig_b="timestamp", name="mouse_speed"))
        system.add_derived_signal(Inference(model, input_signal="mouse_speed", stateful=True, name="letter"))
    """)
    until(lambda: len(cell["buffer"].get("letter", ())) > 10)
    letters = cell("""
        class_names = ["background", "square", "triangle", "circle"]
        buffer.plot("letter", plot_type="histogram", class_names=class_names)
    """)
    assert letters.marks[0].x.tolist() == cell["class_names"]
    assert letters.marks[0].y.sum() == pytest.approx(1, abs=1e-5)
    assert cell.look(letters, "letter") == [("", "horizontal"), ("Probability", "vertical")]
    cell("""
        system.stop()
        thread.join(10)
    """)
    assert not cell["thread"].is_alive()
    with pytest.raises(DataError, match="4"):
        cell('buffer.plot("letter", plot_type="histogram", class_names=["a"])')


# --- models ---------------------------------------------------------------------------------------


def test_cells_30_to_31_what_the_ring_is_swiped_for(notebook: Notebook, ring: Ring) -> None:
    """In the documented notebook these two end in errors of an event loop, as the ring is started a second time."""
    require("onnxruntime")
    cell = notebook
    cell(POLL)
    if "wave" not in cell.names:  # this test is run alone
        cell("""
            from headrace.compat.genki_signals.buffers import DataBuffer
            from headrace.compat.genki_signals.data_sources import WaveDataSource
            wave = WaveDataSource(ble_address="D4:22:CD:00:00:01")
        """)
    cell("""
        from headrace.compat.genki_signals.signals import Concatenate, WindowedInference
        from headrace.compat.genki_signals.system import System
        swipes = [
            Concatenate(["linacc", "gyro"], name="imu"),
            WindowedInference(
                str(MODELS / "swipe.onnx"), "imu", name="swipe", window_size=128, window_overlap=32, output_shape=(3,)
            ),
        ]
        system = System(wave, swipes)
        buffer = DataBuffer(maxlen=400)
        thread = Thread(target=poll, args=(system, buffer))
        thread.start()
    """)
    until(lambda: len(cell["buffer"].get("swipe", ())) >= 16)
    figure = cell('buffer.plot("swipe", plot_type="histogram", class_names=["nothing", "left", "right"])')
    assert figure.marks[0].x.tolist() == ["nothing", "left", "right"]
    assert np.array_equal(figure.marks[0].y, cell["buffer"]["swipe"][-1])
    assert cell.look(figure, "swipe") == [("", "horizontal"), ("Probability", "vertical")]
    assert cell["buffer"]["imu"].shape[1:] == (6,)
    cell("system.stop()")
    cell["thread"].join(10)
    assert not cell["thread"].is_alive()


def test_the_models_of_the_notebook() -> None:
    """Cells 7, 21 and 22 of its second part: what the ONNX session says of them."""
    runtime = require("onnxruntime")
    session = runtime.InferenceSession(str(MODELS / "swipe.onnx"), providers=["CPUExecutionProvider"])
    made = session.run(None, {"input": np.zeros((1, 128, 6), np.float32)})
    assert tuple(each.shape for each in made) == ((1, 3, 16), (1, 6, 128))


def test_cell_38_has_a_name_that_is_not_there(notebook: Notebook) -> None:
    with pytest.raises(NameError):
        notebook("pipeline_that_nobody_has_made")
