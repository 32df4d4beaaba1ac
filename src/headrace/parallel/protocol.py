"""What the two ends of a socket say to each other."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final

import msgspec

from headrace.core.key import Key
from headrace.parallel.structs import Struct

VERSION: Final = 1
BEAT: Final = 300  # milliseconds between signs of life, which the sockets' own thread sends,
SILENCE: Final = 1500  # and without any after which the other end counts as gone
LINGER: Final = 100  # milliseconds that a closing socket takes for its last words
MESSAGE: Final = 1 << 20  # bytes of what a consumer may say at most


class _Said(Struct, array_like=True, tag=True, forbid_unknown_fields=True):
    """A message; it travels as an array that begins with its name."""


class Hello(_Said):
    """A consumer begins, at item ``at``; ``passed`` are the places of failed items it has passed before that."""

    version: int
    asks: bool  # wants only to know what is served
    key: str
    at: int
    passed: list[int]
    ahead: int


class Credit(_Said):
    """So many bytes and items have been taken up since the beginning."""

    bytes: int
    items: int


class Again(_Said):
    """Try the item of this failure again."""

    failure: int


class Pass(_Said):
    """Pass the item of this failure."""

    failure: int


class Bye(_Said):
    """A consumer leaves, having given so many items to its user."""

    items: int


class Welcome(_Said):
    """What is served."""

    version: int
    consumers: str
    text: str
    fingerprint: str
    size: float | None
    access: str
    resume: str
    spec: list[tuple[str, tuple[int | None, ...], str, tuple[str, ...]]] | None


class Refused(_Said):
    """Why there is nothing for this consumer."""

    why: str


class Items(_Said):
    """Items follow, from number ``first``; they count ``weight`` bytes."""

    seq: int
    first: int
    n: int
    weight: int


class End(_Said):
    """There are no more; ``count`` is the number of the next one, were there one."""

    seq: int
    count: int


class Failed(_Said):
    """The stream raised."""

    seq: int
    failure: int
    kind: str
    message: str
    notes: list[str]
    trace: str


class Passed(_Said):
    """The failed item is passed; the next one has this number."""

    seq: int
    count: int


class Stopped(_Said):
    """The server was closed."""

    seq: int


class Ping(_Said):
    """Are you there? No answer is wanted: whoever is gone cannot be told."""


FromConsumer = Hello | Credit | Again | Pass | Bye
FromServer = Welcome | Refused | Items | End | Failed | Passed | Stopped | Ping
say: Callable[[Any], bytes] = msgspec.msgpack.Encoder().encode
hear_consumer: Any = msgspec.msgpack.Decoder(FromConsumer).decode
hear_server: Any = msgspec.msgpack.Decoder(FromServer).decode
UNREADABLE: Final = (msgspec.MsgspecError, RecursionError, ValueError)


def key_text(key: Key) -> str:
    """Return a key as text: its names may be numbers of any size."""
    return json.dumps(key.plain())


def key_of(text: str) -> Key:
    """Return the key that a consumer told.

    Raises
    ------
    ValueError
        When it told none.
    """
    plain = json.loads(text)
    if not isinstance(plain, list) or not plain or not re.fullmatch("[0-9a-f]{32}", str(plain[0])):
        raise ValueError("a key was wanted")
    if not all(type(name) in (int, str) for name in plain) or len(plain) > 1000:
        raise ValueError("a key of names and numbers was wanted")
    return Key.from_plain(plain)
