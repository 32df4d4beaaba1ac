"""The door of convis: its names, argument orders and defaults, and what old code may rely on."""

from __future__ import annotations

import inspect
import pickle
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace.compat.convis as convis
from frames.makers import digits
from headrace.compat.convis import streams
from headrace.errors import AddressError, HeadraceError, StreamConfigError
from support.require import require

# Positional arguments and their defaults, in order; what is only by keyword is headrace's own.
SIGNATURES = """
Stream(size=(50, 50), pixel_per_degree=10, t_zero=0.0, t=0.0, dt=0.001)
RandomStream(size=(50, 50), pixel_per_degree=10, level=1.0, mean=0.0)
SequenceStream(sequence, size=None, pixel_per_degree=10, max_frames=5000)
RepeatingStream(sequence, size=None, pixel_per_degree=10)
TimedSequenceStream(sequence, size=None, pixel_per_degree=10, t_zero=0.0, dt=0.001)
TimedResampleStream(stream, t_zero=0.0, dt=0.001)
ProcessingStream(input_stream, model, pre=None, post=None)
NumpyReader(file_ref, size=None, pixel_per_degree=10)
HDF5Reader(filename, data_set_name='images')
HDF5Writer(filename, data_set_name='images', size=None)
ImageSequence(filenames='*.jpg', size=(50, 50), repeat=1, offset=None, is_color=False)
InrImageStreamer(filename, z=False, slice_at=None)
InrImageStreamWriter(filename, v=1, x=1, y=1, z=1, time_dimension='VDIM')
InrImageFileStreamer(filenames)
MNISTStream(data_folder='./mnist_data', rep=10, max_value=1.0, init=None, advance=179425529, include_label=False)
PoissonMNISTStream(data_folder='./mnist_data', rep=10, fr=0.05, init=None, advance=179425529, include_label=False)
PseudoNMNIST(mnist_data_folder='../data/', threshold=5.0, output_size=(34, 34))
VideoReader(filename=0, size=(50, 50), offset=None, dt=None, mode='mean')
VideoWriter(filename='output.avi', size=None, codec='XVID', isColor=True)
GlobalClock(t_zero=0, t=0, dt=0.001)
"""


@pytest.mark.parametrize("line", SIGNATURES.split("\n")[1:-1])
def test_arguments_and_defaults(line: str) -> None:
    name, _, told = line.partition("(")
    parameters = inspect.signature(getattr(streams, name)).parameters.values()
    found = []
    for parameter in parameters:
        if parameter.kind in (parameter.KEYWORD_ONLY, parameter.VAR_KEYWORD):
            continue
        bare = parameter.default is parameter.empty or parameter.name == "sequence"
        found.append(parameter.name if bare else f"{parameter.name}={parameter.default!r}")
    assert ", ".join(found) == told.removesuffix(")")


def test_frames_between_begin_at_time_0() -> None:
    stream = streams.TimedResampleStream(
        streams.TimedSequenceStream(np.arange(3.0).reshape(3, 1, 1), t_zero=1.0, dt=1.0), dt=0.5
    )
    assert stream.get(4).ravel().tolist() == [-1, -0.5, 0, 0.5]


def test_the_base_stream_is_zeros_without_end() -> None:
    stream = streams.Stream((3, 4), t_zero=0.5, t=2.0, dt=0.25)
    assert stream.get(7).tolist() == np.zeros((7, 3, 4)).tolist()
    assert stream.t == 3.75
    assert stream.time_to_bin(1.0) == 2.0
    assert stream.buffered == 0
    with pytest.raises(TypeError):
        len(stream)
    assert pickle.loads(pickle.dumps(stream)).t == 3.75
    wrong: Any
    for wrong in (5, (3,), (0, 3), "ab"):
        with pytest.raises(StreamConfigError, match=r"Stream\(size="):
            streams.Stream(wrong)
    with pytest.raises(StreamConfigError, match=r"Stream\(t="):
        streams.Stream((3, 4), t=wrong)


def test_images_are_sorted_by_letters_and_their_end_raises(tmp_path: Path) -> None:
    image = require("PIL.Image")
    for k in (2, 10):
        image.fromarray(np.full((50, 50), k, "u1")).save(tmp_path / f"a{k}.png")
    stream = streams.ImageSequence(str(tmp_path / "*.png"), repeat=2)
    assert stream.get(3)[:, 0, 0].tolist() == [10, 10, 2]
    with pytest.raises(AddressError):
        stream.get(2)
    assert stream.i == 3


