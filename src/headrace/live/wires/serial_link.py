"""A serial port as the way to a device."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from headrace.core.optional import optional
from headrace.errors import DeviceLostError, StreamConfigError
from headrace.live.devices.clock import SYSTEM, Clock

LOOK: Final = 0.2  # seconds that the driver waits for a byte
PARITIES: Final = ("N", "E", "O", "M", "S")
MOST: Final = 1 << 16  # bytes that are taken at once


class SerialLink:
    """A serial port, by pyserial.

    Parameters
    ----------
    port
        Its name, such as ``/dev/ttyACM0`` or ``COM3``; or what pyserial takes as a URL.
    baudrate
        Bits a second.
    parity
        ``"N"``, ``"E"``, ``"O"``, ``"M"``, ``"S"``: none, even, odd, mark, space.
    options
        Of ``serial.Serial``: ``bytesize=``, ``stopbits=``, ``rtscts=`` and so on.

    Raises
    ------
    StreamConfigError
        When ``baudrate`` is no whole number above 0, or ``parity`` none of these.

    Examples
    --------
    >>> SerialLink("/dev/ttyACM0", 921600, parity="E")
    SerialLink('/dev/ttyACM0', 921600)
    """

    quick: bool = True  # opening a port takes no time
    port: str
    baudrate: int
    parity: str
    options: dict[str, Any]

    def __init__(self, port: str, baudrate: int = 115200, *, parity: str = "N", **options: Any) -> None:
        if isinstance(baudrate, bool) or not isinstance(baudrate, int | np.integer) or baudrate < 1:
            raise StreamConfigError(
                f"a serial port got baudrate={baudrate!r}, wanted bits a second, a whole number.\n"
                "  As the device has it: 9600 and 115200 are common."
            )
        if parity not in PARITIES:
            raise StreamConfigError(
                f"a serial port got parity={parity!r}, wanted one of {', '.join(map(repr, PARITIES))}.\n"
                "  'N' is none, 'E' even, 'O' odd."
            )
        self.port, self.baudrate, self.parity = str(port), int(baudrate), parity
        self.options = options
        self._clock: Clock = SYSTEM
        self._serial: Any = None
        self._open: Any = None

    def prepare(self, clock: Clock) -> None:
        """Load the driver.

        Raises
        ------
        MissingExtraError
            When it is not installed.
        """
        self._serial, self._clock = optional("serial", "sensors", "SerialLink"), clock

    def connect(self) -> None:
        """Open the port.

        Raises
        ------
        DeviceLostError
            When it is not there, not allowed, or used by another program.
        """
        options = {"exclusive": True, **self.options}  # two readers would take each other's bytes
        try:
            self._open = self._serial.serial_for_url(
                self.port, self.baudrate, parity=self.parity, timeout=LOOK, write_timeout=2.0, **options
            )
        except Exception as error:  # of the driver, or of termios, which has one of its own
            there = [each.device for each in optional("serial.tools.list_ports", "sensors", "SerialLink").comports()]
            raise DeviceLostError(
                f"SerialLink cannot open {self.port!r}, wanted a serial port at {self.baudrate} baud: {error}.\n"
                f"  Ports on this machine: {', '.join(there) or 'none that is known'}. It may be used by another program, "
                "or you may not be in the group that may use it (often 'dialout')."
            ) from error

    def receive(self, timeout: float) -> list[tuple[float, bytes]]:
        """Return what came: at most one piece, all that is there.

        Raises
        ------
        DeviceLostError
            When the port has gone.
        """
        port = self._open
        try:
            if not timeout:
                data = port.read(port.in_waiting)
            else:
                data = port.read(1)
                if data:
                    came = self._clock.now()
                    data += port.read(min(MOST, port.in_waiting))
                    return [(came, data)]
        except (OSError, TypeError, AttributeError) as error:  # the latter two of a port that another thread closes
            raise DeviceLostError(
                f"{self!r} was lost while it was read: {error}.\n  Was the device unplugged?"
            ) from error
        return [(self._clock.now(), data)] if data else []

    def send(self, data: bytes) -> None:
        """Send bytes; raises DeviceLostError when the port has gone, or takes none for two seconds."""
        try:
            self._open.write(data)
        except (OSError, AttributeError) as error:
            raise DeviceLostError(
                f"{self!r} was lost while {len(data)} bytes were written: {error}.\n  Was the device unplugged?"
            ) from error

    def disconnect(self) -> None:
        """Close the port."""
        port, self._open = self._open, None
        if port is not None:
            try:
                port.close()
            except OSError:  # of a device that is gone; there is nothing left to close
                pass

    def interrupt(self) -> None:
        """Have a read that waits return."""
        port = self._open
        cancel = getattr(port, "cancel_read", None)
        if cancel is not None:
            try:
                cancel()
            except (OSError, TypeError, AttributeError):  # closed meanwhile
                pass

    def release(self) -> None:
        """Close the port, if that was not done."""
        self.disconnect()

    def __repr__(self) -> str:
        return f"SerialLink({self.port!r}, {self.baudrate})"
