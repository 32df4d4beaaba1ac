"""Nodes of a tree."""

from headrace.trees.batched import contains_kwarg
from headrace.trees.nodes import ClassLabelNode, SampleBufferNode, TransformNode, Traverse

__all__ = ["ClassLabelNode", "SampleBufferNode", "TransformNode", "Traverse", "contains_kwarg"]
