"""What is known of a stream's items in the words of Hugging Face."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.core.optional import optional
from headrace.core.stream import Field, Spec

_NAMES = {"b": "bool", "U": "string", "S": "binary", "M": "timestamp", "m": "duration"}


def features_of(spec: Spec | None) -> Any:
    """Return ``datasets.Features`` of flat dicts, None where the spec is not known or they have no word for a field."""
    if not spec:
        return None
    datasets = optional("datasets", "huggingface", "bridges.huggingface")
    found = {name: _feature(datasets, field) for name, field in spec.items()}
    if any(feature is None or not name or "." in name for name, feature in found.items()):  # nested, or no dict
        return None
    return datasets.Features(found)


def _feature(datasets: Any, field: Field) -> Any:
    value = _value(np.dtype(field.dtype))
    axes = len(field.shape)
    if value is None or 0 in field.shape:
        return None
    if axes == 0:
        return datasets.Value(value)
    if axes == 1:
        return datasets.Sequence(datasets.Value(value), length=-1 if field.shape[0] is None else field.shape[0])
    if axes > 5 or None in field.shape[1:] or value in ("string", "binary"):
        return None
    return getattr(datasets, f"Array{axes}D")(shape=field.shape, dtype=value)


def _value(dtype: np.dtype[Any]) -> str | None:
    """Return Arrow's name of a dtype; None where it has none."""
    kind = dtype.kind
    if kind in "iuf" and dtype.itemsize <= 8:
        return dtype.newbyteorder("=").name
    if kind in "Mm":
        unit = np.datetime_data(dtype)
        return f"{_NAMES[kind]}[{unit[0]}]" if unit[0] in ("s", "ms", "us", "ns") and unit[1] == 1 else None
    return _NAMES.get(kind)
