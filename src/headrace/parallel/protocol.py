"""What the two ends of a socket say to each other, where they may listen, and who they are."""

from __future__ import annotations

import builtins
import json
import os
import re
import stat
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

import headrace.errors
from headrace.core.key import Key
from headrace.errors import HeadraceError, StreamConfigError
from headrace.parallel.structs import Struct

VERSION: Final = 1
BEAT: Final = 300  # milliseconds between signs of life, which the sockets' own thread sends,
SILENCE: Final = 1500  # and without any after which the other end counts as gone
LINGER: Final = 100  # milliseconds that a closing socket takes for its last words
MESSAGE: Final = 1 << 20  # bytes of what a consumer may say at most
_TEXT: Final = 1 << 16  # letters of an error's text at most


class LinkError(HeadraceError, ConnectionError):
    """The other end of a socket is not there, is gone, or a message got lost on the way."""


class RemoteError(HeadraceError, RuntimeError):
    """An exception of the stream on the server whose type this program does not know; the message names it."""


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


# --- exceptions ---------------------------------------------------------------------------------


def told(error: BaseException) -> tuple[str, str, list[str], str]:
    """Return an exception as texts: its type, its message, its notes, its traceback.

    Examples
    --------
    >>> told(KeyError("X"))[:3]
    ('builtins:KeyError', 'X', [])
    """
    try:
        message = error.args[0] if len(error.args) == 1 and isinstance(error.args[0], str) else str(error)
        trace = "".join(traceback.format_exception(error))
    except Exception:  # an exception whose own __str__ raises
        message, trace = "", ""
    kind = type(error)
    notes = [_clean(note) for note in getattr(error, "__notes__", ())]
    return f"{kind.__module__}:{kind.__qualname__}", _clean(message), notes[:20], _clean(trace[-_TEXT:])


def _clean(text: object) -> str:
    return str(text)[:_TEXT].encode("utf-8", "replace").decode()


def raisable(failed: Failed) -> BaseException:
    """Return the exception that was told: of its own type where that is Python's or headrace's and takes a text.

    Examples
    --------
    >>> raisable(Failed(0, 0, "builtins:ValueError", "no", [], ""))
    ValueError('no')
    >>> raisable(Failed(0, 0, "shop:SoldOut", "no tea", [], ""))
    RemoteError('shop:SoldOut: no tea')
    """
    module, _, name = failed.kind.partition(":")
    home = {"builtins": builtins, "headrace.errors": headrace.errors}.get(module)
    kind = getattr(home, name, None) if home is not None else None
    error: BaseException | None = None
    if isinstance(kind, type) and issubclass(kind, Exception) and not issubclass(kind, StopIteration | Warning):
        try:
            error = kind(failed.message)
        except TypeError:  # one of those that take more than a text
            error = None
    if error is None or isinstance(error, StopAsyncIteration):
        error = RemoteError(f"{failed.kind}: {failed.message}")
    for note in failed.notes:
        error.add_note(note)
    if failed.trace:
        error.add_note("  on the server:\n" + failed.trace.rstrip())
    return error


# --- addresses ----------------------------------------------------------------------------------

_TCP: Final = re.compile(r"tcp://(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.*_-]+):(\d{1,5}|\*)")


def check_address(who: str, address: object, *, serves: bool) -> bool:
    """Return whether an address can be reached from other machines.

    Raises
    ------
    StreamConfigError
        When it is none.
    """
    if isinstance(address, str):
        if address.startswith("ipc://") and not address.startswith("ipc://@"):
            _check_folder(who, address, serves)
            return False
        found = _TCP.fullmatch(address)
        if found is not None and (serves or found[2] not in ("*", "0")) and int(found[2].replace("*", "0")) < 1 << 16:
            return not (found[1] == "localhost" or found[1] == "[::1]" or re.fullmatch(r"127(\.\d{1,3}){3}", found[1]))
    wanted = "'tcp://host:port' or 'ipc:///folder/name'"
    raise StreamConfigError(f"{who}(address) got {address!r}, wanted {wanted}.")


def _check_folder(who: str, address: str, serves: bool) -> None:
    path = Path(address.removeprefix("ipc://"))
    if len(os.fsencode(path)) > 100 or not path.name:
        raise StreamConfigError(f"{who}(address) got {address!r}, wanted a path of 1 to 100 bytes behind ipc://.")
    if not serves:
        return
    try:
        seen = path.parent.stat()
    except OSError as error:
        raise StreamConfigError(f"{who}(address) got {address!r}, whose folder cannot be seen: {error}.") from error
    if not stat.S_ISDIR(seen.st_mode) or seen.st_mode & 0o077 or seen.st_uid != os.geteuid():
        raise StreamConfigError(
            f"{who}(address) got {address!r}, in a folder that others can open, wanted one of your own.\n"
            "  Make one with tempfile.mkdtemp(), or chmod 700."
        )


# --- keys ---------------------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class Keys:
    """A CURVE key pair: who one is on a socket. ``public`` may be shown, ``secret`` may not.

    Parameters
    ----------
    public, secret
        40 letters each, as :meth:`new` or ``zmq.curve_keypair()`` makes them.

    Raises
    ------
    StreamConfigError
        When they are no such letters.

    Examples
    --------
    >>> keys = Keys.new()
    >>> len(keys.public), keys.secret in repr(keys)
    (40, False)
    """

    public: str
    secret: str

    def __post_init__(self) -> None:
        check_key("Keys(public)", self.public)
        check_key("Keys(secret)", self.secret, secret=True)

    @staticmethod
    def new() -> Keys:
        """Return a new pair."""
        import zmq

        public, secret = zmq.curve_keypair()
        return Keys(public.decode(), secret.decode())

    def __repr__(self) -> str:
        return f"Keys(public={self.public!r})"


_Z85: Final = re.compile(r"[0-9a-zA-Z.\-:+=^!/*?&<>()\[\]{}@%$#]{40}")


def check_key(who: str, key: object, secret: bool = False) -> None:
    """Raise unless ``key`` is half a pair of :class:`Keys`."""
    if not isinstance(key, str) or not _Z85.fullmatch(key):
        got = "something else" if secret else repr(key)
        raise StreamConfigError(f"{who} got {got}, wanted the 40 letters of a CURVE key, as of hr.parallel.Keys.new().")
