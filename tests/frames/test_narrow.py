"""Values never change when frames are put where another type is: they fit, or an error names the first that does not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headrace.errors import DataError
from headrace.frames import (
    HDF5Reader,
    HDF5Writer,
    InrImageStreamer,
    InrImageStreamWriter,
    NumpyReader,
    NumpyWriter,
    SequenceStream,
    TimedSequenceStream,
)
from headrace.frames.base.narrow import first_wrong
from support.require import require


def block(values: Any, dtype: Any) -> Any:
    """Four frames of 2 x 3; the values come last."""
    made = np.zeros((4, 2, 3), dtype)
    flat = np.atleast_1d(np.asarray(values, dtype))
    made.reshape(-1)[-len(flat) :] = flat
    return made


def _sequence(folder: Path, dtype: str, given: Any) -> Any:
    with SequenceStream(np.zeros((1, 2, 3), dtype)) as stream:
        try:
            stream.put(given)
        finally:
            assert stream.i == 0
            assert len(stream) in (1, 5)
        return stream[1:]


def _timed(folder: Path, dtype: str, given: Any) -> Any:
    with TimedSequenceStream(np.zeros((4, 2, 3), dtype), dt=1.0) as stream:
        stream.put(0.0, 4.0, given)
        return stream.get(4)


def _written(writer: Any, given: Any) -> None:
    with writer:
        try:
            writer.put(given)
        except DataError:
            assert writer.written == 0
            assert writer.size is None, "nothing is settled by frames that were refused"
            raise


def _npy(folder: Path, dtype: str, given: Any) -> Any:
    _written(NumpyWriter(folder / "a.npy", dtype=dtype), given)
    return NumpyReader(folder / "a.npy").get(9)


def _hdf5(folder: Path, dtype: str, given: Any) -> Any:
    require("h5py")
    _written(HDF5Writer(folder / "a.h5", dtype=dtype), given)
    return HDF5Reader(folder / "a.h5").get(9)


def _inr(folder: Path, dtype: str, given: Any) -> Any:
    _written(InrImageStreamWriter(folder / "a.inr", dtype=dtype), given)
    return InrImageStreamer(folder / "a.inr").get(9)


WAYS: dict[str, Callable[[Path, str, Any], Any]] = {
    "SequenceStream.put": _sequence,
    "TimedSequenceStream.put": _timed,
    "NumpyWriter.put": _npy,
    "HDF5Writer.put": _hdf5,
    "InrImageStreamWriter.put": _inr,
}
every = pytest.mark.parametrize("way", WAYS)


FIT: list[tuple[str, Any, str]] = [
    ("u1", [0, 255], "u2"),
    ("i2", [-32768, 32767], "i8"),
    ("f4", [-(2**24), 2**24, 2**25, 2**62, 2**24 + 2], "i8"),
    ("f4", [2**63], "u8"),
    ("f8", [2**53, 2**60 + 2**8, -(2**63)], "i8"),
    ("f2", [2048, 65504], "u2"),
    ("u1", [0, 255], "i8"),
    ("u8", [2**63 - 1], "i8"),
    ("f4", [1e300 * 0, np.inf, -np.inf, 1 / 3], "f8"),
    ("i2", [True], "?"),
]


def each(cases: list[Any]) -> list[Any]:
    """Every case in every way, but for a type that INRIMAGE files do not have."""
    return [(way, *case) for way in WAYS for case in cases if (way, case[0]) != ("InrImageStreamWriter.put", "f2")]


@pytest.mark.parametrize(("way", "dtype", "values", "source"), each(FIT))
def test_values_that_fit_are_taken(way: str, dtype: str, values: Any, source: str, tmp_path: Path) -> None:
    given = block(values, source)
    found = WAYS[way](tmp_path, dtype, given)
    assert found.dtype == np.dtype(dtype)
    assert np.array_equal(found, given.astype(dtype))


CHANGED: list[tuple[str, Any, str, str]] = [
    ("u1", 300, "u2", r"300 at frame 3, row 1, col 2 of uint16, wanted what uint8 holds \(0 to 255\)"),
    ("i2", [70000, 1, 1], "i8", r"70000 at frame 3, row 1, col 0 of int64, wanted what int16 holds"),
    ("i2", [-40000, 1], "i4", r"-40000 at frame 3, row 1, col 1"),
    ("i8", 2**63, "u8", r"9223372036854775808 at .* of uint64, wanted what int64 holds"),
    ("u1", -1, "i1", r"-1 at frame 3.* of int8, wanted what uint8 holds"),
    ("f4", 2**24 + 1, "i4", r"16777217 at .* float32 holds \(whole numbers to 2\*\*24, and some beyond\)"),
    ("f8", 2**53 + 1, "i8", r"9007199254740993 at"),
    ("f8", 2**64 - 1, "u8", r"18446744073709551615 at"),
    ("f2", 65505, "i4", r"65505 at .* float16"),
    ("f4", [1.0, -1e300], "f8", r"-1e\+300 at .* wanted what float32 holds \(up to 3\.4e\+38\)"),
]


@pytest.mark.parametrize(("way", "dtype", "values", "source", "told"), each(CHANGED))
def test_a_value_that_would_change_is_named(
    way: str, dtype: str, values: Any, source: str, told: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=rf"{way} got {told}"):
        WAYS[way](tmp_path, dtype, block(values, source))


@every
def test_a_kind_that_holds_no_such_values_is_refused(way: str, tmp_path: Path) -> None:
    for dtype, source in (("u1", "f8"), ("i2", "f4"), ("u8", "f4")):
        with pytest.raises(DataError, match=rf"{way} got frames of .*, wanted {np.dtype(dtype)}.*\n  Convert them"):
            WAYS[way](tmp_path, dtype, block(1, source))


def test_writers_go_on_after_frames_that_were_refused(tmp_path: Path) -> None:
    with NumpyWriter(tmp_path / "a.npy", dtype="u1") as writer:
        with pytest.raises(DataError):
            writer.put(block(300, "u2"))
        writer.put(np.ones((2, 5, 5), "u1"))
    assert NumpyReader(tmp_path / "a.npy").get(9).shape == (2, 5, 5)


def test_colours_are_told_with_their_channel(tmp_path: Path) -> None:
    given = np.zeros((1, 3, 4, 2, 3), "u2")
    given[0, 1, 2, 0, 1] = 999
    told = "999 at frame 2, row 0, col 1, channel 1"
    with NumpyWriter(tmp_path / "a.npy", dtype="u1") as writer, pytest.raises(DataError, match=told):
        writer.put(given)


def test_whole_numbers_in_floats_against_numpy() -> None:
    """Every number is wrong when, and only when, a float of that type is another number."""
    rng = np.random.default_rng(0)
    for dtype in ("f2", "f4", "f8"):
        for source in ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"):
            bits = np.iinfo(source)
            digits = rng.integers(0, 64, 400)
            some = [int(rng.integers(0, 2**62)) * 4 + int(rng.integers(4)) >> int(k) for k in digits]
            odd = [2**k + d for k in range(63) for d in (-1, 0, 1)] + [bits.max, bits.min, 0]
            values = [v for v in [*some, *(-s for s in some), *odd, *(-o for o in odd)] if bits.min <= v <= bits.max]
            for value in values:
                with np.errstate(over="ignore"):
                    near = np.array(value, source).astype(dtype)
                due = np.isfinite(near) and int(near) == value
                assert (first_wrong(np.array([value], source), np.dtype(dtype)) is None) == due, (dtype, source, value)
