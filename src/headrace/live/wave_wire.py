"""What the Wave ring says and is told: packets in COBS frames, over Bluetooth or a serial port.

A packet is a header (what it is, which one, how long) and a payload, little-endian. It has no check sum: a payload
that was garbled without a trace in its length is taken for what it says.
"""

from __future__ import annotations

import struct
from typing import Any, Final, NamedTuple

import numpy as np

from headrace.errors import DataError
from headrace.live import cobs
from headrace.live.records import columns_of

CHARACTERISTIC: Final = "65e92bb1-8dfb-11ea-bc55-0242ac130003"  # to be notified by, and to write to
BAUDRATE: Final = 921600  # with even parity

REQUEST: Final = 1
RESPONSE: Final = 2
STREAM: Final = 3
KINDS: Final = (REQUEST, RESPONSE, STREAM)

DATASTREAM: Final = 1
BATTERY: Final = 2
DEVICE_INFO: Final = 3
BUTTON: Final = 4
DEVICE_MODE: Final = 5
IDENTIFY: Final = 6
RECENTER: Final = 7
DISPLAY_FRAME: Final = 8
RAW_DATA: Final = 9
SPECTROGRAM: Final = 10
CONFIG: Final = 11

API_MODE: Final = 103
BUTTONS: Final = ("top", "middle", "bottom")
ACTIONS: Final = ("up", "down", "long", "longup", "extralong", "extralongup", "click")

HEADER: Final = struct.Struct("<BBH")
LONGEST: Final = 1024  # bytes of a frame; the longest that is known has 398

# The payloads of numbers, field for field.
LAYOUTS: Final[dict[int, np.dtype[Any]]] = {
    DATASTREAM: np.dtype(
        [
            ("gyro", "<f4", 3), ("acc", "<f4", 3), ("mag", "<f4", 3), ("raw_pose", "<f4", 4), ("current_pose", "<f4", 4),
            ("euler", "<f4", 3), ("linacc", "<f4", 3), ("peak", "?"), ("peak_norm_velocity", "<f4"),
            ("timestamp_us", "<u8"),
        ]
    ),
    RAW_DATA: np.dtype([("gyro", "<f4", 3), ("acc", "<f4", 3), ("timestamp_us", "<u8")]),
    SPECTROGRAM: np.dtype([("spectrogram", "<f4", (6, 16)), ("timestamp_us", "<u8")]),
}  # fmt: skip

_WIDE: Final = {
    name: np.int64 if name == "timestamp_us" else np.float64 for each in LAYOUTS.values() for name in each.names or ()
}


class Packet(NamedTuple):
    """A packet: ``REQUEST``, ``RESPONSE`` or ``STREAM``, which one, and what is in it."""

    kind: int
    id: int
    payload: bytes


class Button(NamedTuple):
    """What was done with a button: of :data:`BUTTONS`, and of :data:`ACTIONS`."""

    name: str
    action: str


class DeviceInfo(NamedTuple):
    """What a ring says of itself: three parts of its version, its board, its address and its serial number."""

    version: tuple[int, int, int]
    board: str
    mac: str
    serial: str


def pack(packet: Packet) -> bytes:
    """Return the frame of a packet, as it goes over the wire.

    Examples
    --------
    >>> pack(Packet(REQUEST, DEVICE_MODE, bytes([API_MODE]))).hex()
    '04010501026700'
    """
    return cobs.encode(HEADER.pack(packet.kind, packet.id, len(packet.payload)) + packet.payload)


def unpack(frame: bytes) -> Packet:
    r"""Return the packet that a frame holds, once it is decoded.

    Raises
    ------
    DataError
        When it is none.

    Examples
    --------
    >>> unpack(b"\x01\x05\x01\x00g")
    Packet(kind=1, id=5, payload=b'g')
    """
    if len(frame) < HEADER.size:
        raise DataError(f"a Wave packet has {len(frame)} bytes, wanted 4 for its header.\n  It was cut; leave it out.")
    kind, which, size = HEADER.unpack_from(frame)
    payload = frame[HEADER.size :]
    layout = LAYOUTS.get(which) if kind == STREAM else None
    if kind not in KINDS or len(payload) != size or (layout is not None and size != layout.itemsize):
        wanted = f"a payload of {size}" if layout is None else f"one of {layout.itemsize}"
        raise DataError(
            f"a Wave packet of kind {kind} and id {which} has a payload of {len(payload)} bytes, wanted {wanted} "
            "and a kind of 1, 2 or 3.\n  It was garbled; leave it out."
        )
    return Packet(kind, which, payload)


