"""The contract as a product: prove that a stream, an op or a sink of your own keeps it.

:func:`check_stream`, :func:`check_op` and :func:`check_sink` run the laws that headrace's own components pass;
:func:`flaky` and :func:`counted` are streams that fail and count on purpose; ``strategies`` (which needs hypothesis)
makes random items and compositions. What a test of one component needs and no other belongs beside that test.
"""

from importlib import import_module
from typing import Any

from headrace.testing.check import check_op, check_sink, check_stream
from headrace.testing.devices import check_device
from headrace.testing.elsewhere import elsewhere
from headrace.testing.fakes import Broken, counted, flaky, unreachable
from headrace.testing.report import LawError, Report
from headrace.testing.signals import check_signal

__all__ = [
    "Broken",
    "LawError",
    "Report",
    "check_device",
    "check_op",
    "check_signal",
    "check_sink",
    "check_stream",
    "counted",
    "elsewhere",
    "flaky",
    "unreachable",
]


def __getattr__(name: str) -> Any:
    if name == "strategies":
        return import_module("headrace.testing.strategies")
    raise AttributeError(f"module 'headrace.testing' has no attribute {name!r}")
