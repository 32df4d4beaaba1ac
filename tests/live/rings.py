"""A Wave ring that speaks the wire format, for a serial port or for a Bluetooth client that is none."""

from __future__ import annotations

import asyncio
import struct
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from headrace.live import wave_wire as wire

BYTES = 20  # of a notification


def payload(k: int) -> bytes:
    """The numbers of row `k`, field by field, all of them different."""
    fields = np.arange(k, k + 23, dtype="<f4") + 1
    return b"".join([
        fields[:3].tobytes(), fields[3:6].tobytes(), fields[6:9].tobytes(), fields[9:13].tobytes(),
        fields[13:17].tobytes(), fields[17:20].tobytes(), fields[20:23].tobytes(),
        struct.pack("<?fQ", k % 2 == 1, k / 4, 1_000_000 + 10_000 * k),
    ])  # fmt: skip


def frame(k: int) -> bytes:
    """Row `k` on the wire."""
    return wire.pack(wire.Packet(wire.STREAM, wire.DATASTREAM, payload(k)))


def button(which: int, action: int) -> bytes:
    return wire.pack(wire.Packet(wire.STREAM, wire.BUTTON, struct.pack("<II", which, action)))


class Ring:
    """Sends a row each hundredth of a second, once it was asked to, to whoever is connected."""

    def __init__(self, say: Callable[[bytes], object], heard: Callable[[float], bytes]) -> None:
        self._say, self._heard = say, heard
        self._packets, self._stop = wire.WavePackets(), threading.Event()
        self.asked: list[wire.Packet] = []
        self.silent = False
        self.said = 0
        self.noise = np.random.default_rng(0)
        self.garble = 0.0  # the share of bytes that are changed
        self._thread = threading.Thread(target=self._work)

    def _work(self) -> None:
        while not self._stop.is_set():
            for packet in self._packets.feed(self._heard(0.01)):
                self.asked.append(packet)
            self._stop.wait(0.005)
            if self.asked and self.asked[-1].id == wire.CONFIG and not self.silent:
                sent = bytearray(frame(self.said))
                for at in np.flatnonzero(self.noise.random(len(sent)) < self.garble):
                    sent[at] = int(self.noise.integers(256))
                self.said += 1
                while sent:  # cut anywhere
                    size = int(self.noise.integers(1, BYTES))
                    self._say(bytes(sent[:size]))
                    del sent[:size]

    def __enter__(self) -> Ring:
        self._thread.start()
        return self

    def __exit__(self, *told: Any) -> None:
        self._stop.set()
        self._thread.join()


class Air:
    """What a Bluetooth driver finds: a device that notifies, is written to, refuses and vanishes."""

    def __init__(self) -> None:
        self.client: Client | None = None  # that is connected
        self.made = self.let_go = 0
        self.refusals = 0
        self.hangs = False
        self.written = b""
        self._lock = threading.Lock()

    def __call__(self, address: str, disconnected_callback: Any = None, timeout: float = 10.0) -> Client:
        self.made += 1
        return Client(self, address, disconnected_callback)

    def say(self, data: bytes) -> None:
        client = self.client
        if client is not None and client.callback is not None:
            client.soon(client.callback, None, bytearray(data))

    def heard(self, seconds: float = 0.0) -> bytes:
        threading.Event().wait(seconds)
        with self._lock:
            data, self.written = self.written, b""
        return data

    def write(self, data: bytes) -> None:
        with self._lock:
            self.written += data

    def vanish(self) -> None:
        client, self.client = self.client, None
        if client is not None:
            client.soon(client.disconnected, client)


class Client:
    """What bleak's client has, as far as it is used."""

    def __init__(self, air: Air, address: str, disconnected: Any) -> None:
        self.air, self.address, self.disconnected = air, address, disconnected
        self.callback: Any = None
        self.loop: Any = None

    def soon(self, *call: Any) -> None:
        try:
            self.loop.call_soon_threadsafe(*call)
        except RuntimeError:  # closed
            pass

    async def connect(self) -> None:
        self.loop = asyncio.get_running_loop()
        await asyncio.sleep(0)
        if self.air.hangs:
            await asyncio.sleep(3600)
        if self.air.refusals:
            self.air.refusals -= 1
            raise OSError(f"{self.address} refuses")
        self.air.client = self

    async def start_notify(self, characteristic: str, callback: Any) -> None:
        self.callback = callback

    async def write_gatt_char(self, characteristic: str, data: bytes) -> None:
        if self.air.client is not self:
            raise OSError("not connected")
        self.air.write(bytes(data))

    async def disconnect(self) -> None:
        self.air.let_go += 1
        if self.air.client is self:
            self.air.client = None
            self.disconnected(self)
