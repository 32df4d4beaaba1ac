"""Devices at a serial port."""

from __future__ import annotations

from typing import Any

from headrace.live.wires.linked import Linked
from headrace.live.wires.serial_link import SerialLink


class SerialSource(Linked):
    r"""What a device says at a serial port, as rows.

    Parameters
    ----------
    port
        Its name, such as ``/dev/ttyACM0`` or ``COM3``.
    parser
        Makes rows of bytes: :class:`~headrace.live.Lines` of text, :class:`~headrace.live.Records` of
        fixed size, :class:`~headrace.live.CobsRecords` in COBS frames, or a function of the bytes that came.
    baudrate, parity
        As the device has them: ``"N"``, ``"E"`` or ``"O"``.
    serial
        Options of ``serial.Serial``, by name.
    options
        Of every device at a link: ``rate=``, ``device_time=``, ``tick=``, ``wrap=``, ``received_key=``,
        ``reconnect=``, ``silence=``, ``on_error=``, ``clock=``, ``max_bytes=``, ``overflow=``: see
        :class:`~headrace.live.Linked`.

    Raises
    ------
    StreamConfigError
        When a parameter is none of these.

    Examples
    --------
    >>> from headrace.live import Lines
    >>> source = SerialSource("/dev/ttyACM0", Lines(["t", "x", "y"]), baudrate=115200, device_time="t", tick=1e-3)
    >>> source.names
    ('timestamp', 'received', 't', 'x', 'y')
    """

    port: str

    def __init__(
        self,
        port: str,
        parser: Any,
        *,
        baudrate: int = 115200,
        parity: str = "N",
        serial: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self.port = str(port)
        super().__init__(SerialLink(port, baudrate, parity=parity, **(serial or {})), parser, **options)

    def __repr__(self) -> str:
        return f"SerialSource({self.port!r}, {self.parser!r})"
