"""Columns as other libraries hold them: what goes in as a tensor, DataFrame or xarray object comes out as one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from headrace.errors import DataError

Array = np.ndarray[Any, Any]
Back = Callable[[Any], Any]


def as_is(value: Any) -> Any:
    """Return what it is given."""
    return value


def column(value: Any, who: str) -> Array:
    """Return a column as a contiguous array, since numpy's loops over gaps may round otherwise.

    Raises
    ------
    DataError
        When it has no axis 0.
    """
    if is_tensor(value):
        value = value.detach().cpu().numpy()
    made = np.ascontiguousarray(value) if np.ndim(value) else None
    if made is None:
        raise DataError(f"{who} got {value!r}, wanted a column: an array whose axis 0 is time.")
    return made


def columns_of(values: Sequence[Any], who: str) -> tuple[list[Array], Back]:
    """Return columns as arrays, and what brings a result back to the library they came from.

    Raises
    ------
    DataError
        When one is no column, or they differ in length.
    """
    tensor = next((value for value in values if is_tensor(value)), None)
    columns = [column(value, who) for value in values]
    lengths = [len(each) for each in columns]
    if len(set(lengths)) > 1:
        raise DataError(f"{who} got columns of {', '.join(map(str, lengths))} rows, wanted as many of each.")
    return columns, as_is if tensor is None else like(tensor)


def is_tensor(value: Any) -> bool:
    """Tell whether a value is a torch tensor, without torch."""
    return type(value) is not np.ndarray and hasattr(value, "detach") and hasattr(value, "cpu")


def like(tensor: Any) -> Back:
    """Return what makes a tensor of an array, on the device of another."""

    def back(array: Any) -> Any:
        import torch  # it is there: we hold a tensor

        return torch.from_numpy(np.array(array)).to(tensor.device)

    return back


def tensors_back(made: dict[str, Any], given: Mapping[str, Any], reads: Sequence[str]) -> None:
    """Make tensors of a result's columns where some that were read were tensors; those that were given stay themselves."""
    tensor = next((given[name] for name in reads if name in given and is_tensor(given[name])), None)
    if tensor is None:
        return
    back = like(tensor)
    for name, each in made.items():
        if is_tensor(given.get(name)):
            made[name] = given[name]
        elif isinstance(each, np.ndarray) and each.dtype.kind in "biufc":
            made[name] = back(each)


def is_mapping(value: Any) -> bool:
    """Tell whether a value holds columns by name: a mapping, a DataFrame, an xarray Dataset or DataArray."""
    return isinstance(value, Mapping) or is_frame(value) or is_dataset(value)


def is_frame(value: Any) -> bool:
    """Tell whether a value is a DataFrame of pandas or its like."""
    return hasattr(value, "columns") and hasattr(value, "to_numpy")


def is_dataset(value: Any) -> bool:
    """Tell whether a value is an xarray Dataset."""
    return hasattr(value, "data_vars") and hasattr(value, "coords")


def is_data_array(value: Any) -> bool:
    """Tell whether a value is an xarray DataArray."""
    return type(value) is not np.ndarray and hasattr(value, "dims") and hasattr(value, "to_dataset")
