"""Windows, spectra and signals made of them, against scipy window by window."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from headrace.core.block import Pace
from headrace.errors import DataError, StreamConfigError
from headrace.signals.arithmetic import Sum
from headrace.signals.differentiate import SampleRate
from headrace.signals.graph import Graph
from headrace.signals.smooth import MovingAverage
from headrace.signals.spectral import FourierTransform, InverseFourierTransform, Spectrogram
from headrace.signals.windowed import Windows
from headrace.testing import check_signal
from support.require import require

RNG = np.random.default_rng(0)
X = RNG.normal(size=2000) + np.arange(2000) / 10


def by_scipy(x: Any, size: int, hop: int, detrend: Any) -> Any:
    ss = require("scipy.signal")
    frames = []
    for lo in range(0, len(x) - size + 1, hop):
        window = x[lo : lo + size]
        if detrend:
            window = ss.detrend(window, type=detrend)
        frames.append(np.fft.rfft(window * ss.windows.hann(size)) / size)
    return np.array(frames)


@pytest.mark.parametrize(("size", "overlap"), [(256, 128), (256, 0), (100, 99), (37, 5), (2, 1)])
@pytest.mark.parametrize("detrend", ["linear", "constant", None])
def test_spectra_against_scipy(size: int, overlap: int, detrend: str | None) -> None:
    signal = FourierTransform("x", "y", size, overlap, detrend)
    wanted = by_scipy(X, size, size - overlap, detrend)
    found = signal(X)
    assert found.shape == wanted.shape
    assert np.allclose(found, wanted, atol=1e-12)
    power = Spectrogram("x", "y", size, overlap, detrend)(X)
    assert np.allclose(power, np.abs(wanted) ** 2, atol=1e-12)


def test_the_documented_number_of_frames() -> None:
    signal = FourierTransform("x", name="y", window_size=256, window_overlap=128)
    assert signal(X).shape == (14, 129)
    assert signal(X[:255]).shape == (0, 129)
    assert signal(X[:256]).shape == (1, 129)
    assert signal(X.astype(np.float32)).dtype == np.complex64
    assert signal.frequencies(1000)[[0, -1]].tolist() == [0, 500]


def test_channels_stand_before_frequencies() -> None:
    signal = FourierTransform("x", name="y", window_size=64, window_overlap=32)
    rows = np.stack([X, 2 * X, X**2], axis=1)
    found = signal(rows)
    assert found.shape == (61, 3, 33)
    assert found[:, 0].tobytes() == signal(X).tobytes()


def test_decibel() -> None:
    signal = Spectrogram("x", "y", 64, decibel=True)
    assert np.allclose(10 ** (signal(X) / 10), Spectrogram("x", "y", 64)(X))
    assert (signal(np.zeros(64)) == -200).all()


@pytest.mark.parametrize(("size", "overlap"), [(16, 8), (16, 0), (10, 9), (7, 3), (5, 1), (1, 0)])
def test_an_upsampled_row_shows_the_last_complete_window(size: int, overlap: int) -> None:
    hop = size - overlap
    plain = FourierTransform("x", "y", size, overlap)(X)
    signal = FourierTransform("x", "y", size, overlap, upsample=True, default_value=-1)
    assert signal.pace == Pace()
    found = signal(X)
    assert len(found) == len(X)
    for k in range(len(X)):
        wanted = plain[(k + 1 - size) // hop] if k + 1 >= size else np.full(plain.shape[1:], -1)
        assert found[k].tolist() == wanted.tolist()


@pytest.mark.parametrize(
    "signal",
    [
        FourierTransform("x", "y", 16, 8, upsample=True),
        FourierTransform("x", "y", 7, 0, upsample=True, default_value=np.nan),
        FourierTransform("x", "y", 256, 128),
        FourierTransform("x", "y", 1),
        FourierTransform("x", "y", 5, 4, None),
        Spectrogram("x", "y", 12, 3, "constant"),
        Windows("x", "y", 9, upsample=True),
    ],
)
def test_laws_of_other_forms(signal: Any) -> None:
    check_signal(signal)


def test_windows_of_long_blocks_are_worked_on_in_pieces() -> None:
    x = RNG.normal(size=(40_000, 2))
    for signal in (FourierTransform("x", "y", 256, 200), Windows("x", "y", 3000, 2990)):
        whole, state, found = signal(x), signal.init(x[:0]), []
        for lo in range(0, len(x), 9973):
            rows, state = signal.step(state, x[lo : lo + 9973])
            found.append(rows)
        assert np.concatenate(found).tobytes() == whole.tobytes()
    rows = np.lib.stride_tricks.sliding_window_view(x, 3000, axis=0)[::10]
    assert (whole == np.moveaxis(rows, -1, 1)).all()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: FourierTransform("x", "y", 0), r"window_size=\) got 0"),
        (lambda: FourierTransform("x", "y", 8, 8), "wanted less than window_size=8"),
        (lambda: FourierTransform("x", "y", 8, -1), r"window_overlap=\) got -1"),
        (lambda: FourierTransform("x", "y", 8, window_type="kaiser"), "got 'kaiser', wanted 'hann'"),
        (lambda: Spectrogram("x", "y", 8, detrend_type="square"), "wanted one of 'linear', 'constant', None"),
        (lambda: InverseFourierTransform("x", "y", 8, 9), "wanted less than"),
        (lambda: InverseFourierTransform("x", "y", 8, window_type="boxcar"), "wanted 'hann'"),
    ],
)
def test_what_cannot_be_is_refused(make: Any, says: str) -> None:
    with pytest.raises(StreamConfigError, match=says):
        make()
    with pytest.raises(ValueError, match=says):  # as the documented class raises
        make()


def test_complex_rows_and_short_spectra_are_refused() -> None:
    with pytest.raises(DataError, match="got complex rows"):
        FourierTransform("x", "y", 8)(X * 1j)
    with pytest.raises(DataError, match=r"wanted \(\.\.\., 5\): the spectrum of 8 rows"):
        InverseFourierTransform("x", "y", 8)(np.ones((3, 4)))


# --- and back ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "overlap"), [(256, 128), (256, 192), (64, 40), (15, 9), (16, 1)])
def test_there_and_back(size: int, overlap: int) -> None:
    x = np.stack([X, -X], axis=1)
    graph = Graph(
        [
            FourierTransform("x", "s", size, overlap, detrend_type=None),
            InverseFourierTransform("s", "back", size, overlap),
        ]
    )
    block = graph({"x": x})
    back, hop = block["back"], size - overlap
    assert len(back) == len(block["s"]) * hop
    inner = slice(size, None)  # where all windows are there; a Hann window that overlaps little is 0 at its ends
    weak = 1 if overlap > 1 else np.arange(size, len(back)) % hop > 0
    assert np.allclose((back[inner].T * weak).T, (x[size : len(back)].T * weak).T, atol=1e-9)
    assert graph.latency("back") == overlap
    assert graph.pace("back") == Pace(Fraction(hop), Fraction(size - 1), hop)
    assert block.numbers("back") == range(len(back))
    assert graph.pace("back").rows_before(len(x)) == len(back)


def test_the_time_of_what_comes_back_is_that_of_the_signal() -> None:
    graph = Graph(
        [FourierTransform("x", "s", 64, 48, None), InverseFourierTransform("s", "back", 64, 48)],
        rate=100.0,
    )
    run, t = graph.run(), 50 + np.arange(640) / 100
    backs, times = [], []
    for lo in range(0, 640, 37):
        block = run({"timestamp": t[lo : lo + 37], "x": np.sin(t[lo : lo + 37])})
        backs.append(block["back"])
        times.append(block.timestamps("back", aligned=True))
    back, when = np.concatenate(backs), np.concatenate(times)
    assert np.allclose(back[64:], np.sin(when[64:]), atol=1e-9)


@pytest.mark.parametrize(("size", "overlap"), [(8, 0), (9, 2), (8, 7), (8, 6)])
def test_laws_of_the_inverse(size: int, overlap: int) -> None:
    def spectra(rng: np.random.Generator, n: int) -> Any:
        return (rng.normal(size=(n, 2, 5)) * (1 + 1j),)

    check_signal(InverseFourierTransform("x", "y", size, overlap), spectra, channels=False)


# --- the documented notebook ------------------------------------------------------------------------


def notebook() -> Graph:
    return Graph(
        [
            Sum("sine_0", "sine_1", name="composite_sine"),
            Sum("composite_sine", "noise", name="wave_with_noise"),
            FourierTransform(
                "wave_with_noise", name="wave_spectrum", window_size=256, window_overlap=128, upsample=False
            ),
            SampleRate("timestamp", name="sample_rate"),
            MovingAverage("sample_rate", length=10, name="smooth_sample_rate"),
        ]
    )


def test_the_graph_of_the_notebook() -> None:
    n = 3000
    t = 1.7e9 + np.arange(n) / 100
    columns = {
        "timestamp": t,
        "sine_0": np.sin(6 * np.pi * t),
        "sine_1": np.sin(14 * np.pi * t),
        "noise": RNG.normal(size=n) / 9,
    }
    whole = notebook()(columns)
    assert list(whole) == [
        *columns,
        "composite_sine",
        "wave_with_noise",
        "wave_spectrum",
        "sample_rate",
        "smooth_sample_rate",
    ]
    power = np.abs(whole["wave_spectrum"]).mean(axis=0)
    peaks = np.sort(np.argsort(power)[-4:]) * 100 / 256
    assert np.abs(peaks - [3, 3, 7, 7]).max() < 0.4
    assert np.nanmax(np.abs(whole["smooth_sample_rate"] - 100)) < 1e-2
    for size in (4, 64, 1024):
        run = notebook().run()
        blocks = [run({k: v[i : i + size] for k, v in columns.items()}) for i in range(0, n, size)]
        for name in whole:
            assert np.concatenate([b[name] for b in blocks]).tobytes() == whole[name].tobytes()
    assert whole.latency("wave_spectrum") == Fraction(255, 2)
