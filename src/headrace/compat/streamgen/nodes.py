"""Nodes of a tree."""

from headrace.trees.batched import contains_kwarg
from headrace.trees.labels import noop
from headrace.trees.nodes import ArgumentPassingStrategy, ClassLabelNode, SampleBufferNode, TransformNode, Traverse
from headrace.trees.parameter import Parameter
from headrace.trees.store import ParameterStore

__all__ = [
    "ArgumentPassingStrategy",
    "ClassLabelNode",
    "Parameter",
    "ParameterStore",
    "SampleBufferNode",
    "TransformNode",
    "Traverse",
    "contains_kwarg",
    "noop",
]