def mode_request(mode: int = API_MODE) -> bytes:
    """Return the frame that puts the ring into a mode; in that of an API it sends."""
    return pack(Packet(REQUEST, DEVICE_MODE, bytes([mode])))


def config_request(*, spectrogram: bool = False) -> bytes:
    """Return the frame that says what the ring is to send: its datastream, or spectrograms."""
    payload = struct.pack("<BBxxf", not spectrogram, spectrogram, 2000.0 if spectrogram else 400.0)
    return pack(Packet(REQUEST, CONFIG, payload))


def columns(which: int, payloads: list[bytes]) -> dict[str, Any]:
    """Return the numbers of payloads of one kind.

    Parameters
    ----------
    which
        ``DATASTREAM``, ``RAW_DATA`` or ``SPECTROGRAM``.
    payloads
        Each as long as :data:`LAYOUTS` says.

    Returns
    -------
    columns
        ``(n, ...)`` each: float64, bool for ``peak``, int64 for ``timestamp_us``, whose differences then have a sign.

    Examples
    --------
    >>> found = columns(RAW_DATA, [bytes(24) + (7).to_bytes(8, "little")])
    >>> found["gyro"].shape, found["timestamp_us"]
    ((1, 3), array([7]))
    """
    found = columns_of(b"".join(payloads), LAYOUTS[which])
    return {name: column if column.dtype.kind == "b" else column.astype(_WIDE[name]) for name, column in found.items()}


def button(packet: Packet) -> Button:
    """Return what was done with a button.

    Raises
    ------
    DataError
        When it is none that is known.
    """
    try:
        which, action = struct.unpack("<II", packet.payload)
        return Button(BUTTONS[which], ACTIONS[action])
    except (struct.error, IndexError):
        raise DataError(
            f"a Wave packet says {packet.payload.hex()!r} of a button, wanted two numbers, less than {len(BUTTONS)} and "
            f"{len(ACTIONS)}.\n  It was garbled; leave it out."
        ) from None


def device_info(packet: Packet) -> DeviceInfo:
    """Return what a ring says of itself.

    Raises
    ------
    DataError
        When it has not 35 bytes.
    """
    if len(packet.payload) != 35:
        raise DataError(
            f"a Wave packet says {len(packet.payload)} bytes of its device, wanted 35.\n  It was garbled; leave it out."
        )
    *version, board, mac, serial = struct.unpack("<3B9s6s17s", packet.payload)
    told = [text.split(b"\0")[0].decode("ascii", "replace") for text in (board, serial)]
    return DeviceInfo((version[0], version[1], version[2]), told[0], mac.hex(":"), told[1])


class WavePackets:
    """Packets out of a stream of bytes that comes in pieces.

    Attributes
    ----------
    bad : int
        Frames that were no packets.

    Examples
    --------
    >>> packets = WavePackets()
    >>> sent = mode_request()
    >>> packets.feed(sent[:3]), packets.feed(sent[3:])
    ([], [Packet(kind=1, id=5, payload=b'g')])
    """

    def __init__(self) -> None:
        self._frames = cobs.CobsFrames(LONGEST)
        self._bad = 0

    @property
    def bad(self) -> int:
        """Frames that were no packets."""
        return self._bad + self._frames.bad

    def feed(self, data: bytes) -> list[Packet]:
        """Return the packets that are complete now, in order."""
        found = []
        for frame in self._frames.feed(data):
            try:
                found.append(unpack(frame))
            except DataError:
                self._bad += 1
        return found

    def reset(self) -> None:
        """Forget the beginning of a packet whose end will not come."""
        self._frames.reset()