def test_inr_files_are_images_in_a_row(tmp_path: Path) -> None:
    frames = np.arange(3 * 4 * 5.0).reshape(3, 4, 5)
    with streams.InrImageStreamWriter(tmp_path / "a.inr", x=4, y=5) as writer:
        writer.put(frames[:2])
        writer.put(frames[2:])
    with streams.InrImageStreamer(tmp_path / "a.inr") as reader:
        assert reader.shape == (3, 4, 5)
        assert (reader.read(3) == frames).all()
    assert (streams.InrImageFileStreamer([tmp_path / "a.inr"] * 2).get(9)[3:] == frames).all()
    text = (tmp_path / "a.inr").read_bytes()[:256].decode()
    assert "VDIM=3\n" in text
    assert "XDIM=4\n" in text
    with streams.InrImageStreamWriter(tmp_path / "b.inr", time_dimension="ZDIM") as writer:
        writer.put(frames)
    assert b"ZDIM=3\n" in (tmp_path / "b.inr").read_bytes()


def test_digits_as_they_were(tmp_path: Path) -> None:
    digits(tmp_path, 5, 28, 28)
    stream = streams.PseudoNMNIST(tmp_path, init=0)
    assert stream.get(300).shape == (1, 2, 300, 34, 34)
    with pytest.raises(HeadraceError, match="classic"):
        stream.get_events(0)
    copy = pickle.loads(pickle.dumps(stream))
    assert (copy.get(3) == stream.get(3)).all()
    assert streams.PseudoNMNIST(tmp_path, 0.2, classic=False, init=0).get_events(0)[1] in range(5)


def test_spikes_of_the_filters() -> None:
    spikes = convis.filters.spiking.Poisson()(np.ones((1, 1, 5, 3, 3)))
    assert spikes.all()
    sensor = convis.filters.spiking.IntegrativeMotionSensor("linear", 1.0)
    assert sensor(np.full((40, 1, 1), 0.3)).sum() == 11


def test_figures() -> None:
    pyplot = require("matplotlib.pyplot")
    bar = convis.samples.moving_bar(50, 6, 6)
    assert len(convis.plot(bar).axes) == 6
    assert len(convis.plot_tensor(bar, n_examples=3).axes) == 4
    pyplot.figure()
    assert convis.plot_5d_time(bar, mean=True).shape == (50, 1)
    assert convis.plot_5d_matshow(bar).shape == (6, 349)
    pyplot.close("all")


LATER = """
convis: Layer Output Retina Runner run run_in_background models.Retina retina.RetinaConfiguration
convis.streams: ImageWindow Runner StreamToNetwork StreamVisualizer run_visualizer visualizer
convis.filters: Conv3d LN retina.OPL simple.TemporalLowPassFilterRecursive
convis.filters.spiking: Izhikevich RefractoryLeakyIntegrateAndFireNeuron
"""


@pytest.mark.parametrize("line", LATER.split("\n")[1:-1])
def test_names_that_come_later_say_so_when_they_are_used(line: str) -> None:
    module, _, names = line.partition(": ")
    there = import_module(f"headrace.compat.{module}")
    for name in names.split():
        first, _, rest = name.partition(".")
        assert hasattr(there, first)
        found = getattr(there, first)
        assert found is getattr(there, first)
        with pytest.raises(HeadraceError, match=rf"{module}\.{name} is not .* with a later version"):
            getattr(found, rest) if rest else found(7, key=1)
        if rest:
            assert not hasattr(found, rest), "nothing in it is there"
    assert not hasattr(there, "none")


def test_layers_that_come_later_can_be_asked_about() -> None:
    assert not isinstance(7, convis.Layer)
    assert "later" in convis.Retina.__doc__

    class Mine(convis.Layer):  # type: ignore[misc]  # Any, until it is there
        def __init__(self) -> None:
            pass

    with pytest.raises(HeadraceError, match=r"convis\.Layer is not"):
        Mine()


def test_data_of_a_known_model() -> None:
    x, y = convis.samples.SampleGenerator("sparse", kernel_size=(3, 3, 3), seed=7).generate("rand", (20, 6, 6))
    assert x.shape == y.shape == (20, 6, 6)
    assert convis.samples.moving_grating().shape == (2000, 20, 20)
    require("PIL.Image")
    assert convis.samples.text_kernel("E").shape == (20, 20)


def test_every_name_is_there() -> None:
    made: dict[str, Any] = {name: getattr(streams, name) for name in streams.__all__}
    assert all(map(callable, made.values()))
