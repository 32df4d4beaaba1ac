"""Frames in a stream of bytes: consistent overhead byte stuffing, after which a zero ends a frame and nothing else.

Cheshire and Baker, "Consistent overhead byte stuffing", IEEE/ACM Transactions on Networking 7(2), 1999. Whatever is
lost or garbled on the way, the next zero is the end of a frame: a flipped byte costs two frames at most.
"""

from __future__ import annotations

from typing import Final

from headrace.errors import DataError, StreamConfigError

LONGEST: Final = 254  # bytes between two zeros that one code can speak of


def encode(payload: bytes) -> bytes:
    r"""Return a frame: the payload without zeros, and the zero that ends it.

    Parameters
    ----------
    payload
        Any bytes, of any length.

    Examples
    --------
    >>> encode(b"\x11\x00\x22")
    b'\x02\x11\x02"\x00'
    >>> encode(b"")
    b'\x01\x00'
    """
    found, zeros = bytearray(), payload.count(b"\0")
    for k, piece in enumerate(payload.split(b"\0")):
        at = 0
        while len(piece) - at >= LONGEST:
            found.append(LONGEST + 1)  # a code that stands for no zero
            found += piece[at : at + LONGEST]
            at += LONGEST
        if at < len(piece) or not at or k < zeros:
            found.append(len(piece) - at + 1)
            found += piece[at:]
    found.append(0)
    return bytes(found)


def decode(frame: bytes) -> bytes:
    r"""Return the payload of a frame.

    Parameters
    ----------
    frame
        Without the zero that ended it.

    Raises
    ------
    DataError
        When no payload is encoded like this.

    Examples
    --------
    >>> decode(b"\x02\x11\x02\x22")
    b'\x11\x00"'
    >>> decode(b"\x05\x11")
    Traceback (most recent call last):
    headrace.errors.DataError: a COBS frame of 2 bytes says at byte 0 that 4 follow, wanted as many as there are.
      It was cut or garbled on the way; leave it out.
    """
    found, at, end = bytearray(), 0, len(frame)
    while at < end:
        code = frame[at]
        piece = frame[at + 1 : at + code]
        if code == 0 or len(piece) < code - 1:
            raise DataError(
                f"a COBS frame of {end} bytes says at byte {at} that {code - 1} follow, wanted as many as there are.\n"
                "  It was cut or garbled on the way; leave it out."
            )
        if 0 in piece:
            raise DataError(
                f"a COBS frame of {end} bytes has a zero after byte {at}, wanted none before its end.\n"
                "  Split at the zeros first: CobsFrames does."
            )
        found += piece
        at += code
        if code <= LONGEST and at < end:
            found.append(0)
    if not end:
        raise DataError("a COBS frame has no bytes, wanted one at least.\n  Leave out what is between two zeros.")
    return bytes(found)


class CobsFrames:
    r"""Payloads out of a stream of bytes that comes in pieces, cut anywhere.

    Parameters
    ----------
    max_bytes
        How long a frame may be. One that has not ended by then is given up, and what follows up to the next zero.

    Attributes
    ----------
    bad : int
        Frames that could not be decoded, or were too long.

    Raises
    ------
    StreamConfigError
        When ``max_bytes`` is not positive.

    Examples
    --------
    >>> frames = CobsFrames()
    >>> sent = encode(b"one") + encode(b"two") + encode(b"three")
    >>> frames.feed(sent[:7]), frames.feed(sent[7:])
    ([b'one'], [b'two', b'three'])
    >>> frames.feed(b"\xff garbled \x00" + encode(b"four")), frames.bad
    ([b'four'], 1)
    """

    max_bytes: int

    def __init__(self, max_bytes: int = 1 << 16) -> None:
        if max_bytes < 1:
            raise StreamConfigError(
                f"CobsFrames got max_bytes={max_bytes!r}, wanted 1 or more.\n  It is the longest frame that may come."
            )
        self.max_bytes = max_bytes
        self.bad: int = 0
        self._rest = b""
        self._passing = False  # over what is left of a frame that was too long

    def feed(self, data: bytes) -> list[bytes]:
        """Return the payloads that are complete now, in order."""
        *frames, rest = (self._rest + bytes(data)).split(b"\0")
        found = []
        for frame in frames:
            if self._passing:
                self._passing = False
            elif len(frame) > self.max_bytes:
                self.bad += 1
            elif frame:  # two zeros one after the other are no frame
                try:
                    found.append(decode(frame))
                except DataError:
                    self.bad += 1
        if len(rest) > self.max_bytes or self._passing:
            self.bad += not self._passing
            self._passing, rest = True, b""
        self._rest = rest
        return found

    def reset(self) -> None:
        """Forget the beginning of a frame whose end will not come."""
        self._rest, self._passing = b"", False
