"""The way to a device that is elsewhere: opened, heard, spoken to, lost and opened again."""

from __future__ import annotations

from typing import Protocol

from headrace.live.devices.clock import Clock


class Link(Protocol):
    """A way to a device; one thread uses it, and any other may interrupt that.

    Attributes
    ----------
    quick : bool
        Whether connecting is a matter of milliseconds: it is done in ``start()``, whose caller learns what is wrong.
    """

    @property
    def quick(self) -> bool:
        """Whether connecting is a matter of milliseconds."""

    def prepare(self, clock: Clock) -> None:
        """Load what it needs, and take the times of what comes from ``clock``; called in ``start()``."""

    def connect(self) -> None:
        """Connect; a link that was lost connects again. Raises DeviceLostError when that cannot be done."""

    def receive(self, timeout: float) -> list[tuple[float, bytes]]:
        """Return what came and when, waiting ``timeout`` seconds for something; raises DeviceLostError when lost."""

    def send(self, data: bytes) -> None:
        """Send bytes; raises DeviceLostError when lost."""

    def disconnect(self) -> None:
        """Let go of the device; twice is fine."""

    def interrupt(self) -> None:
        """Have a :meth:`connect` or :meth:`receive` that waits return soon, or raise; called by another thread."""

    def release(self) -> None:
        """Let go of everything that :meth:`prepare` took."""
