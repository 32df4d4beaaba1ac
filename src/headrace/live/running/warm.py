"""What signals import when they first compute something, imported before a source starts."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.core.plain import functions_in
from headrace.signals import Graph


def warm(graph: Graph) -> None:
    """Have each signal compute something of one row of zeros, so that it imports what it needs.

    Importing scipy takes half a second in which no other thread of Python gets far: a sampler that runs already would be
    late for dozens of rows. Signals that call a user's function are left alone, and so are those that cannot take a
    plain column of numbers: it is a guess, and the first block tells.

    Examples
    --------
    >>> import headrace.signals as s
    >>> warm(s.Graph([s.LowPassFilter("x", name="low", order=2, cutoff_freq=5, sample_rate=100)]))
    """
    columns: dict[str, Any] = {name: np.zeros(1) for name in graph.reads}
    for node in graph.nodes:
        if any(name not in columns for name in node.inputs) or functions_in(tuple(node.stored.values())):
            continue
        try:
            node = node.settled() if node.knobs else node
            rows = [columns[name] for name in node.inputs]
            columns[node.name], _ = node.step(node.init(*[row[:0] for row in rows]), *rows)
        except Exception:  # nothing has been asked for yet
            continue
