"""What can be asked for: the page, what it is made of, and the socket through which it lives."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from headrace.plot.page.stream import Hub
from headrace.plot.page.viewer import Viewer

TYPES: Final = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


def application(hub: Hub) -> Any:
    """Return the page, what it is made of, and the socket that it listens to, as an ASGI application."""
    from starlette.applications import Starlette
    from starlette.responses import Response
    from starlette.routing import Route, WebSocketRoute
    from starlette.websockets import WebSocketDisconnect

    assets = {each.name: each.read_bytes() for each in (files(__package__) / "assets").iterdir() if each.is_file()}

    async def page(request: Any) -> Any:
        return Response(assets["index.html"], media_type="text/html")

    async def asset(request: Any) -> Any:
        name = request.path_params["name"]
        if name not in assets:  # nothing outside that folder has a name here
            return Response("There is no such file.", status_code=404, media_type="text/plain")
        return Response(assets[name], media_type=TYPES.get(Path(name).suffix, "text/plain"))

    async def live(browser: Any) -> None:
        await browser.accept()
        viewer = Viewer(browser.send_text, browser.send_bytes)

        async def work() -> None:
            try:
                await viewer.work(hub.store)
            except Exception:  # it has gone; or else it is told to come again
                with suppress(Exception):
                    await browser.close(1011)

        sending = asyncio.create_task(work())
        await hub.join(viewer)
        try:
            while True:
                said = await browser.receive()
                if said["type"] != "websocket.receive":
                    break
                hub.hear(viewer, said.get("text") or "")
        except WebSocketDisconnect:
            pass
        finally:
            hub.leave(viewer)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    return Starlette(routes=[Route("/", page), Route("/assets/{name}", asset), WebSocketRoute("/live", live)])
