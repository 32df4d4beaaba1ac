"""A characteristic of a Bluetooth Low Energy device as the way to it."""

from __future__ import annotations

import concurrent.futures
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from headrace.core.optional import optional
from headrace.errors import DeviceLostError
from headrace.live.devices.clock import SYSTEM, Clock
from headrace.live.devices.wake import Wake

if TYPE_CHECKING:
    from headrace.live.wires.event_loop import EventLoop

PATIENCE: Final = 5.0  # seconds for what is not connecting: asking for notifications, writing, letting go
MOST: Final = 1 << 22  # bytes that may wait to be taken


class BLELink:
    """Notifications of a Bluetooth Low Energy device, by bleak.

    Parameters
    ----------
    address
        The device's address; on macOS, which tells none, the identifier that it gives instead.
    notify
        The characteristic that notifies, a UUID.
    write
        The one that is written to; by default the same.
    timeout
        Seconds for finding and connecting it.
    client
        Makes a client, as ``bleak.BleakClient`` does, which is the default.

    Examples
    --------
    >>> BLELink("D4:22:CD:00:00:01", "00002a37-0000-1000-8000-00805f9b34fb")
    BLELink('D4:22:CD:00:00:01')
    """

    quick: bool = False
    address: str
    notify: str
    write: str
    timeout: float

    def __init__(
        self,
        address: str,
        notify: str,
        write: str | None = None,
        *,
        timeout: float = 20.0,
        client: Callable[..., Any] | None = None,
    ) -> None:
        self.address, self.notify, self.write = str(address), str(notify), str(write or notify)
        self.timeout = float(timeout)
        self._make = client
        self._clock: Clock = SYSTEM
        self._loop: EventLoop | None = None
        self._client: Any = None
        self._came: deque[tuple[float, bytes]] = deque()
        self._bytes = 0  # that wait in it
        self._wake = Wake()
        self._interrupted = threading.Event()
        self._lost = ""

    def prepare(self, clock: Clock) -> None:
        """Load the driver, and begin its event loop.

        Raises
        ------
        MissingExtraError
            When it is not installed.
        """
        self._clock = clock
        if self._make is None:
            self._make = optional("bleak", "sensors", "BLELink").BleakClient
        from headrace.live.wires.event_loop import EventLoop  # asyncio takes a while to load

        self._interrupted.clear()
        self._loop = EventLoop("BLE", PATIENCE)

    def connect(self) -> None:
        """Connect, and ask for notifications.

        Raises
        ------
        DeviceLostError
            When it is not found, or refuses, or there is no Bluetooth.
        """
        self._came.clear()
        self._bytes, self._lost = 0, ""
        self._do(self._connected(), "connect to", self.timeout + PATIENCE)

    async def _connected(self) -> None:
        make = self._make
        assert make is not None
        client = self._client = make(self.address, disconnected_callback=self._gone, timeout=self.timeout)
        await client.connect()
        await client.start_notify(self.notify, self._notified)

    def _do(self, coroutine: Any, what: str, timeout: float) -> None:
        """Have the loop do something, and give every error of the driver one name."""
        loop = self._loop
        if loop is None or self._interrupted.is_set():
            coroutine.close()
            raise DeviceLostError(f"{self!r} was stopped while it was to {what} the device.\n  Start it again.")
        try:
            loop.call(coroutine, timeout)
        except concurrent.futures.CancelledError:
            raise DeviceLostError(
                f"{self!r} was stopped while it was to {what} the device.\n  Start it again."
            ) from None
        except Exception as error:  # bleak's own, of the system's bus, of the radio's driver
            raise DeviceLostError(
                f"{self!r} cannot {what} the device: {str(error) or type(error).__name__}.\n"
                "  Is it switched on, near, and connected to nothing else, and is Bluetooth on? "
                "find_ble_address() lists what can be seen."
            ) from error

    # --- called in the loop's thread ------------------------------------------------------------------

    def _notified(self, _characteristic: Any, data: bytearray) -> None:
        if self._bytes > MOST:
            self._lost = f"{self._bytes} bytes wait that nobody takes"
        else:
            self._came.append((self._clock.now(), bytes(data)))
            self._bytes += len(data)
        self._wake.set()

    def _gone(self, client: Any) -> None:
        if client is self._client:  # and not one that was given up
            self._lost = "it has disconnected"
            self._wake.set()

    # --- called in the device's -----------------------------------------------------------------------

    def receive(self, timeout: float) -> list[tuple[float, bytes]]:
        """Return the notifications that came, each when it came.

        Raises
        ------
        DeviceLostError
            When it has disconnected, after what it sent before.
        """
        if not self._came and not self._lost and timeout and not self._interrupted.is_set():
            self._wake.wait(timeout)
        lost = self._lost  # looked at first: what it sent before is all
        found = []
        while self._came:
            found.append(self._came.popleft())
            self._bytes -= len(found[-1][1])
        if lost and not found:
            raise DeviceLostError(f"{self!r} was lost: {lost}.\n  Is it switched on, and near?")
        return found

    def send(self, data: bytes) -> None:
        """Write to it; raises DeviceLostError when that is not done within some seconds."""
        self._do(self._client.write_gatt_char(self.write, data), "write to", PATIENCE)

    def disconnect(self) -> None:
        """Let go of the device."""
        client, self._client = self._client, None
        if client is None or self._loop is None:
            return
        try:
            self._loop.call(client.disconnect(), PATIENCE, lasts=True)
        except Exception:  # it is gone already
            pass

    def interrupt(self) -> None:
        """Have what waits return."""
        self._interrupted.set()
        self._wake.set()
        loop = self._loop
        if loop is not None:
            loop.cancel()

    def release(self) -> None:
        """End the event loop."""
        loop, self._loop = self._loop, None
        if loop is not None:
            loop.close()

    def __repr__(self) -> str:
        return f"BLELink({self.address!r})"
