"""What has a clock of its own: what every device can be asked."""

from __future__ import annotations

from typing import Any, Literal, Protocol, runtime_checkable

from headrace.core.block import Block
from headrace.live.devices.active import Active
from headrace.live.devices.wake import Wake

State = Literal["idle", "running", "stopped", "failed"]


@runtime_checkable
class Device(Protocol):
    """Something with a clock of its own.

    Attributes
    ----------
    state : str
        ``"idle"`` before the first start, ``"running"``, ``"stopped"``, ``"failed"``.
    is_active : Active
        Whether it runs; true or false, and callable.
    rate : float or None
        Rows a second, where they come evenly.
    names : tuple of str
        Its columns, as far as they are known.
    arrived : Wake
        Set whenever there is something to read: rows, a failure, the end.
    """

    arrived: Wake

    @property
    def state(self) -> State:
        """How it is: ``"idle"``, ``"running"``, ``"stopped"`` or ``"failed"``."""

    @property
    def is_active(self) -> Active:
        """Whether it runs."""

    @property
    def rate(self) -> float | None:
        """Rows a second, where they come evenly."""

    @property
    def names(self) -> tuple[str, ...]:
        """Its columns, as far as they are known."""

    def start(self) -> None:
        """Begin; of no effect while it runs. After a stop or a failure it begins again."""

    def stop(self) -> None:
        """End, and wait for its thread; twice is fine. Raises a failure that was not raised yet."""

    def read(self) -> Block:
        """Return the rows that came since the last read, without waiting; raises a failure, once, after its rows."""

    def stats(self) -> dict[str, Any]:
        """Return what it counts: produced == delivered + dropped + pending, and late."""
