"""Where the ends of a socket may be, and who they are."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from headrace.errors import StreamConfigError

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
