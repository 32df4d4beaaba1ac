"""The Wave ring: nine axes of motion and a pose, over Bluetooth or its serial receiver."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from headrace.core.optional import optional
from headrace.errors import DeviceLostError, StreamConfigError
from headrace.live import wave_wire as wire
from headrace.live.wave_rows import WaveParser
from headrace.live.wires.ble_link import BLELink
from headrace.live.wires.link import Link
from headrace.live.wires.linked import Linked
from headrace.live.wires.serial_link import SerialLink


class WaveSource(Linked):
    """What a Wave ring says.

    The columns are ``gyro``, ``acc``, ``mag`` ``(n, 3)``, ``raw_pose``, ``current_pose`` ``(n, 4)`` (w, x, y, z),
    ``euler`` (roll, pitch, yaw), ``linacc`` ``(n, 3)``, ``peak``, ``peak_norm_velocity``, ``timestamp_us`` ``(n,)``,
    the ring's own time, and of these ``grav``, ``acc_glob``, ``linacc_glob`` ``(n, 3)``. ``timestamp`` is the ring's
    time on the host's clock. Called, it gives its newest row, as a source of a :class:`~headrace.live.Sampler`.

    A ring that is lost is tried again, and told again what it is to send. An extra long press of its top button ends
    it, as :meth:`stop` does.

    Parameters
    ----------
    ble_address
        Its Bluetooth address: see :func:`~headrace.live.find_ble_address`.
    godot
        Whether it is heard by its serial receiver.
    spectrogram
        Whether it sends spectrograms, a column ``spectrogram`` ``(n, 6, 16)`` of six axes and sixteen bands, and
        ``timestamp_us``.
    sample_rate
        Rows a second that it sends.
    followers
        Functions that are asked whenever rows have come: their values are columns.
    port
        The receiver's serial port; by default the first there is.
    on_button
        Called with each :class:`~headrace.live.wave_wire.Button`, in the ring's thread.
    announce
        Called with a line of text when it connects, is connected, and ends; ``print`` does.
    link
        Another way to it: a :class:`~headrace.live.Link`.
    options
        Of every device at a link: see :class:`~headrace.live.Linked`.

    Raises
    ------
    StreamConfigError
        When it has neither an address, nor a receiver, nor a link.

    Examples
    --------
    >>> ring = WaveSource("D4:22:CD:00:00:01")
    >>> ring.rate, ring.names[:4]
    (100.0, ('timestamp', 'received', 'gyro', 'acc'))
    """

    ble_address: str | None
    godot: bool
    spectrogram: bool
    sample_rate: float
    announce: Callable[[str], object] | None
    parser: WaveParser

    def __init__(
        self,
        ble_address: str | None = None,
        godot: bool = False,
        spectrogram: bool = False,
        sample_rate: float = 100.0,
        followers: Mapping[str, Any] | Sequence[Any] | None = None,
        *,
        port: str | None = None,
        on_button: Callable[[wire.Button], object] | None = None,
        announce: Callable[[str], object] | None = None,
        link: Link | None = None,
        **options: Any,
    ) -> None:
        self.ble_address, self.godot, self.spectrogram = ble_address, bool(godot), bool(spectrogram)
        self.sample_rate, self.announce = float(sample_rate), announce
        self._where = ble_address or port or ("its receiver" if godot else repr(link))
        super().__init__(
            _link(ble_address, self.godot, port, link),
            WaveParser(spectrogram=self.spectrogram, on_button=on_button),
            rate=self.sample_rate,
            device_time="timestamp_us",
            tick=1e-6,
            followers=followers,
            **options,
        )

    @property
    def signal_names(self) -> list[str]:
        """Its columns; with followers, once the first row has come, for which it waits up to 5 seconds."""
        if self.beside.sources:
            self()
        return list(self.names)

    def opened(self) -> None:
        self.parser.ended = False
        self._say(f"Connecting to wave at address {self._where}")
        super().opened()

    def greet(self) -> None:
        self.link.send(wire.mode_request())
        self.link.send(wire.config_request(spectrogram=self.spectrogram))
        self._say("Connected to Wave")

    def rows(self, data: bytes) -> Mapping[str, Any]:
        found = super().rows(data)
        if self.parser.ended:
            self._stopping.set()
        return found

    def closed(self) -> None:
        if self.parser.ended or self._stopping.is_set():
            self._say("Got a cancel message, exiting.")
        super().closed()

    def _say(self, text: str) -> None:
        if self.announce is not None:
            self.announce(text)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._where!r})"


class WaveDataSource(WaveSource):
    """The same, with the columns of the ring alone, and saying on the screen when it is connected.

    Parameters
    ----------
    ble_address, godot, spectrogram, options
        See :class:`WaveSource`.

    Examples
    --------
    >>> WaveDataSource("D4:22:CD:00:00:01").names
    ('gyro', 'acc', 'mag', 'raw_pose', 'current_pose', 'euler', 'linacc', 'peak', 'peak_norm_velocity', 'timestamp_us',
     'grav', 'acc_glob', 'linacc_glob')
    """

    def __init__(
        self, ble_address: str | None = None, godot: bool = False, spectrogram: bool = False, **options: Any
    ) -> None:
        super().__init__(ble_address, godot, spectrogram, **{"stamp": False, "announce": print, **options})


class Receiver(SerialLink):
    """The ring's serial receiver: the first serial port there is, if it is not said which."""

    port: str

    def connect(self) -> None:
        """Open the port; raises DeviceLostError when there is none."""
        if self.port:
            super().connect()
            return
        there = optional("serial.tools.list_ports", "sensors", "WaveSource").comports()
        if not there:
            raise DeviceLostError(
                "WaveSource found no serial port, wanted that of the ring's receiver.\n"
                "  Plug it in, or say which one it is with port=."
            )
        self.port = sorted(each.device for each in there)[0]
        try:
            super().connect()
        finally:
            self.port = ""  # the next time it may be another


def _link(ble_address: str | None, godot: bool, port: str | None, link: Link | None) -> Link:
    if sum((bool(ble_address), bool(godot or port), link is not None)) != 1:
        raise StreamConfigError(
            f"WaveSource got ble_address={ble_address!r}, godot={godot!r}, port={port!r}, link={link!r}, wanted one way.\n"
            "  An address is that of its Bluetooth; godot=True, or port=, of its serial receiver."
        )
    if link is not None:
        return link
    if ble_address:
        return BLELink(ble_address, wire.CHARACTERISTIC)
    return Receiver(port or "", wire.BAUDRATE, parity="E")
