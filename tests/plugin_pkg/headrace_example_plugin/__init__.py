"""A plug-in for headrace: the source :func:`dice` and the op :func:`differences`."""

from headrace_example_plugin.dice import Dice
from headrace_example_plugin.differences import differences

__all__ = ["Dice", "differences"]
