"""The signals of a system, with a log of all that befell them: what was changed, begun again, left out."""

from __future__ import annotations

from typing import Any

from headrace.signals import Graph, Run
from headrace.signals.changes import Change


class LiveRun(Run):
    """A run whose rows are counted, and whose log goes on, when it begins again after a failure.

    Besides what every run logs there is ``"reset"``, and ``"skip"`` with the number of rows of a block that was passed
    over, both at the row that comes next. With these a recording can be computed again as it was live.

    Examples
    --------
    >>> import headrace.signals as s, numpy as np
    >>> run = LiveRun(s.Graph([s.Integrate("x", None, name="sum")]))
    >>> run({"x": np.ones(3)})["sum"].tolist()
    [0.0, 1.0, 2.0]
    >>> run.restart()
    >>> run.pass_over(5)
    >>> run({"x": np.ones(2)})["sum"].tolist(), run.row
    ([0.0, 1.0], 5)
    >>> [(each.row, each.what, each.value) for each in run.log]
    [(3, 'reset', None), (3, 'skip', 5)]
    """

    log: list[Change]
    _before: int

    def _begin(self, graph: Graph) -> None:
        self._before = 0  # rows of earlier beginnings
        super()._begin(graph)

    @property
    def row(self) -> int:
        return self._before + super().row

    @property
    def fresh(self) -> bool:
        """Whether the next row is the first that the signals see."""
        return self._state is None

    def restart(self) -> None:
        """Begin again, with the graph as it is now; the log goes on."""
        with self._lock:
            row, log, values = self.row, self.log, dict(self._values)
            asked = [Change(row, what, name, value) for what, name, (_, value) in self._pending]
            self._begin(self._planned())
            turned = [
                Change(row, "set", ".".join(key), value)
                for key, value in self._values.items()
                if key in values and not _same(values[key], value)
            ]
            self._before = row
            self.log = [*log, *turned, *asked, Change(row, "reset", "", None)]

    def pass_over(self, n: int) -> None:
        """Note that the next ``n`` rows are left out."""
        with self._lock:
            self.log.append(Change(self.row, "skip", "", n))


def _same(a: Any, b: Any) -> bool:
    return a is b or (type(a) is type(b) and isinstance(a, int | float | str | tuple) and a == b)
