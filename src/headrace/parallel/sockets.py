"""A stream on a socket, for consumers of other programs and machines."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

from headrace.core.coerce import as_stream
from headrace.core.cursor import Cursor
from headrace.core.describe import describe
from headrace.core.key import Key
from headrace.core.stream import Spec, Stream
from headrace.errors import StreamConfigError
from headrace.parallel.access import Keys, check_address, check_key
from headrace.parallel.background import byte_count
from headrace.parallel.listener import Listener
from headrace.parallel.outlet import opened
from headrace.parallel.protocol import VERSION, Hello, Welcome, key_of
from headrace.parallel.server import Server
from headrace.parallel.undisturbed import undisturbed


def serve(
    stream: Any,
    address: str = "tcp://127.0.0.1:5555",
    *,
    consumers: Literal["share", "each"] = "share",
    public: bool = False,
    keys: Keys | None = None,
    clients: Iterable[str] = (),
    key: Key | None = None,
    ahead: int | str = "8MB",
    block: bool = True,
) -> Server:
    """Give the items of a stream to consumers that :func:`connect`, in this and other programs and machines.

    Items are trees of arrays: dicts, tuples and lists of arrays, numbers and texts. Anything else is refused by name;
    nothing is ever pickled.

    Parameters
    ----------
    stream
        The stream, or anything that makes one.
    address
        ``"tcp://host:port"``, port 0 for a free one, or ``"ipc:///folder/name"`` in a folder that only you can open.
    consumers
        ``"share"``: one pass, and each item goes to one of them. ``"each"``: each gets a pass of its own, with the key
        that it opens the stream with.
    public
        Whether other machines may connect; they need keys then.
    keys, clients
        The server's :class:`headrace.parallel.Keys`, and the public keys of all who may connect.
    key
        Where the random numbers of the pass that all share come from; by default the stream's own seed or a fresh one.
    ahead
        How many bytes of items may wait here, for every pass, and may be on their way to each consumer; a consumer
        may want fewer.
    block
        Whether to serve until all is given away, or Ctrl-C. Otherwise a thread serves until ``close()``. A stream that
        each gets whole is never given away.

    Returns
    -------
    Server
        With ``address``, ``stats()``, ``wait()`` and ``close()``; a context manager. Closed, when ``block`` is true.

    Raises
    ------
    StreamConfigError
        When the address can be reached from other machines and ``public``, ``keys`` or ``clients`` is missing, when
        nobody can listen there, or when another argument cannot work.

    Examples
    --------
    >>> import headrace as hr
    >>> with hr.serve(range(5), "tcp://127.0.0.1:0", block=False) as server:
    ...     list(hr.connect(server.address))
    [0, 1, 2, 3, 4]
    """
    stream = as_stream(stream)
    if consumers not in ("share", "each"):
        raise StreamConfigError(f"serve(consumers=) got {consumers!r}, wanted 'share' or 'each'.")
    if key is not None and (consumers == "each" or not isinstance(key, Key)):
        raise StreamConfigError(
            f"serve(key=) got {key!r} with consumers={consumers!r}, wanted a Key, and consumers that share.\n"
            '  With consumers="each" every consumer brings a key of its own: connect(address).open(key).'
        )
    allowed = _allowed(clients)
    if keys is not None and not isinstance(keys, Keys):
        raise StreamConfigError(f"serve(keys=) got {keys!r}, wanted hr.parallel.Keys.")
    if (keys is None) != (not allowed):
        raise StreamConfigError("serve(keys=, clients=) got one of them, wanted both or none: no one else may connect.")
    if check_address("serve", address, serves=True) and not (public and keys is not None):
        raise StreamConfigError(
            f"serve(address) got {address!r}, which other machines can reach, wanted public=True, keys= and clients=.\n"
            "  Make keys with hr.parallel.Keys.new(); or listen on 127.0.0.1 and come through ssh."
        )
    size = byte_count("serve(ahead=)", ahead)

    def opens(hello: Hello, left: Callable[[], bool]) -> Cursor[Any]:
        if consumers == "share":
            cursor: Cursor[Any] = stream.open(key)
            return cursor
        return opened(stream, key_of(hello.key), hello.at, hello.passed, left)

    welcome = _welcome(stream, consumers)
    server: Server | None = None
    try:
        with undisturbed():
            server = Server(Listener(address, keys, allowed), welcome, opens, size)
            server.start()
        if block:
            server.wait()
            server.close()
    except BaseException:  # a Ctrl-C, as a rule
        if server is not None:
            server.close()
        raise
    return server


def _allowed(clients: Iterable[str]) -> frozenset[str]:
    allowed = frozenset([clients] if isinstance(clients, str) else clients)
    for known in allowed:
        check_key("serve(clients=)", known)
    return allowed


def _welcome(stream: Stream[Any], consumers: str) -> Welcome:
    text, print_ = str(describe(stream))[:10_000], stream.fingerprint
    if consumers == "share":
        return Welcome(VERSION, consumers, text, print_, None, "cursor", "none", _told(stream.spec))
    resume = "exact" if stream.access == "index" else "none" if stream.resume == "none" else "replay"
    return Welcome(VERSION, consumers, text, print_, stream.size, stream.access, resume, _told(stream.spec))


def _told(spec: Spec | None) -> list[tuple[str, tuple[int | None, ...], str, tuple[str, ...]]] | None:
    return None if spec is None else [(str(name), *field) for name, field in spec.items()]
