"""The page as a server of its own: an address to open, until it is stopped."""

from __future__ import annotations

import asyncio
import math
import re
import secrets
import socket
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from headrace.core.optional import optional
from headrace.errors import StreamConfigError
from headrace.plot.page.application import application
from headrace.plot.page.controls import check_ranges
from headrace.plot.page.guard import Guard
from headrace.plot.page.messages import LARGEST
from headrace.plot.page.stream import Hub

TOKEN: Final = re.compile(r"[A-Za-z0-9_.~-]{1,200}")
LATEST: Final = 20.0  # seconds that stopping waits for the server's thread


class Page:
    """A page in the browser that shows a system while it runs.

    Of each column there is a chart, of spectra a waterfall, of images a picture; numbers of its signals and sources can
    be turned, it can be started, stopped and recorded, and every counter is shown. The page is one consumer of the
    system, and delays nobody: a browser that does not keep up is given fewer frames.

    Parameters
    ----------
    system
        A :class:`headrace.live.System`, which may run already. The page neither starts nor stops it by itself.
    host, port
        Where it listens: by default on this machine alone, at a port that is free. Whoever reaches it and has the token
        can turn and stop the system; there is no encryption.
    token
        What is asked for; by default drawn anew.
    rate
        Frames a second.
    seconds
        How long rows are kept, to be looked back at.
    record_to
        The folder that recordings are made in.
    ranges
        The ends of sliders, ``{"node.parameter": (low, high)}``.

    Attributes
    ----------
    url : str
        What to open, with the token.

    Raises
    ------
    StreamConfigError
        When a parameter cannot be used.
    MissingExtraError
        When starlette, uvicorn or websockets are not installed: extra ``live``.

    Examples
    --------
    >>> from headrace.live import Sampler, System
    >>> system = System(Sampler({"x": lambda t: t}, sample_rate=100))
    >>> with Page(system, token="secret") as page:
    ...     page.url.endswith("/?token=secret")
    True
    """

    system: Any
    host: str
    port: int
    token: str
    rate: float

    def __init__(
        self,
        system: Any,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        token: str | None = None,
        rate: float = 25.0,
        seconds: float = 60.0,
        record_to: str | Path = ".",
        ranges: Mapping[str, tuple[float, float]] | None = None,
    ) -> None:
        for name in ("add_consumer", "start", "stop", "stats"):
            if not callable(getattr(system, name, None)):
                raise StreamConfigError(
                    f"Page got system={system!r}, which has no {name}(), wanted a System.\n"
                    "  System(Sampler({'x': function}, sample_rate=100)) makes one."
                )
        for name, value, most in (("rate", rate, 200.0), ("seconds", seconds, 3600.0)):
            if not (0 < value <= most and math.isfinite(value)):
                raise StreamConfigError(f"Page got {name}={value!r}, wanted a number above 0, at most {most:g}.")
        if type(port) is not int or not 0 <= port <= 65_535:
            raise StreamConfigError(
                f"Page got port={port!r}, wanted a whole number from 0 to 65535.\n  0 takes one that is free."
            )
        if token is not None and TOKEN.fullmatch(token) is None:
            raise StreamConfigError(
                "Page got a token that no address can hold, wanted letters, digits, '_', '-', '.'.\n  Leave it out to have one drawn."
            )
        check_ranges(system, ranges or {})
        self.system, self.host, self.port, self.rate = system, host, port, float(rate)
        self.token = secrets.token_urlsafe(24) if token is None else token
        self._options: dict[str, Any] = {
            "rate": self.rate, "seconds": float(seconds), "record_to": Path(record_to), "ranges": ranges or {}
        }  # fmt: skip
        self._wanted_port = port
        self._thread: threading.Thread | None = None
        self._server: Any = None
        self._hub: Hub | None = None

    @property
    def url(self) -> str:
        """What to open in a browser; the port is known once it has been started."""
        name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(
            self.host, f"[{self.host}]" if ":" in self.host else self.host
        )
        return f"http://{name}:{self.port}/?token={self.token}"

    @property
    def failure(self) -> BaseException | None:
        """What the system has failed with, while it is failed."""
        return None if self._hub is None or self.system.state != "failed" else self._hub.failure

    @property
    def is_active(self) -> bool:
        """Whether it can be opened."""
        return self._thread is not None and self._thread.is_alive()

    def stats(self) -> dict[str, Any]:
        """Return what it counts.

        Returns
        -------
        counts
            ``viewers``, a dict for each browser of frames ``sent``, ``drawn`` and ``dropped`` and of ``bytes`` sent;
            messages that were ``refused``.
        """
        hub = self._hub
        viewers = [] if hub is None else list(hub.viewers)
        return {
            "viewers": [{"sent": v.sent, "drawn": v.drawn, "dropped": v.dropped, "bytes": v.nbytes} for v in viewers],
            "refused": 0 if hub is None else hub.refused,
        }

    def start(self) -> None:
        """Listen; of no effect while it does.

        Raises
        ------
        StreamConfigError
            When the address cannot be had.
        MissingExtraError
            When a package is not installed.
        """
        if self.is_active:
            return
        uvicorn = optional("uvicorn", "live", "Page")
        optional("starlette", "live", "Page")
        optional("websockets", "live", "Page")
        at = _listening(self.host, self._wanted_port)
        hub = None
        try:
            self.port = at.getsockname()[1]
            self._hub = hub = Hub(self.system, **self._options)
            app = Guard(application(hub), host=self.host, port=self.port, token=self.token)
            from uvicorn.config import WS_PROTOCOLS

            config = uvicorn.Config(
                app,
                # Where there are two, the one that does not use what websockets has given up.
                ws="websockets-sansio" if "websockets-sansio" in WS_PROTOCOLS else "websockets",
                ws_max_size=LARGEST,
                ws_per_message_deflate=False,
                http="h11",
                loop="asyncio",
                lifespan="off",
                log_config=None,
                log_level="critical",
                access_log=False,
                server_header=False,
                date_header=False,
                timeout_graceful_shutdown=2,
            )
            config.load()
            self._server = uvicorn.Server(config)
            self._thread = threading.Thread(target=self._work, args=(at, hub), name="headrace-Page", daemon=True)
            self._thread.start()
        except BaseException:
            at.close()
            if hub is not None:
                hub.close()
            raise

    def _work(self, at: socket.socket, hub: Hub) -> None:
        async def serve() -> None:
            reading = asyncio.create_task(hub.run())
            try:
                await self._server.serve(sockets=[at])
            finally:
                reading.cancel()

        try:
            asyncio.run(serve())
        finally:
            at.close()

    def stop(self) -> None:
        """Listen no more, and let the browsers go. Twice is fine."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._server.should_exit = True
        thread.join(LATEST)
        if self._hub is not None:
            self._hub.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"Page({self.system!r})"


def _listening(host: str, port: int) -> socket.socket:
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        made = socket.socket(family, kind, proto)
    except (OSError, OverflowError, UnicodeError) as error:
        raise _no_address(host, port, error) from error
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(64)
    except (OSError, OverflowError) as error:
        made.close()
        raise _no_address(host, port, error) from error
    return made


def _no_address(host: str, port: int, error: BaseException) -> StreamConfigError:
    return StreamConfigError(
        f"Page got host={host!r}, port={port!r}, where it cannot listen: {error}.\n"
        "  Port 0 takes one that is free; another program may have this one."
    )
