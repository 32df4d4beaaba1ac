"""Encoders of labels and helpers for nodes."""

from headrace.trees.labels import (
    LabelDecoder,
    LabelEncoder,
    MultiLabelDecoder,
    MultiLabelEncoder,
    noop,
    operate_on_index,
    operate_on_key,
    set_value_in_dict,
)

__all__ = [
    "LabelDecoder",
    "LabelEncoder",
    "MultiLabelDecoder",
    "MultiLabelEncoder",
    "noop",
    "operate_on_index",
    "operate_on_key",
    "set_value_in_dict",
]
