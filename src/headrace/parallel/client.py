"""The stream that a server gives away."""

from __future__ import annotations

import subprocess
import sys
import weakref
from typing import Any, ClassVar, Final

from headrace.core.cursor import Cursor
from headrace.core.key import Key
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.core.stream import Field, Resume, Spec, Stream
from headrace.errors import StreamConfigError
from headrace.parallel.access import Keys, check_address, check_key
from headrace.parallel.background import byte_count
from headrace.parallel.connected import Connected
from headrace.parallel.link import Link
from headrace.parallel.protocol import VERSION, Hello, Welcome
from headrace.parallel.undisturbed import undisturbed


def connect(
    address: str,
    *,
    keys: Keys | None = None,
    server_key: str | None = None,
    ahead: int | str = "8MB",
    timeout: float = 5.0,
) -> Connect:
    """Return the stream that :func:`serve` gives away at ``address``.

    Making it connects to nothing: the server is asked when its size or first item is wanted, and waited for then.

    Parameters
    ----------
    address
        Where the server listens: ``"tcp://host:port"`` or ``"ipc:///folder/name"``.
    keys, server_key
        Our :class:`headrace.parallel.Keys` and the server's public key; needed for any other machine.
    ahead
        How many bytes of items may be on their way here, or wait here.
    timeout
        Seconds in which the server must answer.

    Returns
    -------
    Stream
        Item for item what is served. With ``consumers="each"`` it opens with a key and at a position or state like
        any stream: exactly where the served items have numbers, else by running them again. What consumers share
        cannot be resumed.

    Raises
    ------
    StreamConfigError
        When an argument cannot work.

    Notes
    -----
    A pass raises ``LinkError`` when no server answers, when it is gone (within 2 s), or when a message got lost. The
    next call connects again and goes on where it was, unless consumers share. An exception of the served stream comes
    with its message, its traceback as a note, and its type where that is Python's own.

    Examples
    --------
    >>> import headrace as hr
    >>> squares = hr.functional(lambda i: i * i, size=10)
    >>> with hr.serve(squares, "tcp://127.0.0.1:0", consumers="each", block=False) as server:
    ...     remote = hr.connect(server.address)
    ...     len(remote), remote.open(at=7).take(2)
    (10, [49, 64])
    """
    return Connect(address, keys, server_key, byte_count("connect(ahead=)", ahead), timeout)


def _example() -> Connect:
    """Return a stream of a server in a process of its own, which ends with it."""
    code = "from headrace.parallel.client import _serve_example; _serve_example()"
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    made = Connect(child.stdout.readline().strip())
    weakref.finalize(made, child.communicate)  # which ends what it reads
    return made


def _serve_example() -> None:
    import headrace.sources as sources
    from headrace.parallel.sockets import serve

    with serve(sources.functional(_draw, size=60), "tcp://127.0.0.1:0", consumers="each", block=False) as server:
        print(server.address, flush=True)
        sys.stdin.read()


def _draw(i: int, rng: Any) -> dict[str, Any]:
    return {"X": rng.random(3), "y": i}


@register("connect", example=_example)
@recipe
class Connect(Stream[Any]):
    """The recipe of :func:`connect`."""

    address: str
    keys: Keys | None = None
    server_key: str | None = None
    ahead: int = 8_000_000
    timeout: float = 5.0

    tuning: ClassVar[tuple[str, ...]] = ("address", "keys", "server_key", "ahead", "timeout")

    def __post_init__(self) -> None:
        remote = check_address("connect", self.address, serves=False)
        if self.keys is not None and not isinstance(self.keys, Keys):
            raise StreamConfigError(f"connect(keys=) got {self.keys!r}, wanted hr.parallel.Keys.")
        if self.server_key is not None:
            check_key("connect(server_key=)", self.server_key)
        if (self.keys is None) != (self.server_key is None) or (remote and self.keys is None):
            raise StreamConfigError(
                f"connect(keys=, server_key=) got one of them or none for {self.address!r}, wanted both, or none for "
                "this machine.\n  Make keys with hr.parallel.Keys.new(), and name the public one in serve(clients=)."
            )
        if isinstance(self.timeout, bool) or not isinstance(self.timeout, int | float) or not self.timeout > 0:
            raise StreamConfigError(f"connect(timeout=) got {self.timeout!r}, wanted a number of seconds above 0.")
        self.fix(ahead=byte_count("connect(ahead=)", self.ahead))

    def link(self) -> Link:
        """Return a new connection, on which nothing has been said."""
        return Link(self.address, keys=self.keys, server_key=self.server_key, timeout=self.timeout)

    def info(self) -> Welcome:
        """Return what the server says it serves; asked for once.

        Raises
        ------
        LinkError
            When it does not answer.
        """
        known: Welcome | None = self.__dict__.get("_info")
        if known is None:
            link: Link | None = None
            try:
                with undisturbed():
                    link = self.link()
                known = link.hello(Hello(VERSION, True, "", 0, [], 1))
            finally:
                if link is not None:
                    link.close(0)
            self.fix(_info=known)
        return known

    @property
    def size(self) -> float | None:
        size = self.info().size
        return None if size is None else size if size == float("inf") else int(size)

    @property
    def resume(self) -> Resume:
        known: dict[str, Resume] = {"exact": "exact", "replay": "replay"}  # another server may say anything
        return known.get(self.info().resume, "none")

    @property
    def spec(self) -> Spec | None:
        spec = self.info().spec
        return None if spec is None else {name: Field(shape, dtype, dims) for name, shape, dtype, dims in spec}

    def remarks(self) -> tuple[str, ...]:
        """Tell what is served."""
        return (f"it serves {self.info().text.partition('  ')[0]}, to consumers that {_HOW[self.info().consumers]}",)

    def why_no_resume(self) -> str:
        if self.info().consumers == "share":
            return (
                "its server shares one pass among its consumers.\n"
                '  Serve it with consumers="each": every consumer has a pass of its own, and can resume it.'
            )
        return "what it serves can be run only once.\n  Serve a function or a sequence instead of a running iterator."

    def start(self, key: Key) -> Cursor[Any]:
        return Connected(self, key)


_HOW: Final = {"share": "share its items", "each": "each get all of it"}
