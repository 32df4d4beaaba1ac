"""Peers that lie, lose messages or babble: a clear error each, and no item is lost."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

import pytest
import zmq

import headrace as hr
from headrace.parallel import LinkError, WireError
from headrace.parallel.protocol import VERSION, Hello, Items, hear_server, say
from parallel.left import HANG, MARKS, until
from parallel.served import KEY, alike, each, rows
from support.counts import heavy

pytestmark = MARKS


class Between:
    """Stands between a consumer and a server, and passes on what `change` makes of the server's messages."""

    def __init__(self, address: str, change: Callable[[list[bytes], int], list[list[bytes]]]) -> None:
        self.context = zmq.Context()
        self.front = self.context.socket(zmq.ROUTER)
        self.address = f"tcp://127.0.0.1:{self.front.bind_to_random_port('tcp://127.0.0.1')}"
        self.server, self.change, self.stop = address, change, False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self) -> None:
        backs: dict[bytes, Any] = {}
        seen = 0
        while not self.stop:
            if self.front.poll(5 if not backs else 0):
                name, *message = self.front.recv_multipart()
                if name not in backs:
                    backs[name] = self.context.socket(zmq.DEALER)
                    backs[name].connect(self.server)
                backs[name].send_multipart(message)
            for name, back in backs.items():
                if back.poll(1):
                    message = back.recv_multipart()
                    is_items = isinstance(hear_server(message[0]), Items)
                    seen += is_items
                    for changed in self.change(message, seen if is_items else 0):
                        self.front.send_multipart([name, *changed])
        for back in backs.values():
            back.close(0)
        self.front.close(0)
        self.context.term()

    def __enter__(self) -> Between:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop = True
        self.thread.join()


held: list[list[bytes]] = []


def faithful(message: list[bytes], seen: int) -> list[list[bytes]]:
    return [message]


def drops(message: list[bytes], seen: int) -> list[list[bytes]]:
    return [] if seen == 4 else [message]


def doubles(message: list[bytes], seen: int) -> list[list[bytes]]:
    return [message, message] if seen == 4 else [message]


def swaps(message: list[bytes], seen: int) -> list[list[bytes]]:
    if seen == 4:
        held.append(message)
        return []
    return [message, held.pop()] if held else [message]


def renumbers(message: list[bytes], seen: int) -> list[list[bytes]]:
    said = hear_server(message[0])
    if seen == 4 and isinstance(said, Items):
        said.first += 1
        return [[say(said), *message[1:]]]
    return [message]


def damages(message: list[bytes], seen: int) -> list[list[bytes]]:
    return [[message[0], b"\x93" + message[1][1:], *message[2:]]] if seen == 4 else [message]


def cuts(message: list[bytes], seen: int) -> list[list[bytes]]:
    return [message[:-1]] if seen == 4 else [message]


def babbles(message: list[bytes], seen: int) -> list[list[bytes]]:
    return [[b"babble"]] if seen == 4 else [message]


def miscounts(message: list[bytes], seen: int) -> list[list[bytes]]:
    said = hear_server(message[0])
    if seen == 4 and isinstance(said, Items):
        said.n += 1
        return [[say(said), *message[1:]]]
    return [message]


@pytest.mark.parametrize("change", [faithful, drops, doubles, swaps, renumbers, damages, cuts, babbles, miscounts])
def test_every_gap_is_an_error_and_no_item_is_lost(change: Any) -> None:
    held.clear()
    found, said = [], []
    with each(rows(500)) as server, Between(server.address, change) as between:
        stream = hr.connect(between.address, ahead=2000)
        with stream.open(KEY) as cursor:
            while True:
                try:
                    found.append(next(cursor))
                except StopIteration:
                    break
                except (LinkError, WireError) as error:
                    said.append(str(error))
                    if len(said) > 5:
                        raise
    assert alike(found, rows(500).open(KEY).take(1000)), "the next call asks for the item again"
    assert (0 if change is faithful else 1) <= len(said) <= (0 if change is faithful else 3)
    if change in (drops, doubles, swaps):
        assert "got lost or came twice" in said[0]


def test_a_server_survives_what_strangers_say() -> None:
    chance = random.Random(5)
    with each(rows(100)) as server:
        context = zmq.Context()
        for _ in range(heavy(5000)):
            stranger = context.socket(zmq.DEALER)
            stranger.connect(server.address)
            for _parts in range(3):
                stranger.send_multipart([chance.randbytes(chance.randrange(40)) for _ in range(chance.randrange(1, 4))])
            hello = Hello(
                chance.choice([VERSION, 99]),
                False,
                chance.choice(["", "[1]", "[]", "{", '["' + "0" * 32 + '"]']),
                0,
                [],
                1,
            )
            stranger.send(say(hello))
            stranger.send(say(Hello(VERSION, False, "", -5, [], 0)))
            assert stranger.poll(int(HANG * 1000))
            stranger.close(0)
        context.term()
        assert alike(hr.connect(server.address).open(KEY).take(100), rows(100).open(KEY).take(100))
        assert until(lambda: server.stats().consumers <= 1)
