"""What can be seen of a handle's frames without moving it: the last one, a figure, a film."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.core.registry import find
from headrace.frames.base.layout import Array
from headrace.frames.base.place import Placed
from headrace.frames.base.timing import Timing


class Seen(Timing, Placed):
    """A handle that can be looked at."""

    @property
    def buffered(self) -> int:
        """Frames that wait inside to be taken: none."""
        return 0

    def get_image(self) -> Array | None:
        """Return the frame that was given last, or the first one while none was; None where there is none."""
        with self._lock:
            if self._last is None and not self._closed and (found := self._ahead(1)):
                return np.asarray(found[0])
            return self._last

    def plot(self, mode: Any = None) -> Any:
        """Return a figure of the next frames, which are not passed; see :func:`headrace.plot.plot_frames`."""
        return find("plot.frames").make(self, mode)

    def preview(self, n: int = 100, fps: float | None = None) -> Any:
        """Return the next ``n`` frames as a film for a notebook or a file; see :func:`headrace.plot.preview`.

        ``fps`` is that of the stream by default, 25 where it is more than 100.
        """
        own = 1 / self.dt
        return find("plot.preview").make(self, n, fps if fps is not None else own if own <= 100 else 25.0)
