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
    """Return a column as a contiguous array of numbers, since numpy's loops over gaps may round otherwise.

    What a masked array leaves out is NaN.

    Raises
    ------
    DataError
        When it has no axis 0, is of no numbers, or asks for what an array has not: gradients, a mask over whole numbers.
    """
    if is_tensor(value):
        value = _of_tensor(value, who)
    if is_data_array(value):
        raise DataError(
            f"{who} got a DataArray among arrays, wanted DataArrays for all that is read, so that time is known.\n"
            "  Give DataArrays, or their to_numpy() with time first."
        )
    if isinstance(value, np.ma.MaskedArray):
        value = _of_masked(value, who)
    try:
        made = np.ascontiguousarray(value) if np.ndim(value) else None
    except ValueError:
        raise DataError(
            f"{who} got a list whose parts differ in length, wanted a column: rows of one shape.\n"
            "  Pad or crop them before."
        ) from None
    if made is None:
        raise DataError(
            f"{who} got {value!r}, wanted a column: an array whose axis 0 is time.\n"
            "  Give one value as a list of one; a stream of rows goes through hr.blocks(n) first."
        )
    if made.dtype.kind not in _NUMBERS:
        hint = _HINTS.get(made.dtype.kind, "Convert it where it is made.")
        raise DataError(
            f"{who} got a column of dtype {made.dtype}, wanted numbers: bool, int, float or complex.\n  {hint}"
        )
    return made


_NUMBERS = "biufc"
_HINTS = {
    "M": "Make seconds of moments: (t - t[0]) / np.timedelta64(1, 's').",
    "m": "Make seconds of durations: t / np.timedelta64(1, 's').",
    "O": "Convert it with astype(float); None becomes NaN.",
    "V": "Take its fields apart: each is a column, or a channel.",
}


def _of_tensor(tensor: Any, who: str) -> Array:
    if tensor.requires_grad:
        raise DataError(
            f"{who} got a tensor that requires gradients, wanted one without: they end where numpy begins.\n"
            "  Make a module that passes them with graph.to_torch(), or give tensor.detach()."
        )
    try:
        made: Array = tensor.resolve_conj().resolve_neg().cpu().numpy()  # torch puts these off
    except TypeError:
        raise DataError(
            f"{who} got a tensor of {tensor.dtype}, wanted a dtype that numpy has.\n  Convert it with tensor.float()."
        ) from None
    return made


def _of_masked(value: Any, who: str) -> Array:
    if not np.ma.is_masked(value):
        return np.asarray(value.data)
    if value.dtype.kind not in "fc":
        raise DataError(
            f"{who} got a masked array of {value.dtype}, wanted floats: what is masked becomes NaN.\n"
            "  Convert it with astype(float), or fill it with filled()."
        )
    return np.asarray(value.filled(np.nan))


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
        raise DataError(
            f"{who} got columns of {', '.join(map(str, lengths))} rows, wanted as many of each.\n"
            "  Cut them to the rows that all have."
        )
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


def one_library(names: Sequence[str], values: Sequence[Any], who: str) -> None:
    """Raise where there are tensors and Series: what is made of them could be either.

    Raises
    ------
    DataError
        When there are; names one of each.
    """
    tensors = [name for name, value in zip(names, values, strict=True) if is_tensor(value)]
    others = [name for name, value in zip(names, values, strict=True) if tensors and is_series(value)]
    if others:
        raise DataError(
            f"{who} got a tensor for {tensors[0]!r} and a Series for {others[0]!r}, wanted one library, or arrays beside it."
            f"\n  Convert one of them: series.to_numpy(), or tensor.numpy()."
        )


def is_mapping(value: Any) -> bool:
    """Tell whether a value holds columns by name: a mapping, a DataFrame, an xarray Dataset."""
    return isinstance(value, Mapping) or is_frame(value) or is_dataset(value)


def is_series(value: Any) -> bool:
    """Tell whether a value is a Series of pandas or its like."""
    return hasattr(value, "iloc") and hasattr(value, "to_numpy") and not hasattr(value, "columns")


def is_frame(value: Any) -> bool:
    """Tell whether a value is a DataFrame of pandas or its like."""
    return hasattr(value, "columns") and hasattr(value, "to_numpy")


def is_dataset(value: Any) -> bool:
    """Tell whether a value is an xarray Dataset."""
    return hasattr(value, "data_vars") and hasattr(value, "coords")


def is_data_array(value: Any) -> bool:
    """Tell whether a value is an xarray DataArray."""
    return type(value) is not np.ndarray and hasattr(value, "dims") and hasattr(value, "to_dataset")
