"""Who may come in: a browser on a page of this server, sent here by who has the token."""

from __future__ import annotations

import ipaddress
import secrets
import socket
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Guard:
    """Refuses what does not come from the page itself, before the application sees it.

    - The ``Host`` must be a name of this server (400): a page elsewhere whose name is made to point here has another.
    - The ``Origin`` must be this server, where there is one, and a socket must say it (403).
    - The token must be in the address, ``?token=``, or in the cookie that the first page set (403).

    Parameters
    ----------
    app
        What is guarded.
    host, port
        Where it listens.
    token
        What only who started it knows.
    """

    token: str
    port: int

    def __init__(self, app: App, *, host: str, port: int, token: str) -> None:
        self.app: App = app
        self.token, self.port = token, port
        self.cookie: str = f"headrace-{port}"  # cookies know no ports: each server has a name of its own
        self._names = _names(host)
        self._anywhere = not _is_loopback(host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        why = self._refusal(scope)
        if why is None:
            await self.app(scope, receive, self._sealed(scope, send))
        elif scope["type"] == "websocket":
            await _refuse_socket(scope, receive, send, *why)
        else:
            await _answer(send, "http.response", *why)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        hosts = _values(scope, b"host")
        if len(hosts) != 1 or not self._is_mine(hosts[0]):
            return 400, "This Host is none of this server's."
        origins = _values(scope, b"origin")
        wanted = f"http://{hosts[0]}"
        if len(origins) > 1 or (origins and origins[0] != wanted) or (scope["type"] == "websocket" and not origins):
            return 403, "This Origin is not this server."
        if not self._has_token(scope):
            return 403, "The token is missing or wrong. Open the address that was printed when the server started."
        return None

    def _is_mine(self, host: str) -> bool:
        name, port = _split(host)
        if port != self.port:
            return False
        if name in self._names:
            return True
        # Where it listens to the network: any address, which no name can be made to point to.
        return self._anywhere and _is_address(name)

    def _has_token(self, scope: Scope) -> bool:
        try:
            asked = parse_qs(scope.get("query_string", b"").decode("latin-1"), max_num_fields=16).get("token", [])
        except ValueError:
            asked = []
        for header in _values(scope, b"cookie"):
            try:
                kept = SimpleCookie(header).get(self.cookie)
            except CookieError:
                continue
            if kept is not None:
                asked.append(kept.value)
        return any(secrets.compare_digest(each.encode(), self.token.encode()) for each in asked)

    def _sealed(self, scope: Scope, send: Send) -> Send:
        """Return ``send`` with headers that keep the page to itself."""
        host = _values(scope, b"host")[0]
        own = (
            f"default-src 'self'; connect-src 'self' ws://{host}; img-src 'self' data:; "
            "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
        )
        headers = [
            (b"content-security-policy", own.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"cross-origin-resource-policy", b"same-origin"),
            (b"cross-origin-opener-policy", b"same-origin"),
            (b"cache-control", b"no-store"),
        ]

        async def sealed(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *headers]
                if scope["path"] == "/":
                    kept = f"{self.cookie}={self.token}; HttpOnly; SameSite=Strict; Path=/"
                    message["headers"].append((b"set-cookie", kept.encode()))
            await send(message)

        return sealed


def _values(scope: Scope, name: bytes) -> list[str]:
    headers: Iterable[tuple[bytes, bytes]] = scope.get("headers", ())
    return [value.decode("latin-1") for key, value in headers if key.lower() == name]


def _split(host: str) -> tuple[str, int]:
    """Return the name and the port of a ``Host``, in small letters; port 80 where it says none."""
    if host.startswith("["):
        name, _, rest = host[1:].partition("]")
        port = rest.removeprefix(":") if rest else "80"
    else:
        name, colon, port = host.partition(":")
        port = port if colon else "80"
    return name.lower(), int(port) if port.isascii() and port.isdigit() and len(port) <= 5 else -1


def _names(host: str) -> set[str]:
    names = {"localhost", "127.0.0.1", "::1", host.lower()}
    if not _is_loopback(host):
        names |= {socket.gethostname().lower(), socket.getfqdn().lower()}
    return names


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


async def _refuse_socket(scope: Scope, receive: Receive, send: Send, status: int, why: str) -> None:
    await receive()  # the connection
    if "websocket.http.response" in scope.get("extensions", {}):
        await _answer(send, "websocket.http.response", status, why)
    else:
        await send({"type": "websocket.close", "code": 1008})


async def _answer(send: Send, kind: str, status: int, why: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"x-content-type-options", b"nosniff")]
    await send({"type": f"{kind}.start", "status": status, "headers": headers})
    await send({"type": f"{kind}.body", "body": why.encode()})
