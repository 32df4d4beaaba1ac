"""Sampling trees: labelled streams from distributions that drift, each sample to be had by its number.

What belongs here makes samples from a tree of functions, moves its parameters in time, and knows where the drift is.
What draws trees and plots parameters is in ``plot``.
"""

from headrace.trees.batched import batched, contains_kwarg
from headrace.trees.build import BranchingNode, construct_tree
from headrace.trees.collect import SamplingStrategy
from headrace.trees.continual import to_avalanche, to_continuum
from headrace.trees.experience import Experience, task_arrays
from headrace.trees.export import RiverRows, to_river
from headrace.trees.labels import (
    LabelDecoder,
    LabelEncoder,
    MultiLabelDecoder,
    MultiLabelEncoder,
    add_label,
    noop,
    operate_on_index,
    operate_on_key,
    set_value_in_dict,
)
from headrace.trees.nodes import ArgumentPassingStrategy, ClassLabelNode, SampleBufferNode, TransformNode, Traverse
from headrace.trees.parameter import Parameter, ParameterOutOfRangeStrategy, is_parameter
from headrace.trees.recipe import Tree
from headrace.trees.record import Records
from headrace.trees.rhythms import cyclic, recurring, stepwise
from headrace.trees.schedule import Schedule, following
from headrace.trees.shifts import abrupt, gradual, incremental
from headrace.trees.store import ParameterStore
from headrace.trees.tree import SamplingTree

__all__ = [
    "ArgumentPassingStrategy",
    "BranchingNode",
    "ClassLabelNode",
    "Experience",
    "LabelDecoder",
    "LabelEncoder",
    "MultiLabelDecoder",
    "MultiLabelEncoder",
    "Parameter",
    "ParameterOutOfRangeStrategy",
    "ParameterStore",
    "Records",
    "RiverRows",
    "SampleBufferNode",
    "SamplingStrategy",
    "SamplingTree",
    "Schedule",
    "TransformNode",
    "Traverse",
    "Tree",
    "abrupt",
    "add_label",
    "batched",
    "construct_tree",
    "contains_kwarg",
    "cyclic",
    "following",
    "gradual",
    "incremental",
    "is_parameter",
    "noop",
    "operate_on_index",
    "operate_on_key",
    "recurring",
    "set_value_in_dict",
    "stepwise",
    "task_arrays",
    "to_avalanche",
    "to_continuum",
    "to_river",
]
