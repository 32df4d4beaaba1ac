"""One browser: what it sees, and what is under way to it, so that it is sent only what it keeps up with."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final

from headrace.plot.page.frames import View
from headrace.plot.page.store import Store

AHEAD: Final = 3  # frames that may be under way to a browser, not yet drawn


class Viewer:
    """One browser: what it sees, and what is under way to it.

    Attributes
    ----------
    sent, drawn, dropped : int
        Frames: given to the browser, drawn by it, and left out because it was not done with those before. What a frame
        that is left out would have shown is in the next one.
    """

    sent: int
    drawn: int
    dropped: int
    nbytes: int

    def __init__(self, text: Callable[[str], Awaitable[None]], data: Callable[[bytes], Awaitable[None]]) -> None:
        self.view: View = View()
        self.sent = self.drawn = self.dropped = self.nbytes = 0
        self.layout: int = 0  # that it has been told
        self._text, self._data = text, data
        self._words: dict[str, str] = {}  # the newest message of each kind that it has not got yet
        self._due = self._busy = self._behind = False
        self._wake = asyncio.Event()
        self._acked = 0

    def post(self, kind: str, text: str) -> None:
        """Send a message; one of its kind that still waits is left out."""
        self._words[kind] = text
        self._wake.set()

    def tick(self, *, new: bool = True) -> None:
        """Say that a frame is due: there are ``new`` rows, or some that could not be sent when they were."""
        if not (new or self._behind):
            return
        self._behind = self._busy or self._due or self.view.frames - self._acked >= AHEAD
        if self._behind:
            self.dropped += new
            return
        self._due = True
        self._wake.set()

    def ack(self, frame: int) -> None:
        """Take that a frame is drawn, and those before it."""
        if self._acked < frame <= self.view.frames:
            self.drawn += 1
            self._acked = frame

    async def work(self, store: Store) -> None:
        """Send what is to be sent, one after the other, until it is cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            self._busy = True
            while self._words:
                _, text = self._words.popitem()
                self.nbytes += len(text)
                await self._text(text)
            if self._due:
                self._due = False
                await self._frame(store)
            self._busy = False

    async def _frame(self, store: Store) -> None:
        if self.layout != store.version:
            self.layout = store.version
            told = {"what": "layout", "version": store.version, "panels": [panel.told() for panel in store.panels]}
            await self._text(json.dumps({**told, "left_out": store.left_out, "seconds": store.seconds}))
        frame = self.view.frame(store, monotonic())
        if frame is not None:
            self.sent += 1
            self.nbytes += len(frame)
            await self._data(frame)
