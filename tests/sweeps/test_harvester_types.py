"""Every type through every kind of store and back: the ledger, h5, zarr and pickle."""

from __future__ import annotations

import importlib.util
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.store import load_ds
from headrace.sweeps import Harvester, Runner
from support.require import require

pd = require("pandas")
require("h5netcdf")
require("h5py")
require("zarr")

_spec = importlib.util.spec_from_file_location(
    "ledger_values", Path(__file__).parents[1] / "store" / "test_ledger_values.py"
)
assert _spec is not None
assert _spec.loader is not None
_values = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_values)
same = _values.same

KINDS: dict[str, Any] = {
    "large integers": st.integers(2**53, 2**63 - 1) | st.integers(-(2**63), -(2**53)),
    "integers of any size": st.integers(-(2**70), 2**70),
    "booleans": st.booleans(),
    "texts": st.text(max_size=5),
    "complex": st.complex_numbers(),
    "moments": st.datetimes(pd.Timestamp("1700-01-01").to_pydatetime(), pd.Timestamp("2200-01-01").to_pydatetime()).map(
        lambda value: np.datetime64(value, "ns")
    ),
    "spans": st.integers(-(2**62), 2**62).map(lambda value: np.timedelta64(value, "ns")),
    "floats": st.floats(),
    "none": st.none(),
    "booleans and none": st.booleans() | st.none(),
    "texts and none": st.text(max_size=3) | st.none(),
    "mixed": st.none() | st.booleans() | st.integers() | st.text(max_size=3),
}
RAGGED = st.lists(st.integers(-5, 5) | st.none() | st.text(max_size=2), max_size=4)


def exactly(one: Any, two: Any) -> bool:
    """Tell whether two values are the same, whichever of Python's and NumPy's types of a kind they have."""
    one, two = (
        value.item() if isinstance(value, np.generic) and value.dtype.kind in "biufcU" else value
        for value in (one, two)
    )
    if isinstance(one, pd.Timestamp | pd.Timedelta):
        one = one.asm8
    if isinstance(two, pd.Timestamp | pd.Timedelta):
        two = two.asm8
    if type(one).__name__ == "NaTType" or type(two).__name__ == "NaTType":
        return bool(pd.isnull(one) and pd.isnull(two))
    if isinstance(one, np.datetime64 | np.timedelta64):
        return type(one) is type(two) and (one == two or bool(np.isnat(one) and np.isnat(two)))
    if isinstance(one, float) and one != one:
        return isinstance(two, float) and two != two
    return bool(same(one, two))


def check(values: list[Any], var_dims: Any) -> None:
    """Harvest values into every store; each has them exactly, in a new process as well."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("foo", "foo.h5", "foo.zarr"):
            runner = Runner(lambda a: values[a], "y", var_dims=var_dims, verbosity=0)
            harvester = Harvester(runner, f"{folder}/{name}")
            harvester.harvest_combos({"a": range(len(values))})
            again = Harvester(Runner(lambda a: pytest.fail("was computed"), "y", verbosity=0), f"{folder}/{name}")
            points = sorted(again.ledger.rows(), key=lambda point: point.coords)
            assert all(same(point.value[0], value) for point, value in zip(points, values, strict=True))
            again.harvest_combos({"a": range(len(values))}, missing_only=True)  # nothing is missing
            assert all(exactly(a, b) for a, b in zip(again.table["y"], values, strict=True))
            if len(set(map(type, values))) > 1 and not any(value is None for value in values):
                continue  # a dataset has one dtype: booleans among numbers are numbers there
            full = again.full_ds["y"].values.tolist() if full_is_object(again) else list(again.full_ds["y"].values)
            assert all(exactly(a, b) for a, b in zip(full, values, strict=True))
            if "." in name:
                shown = load_ds(f"{folder}/{name}")
                assert shown.identical(again.full_ds)
                assert shown["y"].dtype == again.full_ds["y"].dtype
            again.export(f"{folder}/{name}.pkl")
            table = pd.read_pickle(f"{folder}/{name}.pkl")
            assert all(exactly(a, b) for a, b in zip(table["y"], values, strict=True))
            again.ledger.close()
            harvester.ledger.close()


def full_is_object(harvester: Harvester) -> bool:
    return bool(harvester.full_ds["y"].dtype == object)


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_kind_in_every_store(kind: str) -> None:
    @settings(max_examples=max(5, settings().max_examples // 10))
    @given(st.lists(KINDS[kind], min_size=1, max_size=5))
    def every(values: list[Any]) -> None:
        check(values, None)

    every()


def test_ragged_lists_in_every_store() -> None:
    @settings(max_examples=max(5, settings().max_examples // 10))
    @given(st.lists(RAGGED, min_size=1, max_size=4))
    def every(values: list[Any]) -> None:
        check(values, {"y": ...})

    every()


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_kind_as_an_argument(kind: str) -> None:
    @settings(max_examples=max(5, settings().max_examples // 10))
    @given(st.lists(KINDS[kind], min_size=1, max_size=4, unique_by=repr))
    def every(values: list[Any]) -> None:
        from headrace.sweeps.canonical import encoded

        kept = list({encoded(value): value for value in values}.values())
        with tempfile.TemporaryDirectory() as folder:
            name = f"{folder}/foo"
            harvester = Harvester(Runner(lambda a: 1, "y", verbosity=0), name)
            harvester.harvest_combos({"a": kept})
            again = Harvester(Runner(lambda a: pytest.fail("was computed"), "y", verbosity=0), name)
            again.harvest_combos({"a": list(reversed(kept))}, missing_only=True)
            assert all(same(point.coords[0], value) for point, value in zip(again.ledger.rows(), kept, strict=True))
            assert again.done.values.all()
            again.ledger.close()
            harvester.ledger.close()

    every()
