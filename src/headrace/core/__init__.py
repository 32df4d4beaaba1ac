"""The contract, on numpy and the standard library alone: stream, cursor, op, key, items, description.

What belongs here is what every room builds on. What makes, changes, mixes or keeps items does not.
"""

from headrace.core.batch import Batch
from headrace.core.block import Block, Pace
from headrace.core.coerce import as_stream
from headrace.core.cursor import Cursor, State
from headrace.core.describe import Description, describe, load
from headrace.core.indexed import Bound, Indexed
from headrace.core.items import fresh, map_leaves, nbytes, same, stack, unstack
from headrace.core.key import Key, Lane, Seed
from headrace.core.knob import Knob
from headrace.core.op import Op
from headrace.core.recipe import recipe
from headrace.core.registry import components, register
from headrace.core.sink import Sink, drain
from headrace.core.stream import Field, Source, Spec, Stream

__all__ = [
    "Batch",
    "Block",
    "Bound",
    "Cursor",
    "Description",
    "Field",
    "Indexed",
    "Key",
    "Knob",
    "Lane",
    "Op",
    "Pace",
    "Seed",
    "Sink",
    "Source",
    "Spec",
    "State",
    "Stream",
    "as_stream",
    "components",
    "describe",
    "drain",
    "fresh",
    "load",
    "map_leaves",
    "nbytes",
    "recipe",
    "register",
    "same",
    "stack",
    "unstack",
]
