"""Where the mouse pointer is."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.live.sources import SignalSource
from headrace.live.wires.desktop import connected, desktop

Array = np.ndarray[Any, Any]


class MouseSource(SignalSource):
    """Where the mouse pointer is: called, it gives ``(2,)`` int64, x and y in pixels from the upper left corner.

    Each call asks the desktop, so that no movement between two rows leaves a trace; give it to a
    :class:`~headrace.live.Sampler`, which starts and stops it. Called before ``start``, it connects by itself.

    Raises
    ------
    MissingExtraError
        In ``start``, or the first call: when pynput is not installed.
    StreamConfigError
        There, too: when there is no desktop.

    Examples
    --------
    >>> from headrace.live import Sampler
    >>> Sampler({"mouse_position": MouseSource()}, sample_rate=100)
    Sampler(['mouse_position'], sample_rate=100)
    """

    def __init__(self) -> None:
        self._mouse: Any = None

    def start(self) -> None:
        """Connect to the desktop."""
        if self._mouse is None:
            driver = desktop("mouse", "MouseSource")
            self._mouse = connected(lambda: _controller(driver), "MouseSource")

    def stop(self) -> None:
        """Disconnect. Twice is fine."""
        self._mouse = None  # pynput closes the connection of a controller that nobody has any more

    def __call__(self) -> Array:
        """Return where the pointer is, ``(2,)`` int64.

        Raises
        ------
        Exception
            What the connection fails with.
        """
        if self._mouse is None:
            self.start()
        x, y = self._mouse.position
        return np.array((round(x), round(y)), np.int64)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_mouse": None}  # a connection is nothing for another process

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


MouseDataSource = MouseSource  # the name in the documented notebook


def _controller(driver: Any) -> Any:
    class Controller(driver.Controller):  # type: ignore[misc]  # the driver is imported late
        def __del__(self) -> None:
            close = getattr(super(), "__del__", None)
            try:
                if close is not None:
                    close()
            except Exception:  # the server has gone: there is nothing to close, and nobody to tell
                pass

    return Controller()
