"""What cannot be served or connected is said at once, and who may come in."""

from __future__ import annotations

import pickle
import socket
from typing import Any

import pytest

import headrace as hr
from headrace.core.describe import dump
from headrace.parallel import Keys, LinkError
from parallel.left import MARKS
from parallel.served import HERE, KEY, alike, rows, shared

pytestmark = MARKS


PUBLIC = Keys.new()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"address": "5555"}, "wanted 'tcp://host:port'"),
        ({"address": "tcp://127.0.0.1"}, "wanted 'tcp://host:port'"),
        ({"address": "tcp://127.0.0.1:99999"}, "wanted 'tcp://host:port'"),
        ({"address": "udp://127.0.0.1:1"}, "wanted 'tcp://host:port'"),
        ({"address": 5}, "wanted 'tcp://host:port'"),
        ({"address": "ipc://@abstract"}, "wanted 'tcp://host:port'"),
        ({"address": "tcp://0.0.0.0:0"}, "which other machines can reach"),
        ({"address": "tcp://*:0"}, "which other machines can reach"),
        ({"address": "tcp://[::]:0"}, "which other machines can reach"),
        ({"address": "tcp://example.org:80"}, "which other machines can reach"),
        ({"address": "tcp://127.0.0.1.example.org:80"}, "which other machines can reach"),
        ({"address": "tcp://0.0.0.0:0", "public": True}, "which other machines can reach"),
        ({"address": "tcp://0.0.0.0:0", "keys": PUBLIC, "clients": [PUBLIC.public]}, "which other machines can reach"),
        ({"keys": PUBLIC}, "wanted both or none"),
        ({"clients": [PUBLIC.public]}, "wanted both or none"),
        ({"keys": "secret"}, "wanted hr.parallel.Keys"),
        ({"clients": ["x"], "keys": PUBLIC}, "40 letters"),
        ({"consumers": "all"}, "'share' or 'each'"),
        ({"consumers": "each", "key": KEY}, "every consumer brings a key"),
        ({"key": 7}, "wanted a Key"),
        ({"ahead": 0}, "at least 1"),
    ],
)
def test_what_cannot_be_served_is_refused_at_once(arguments: Any, message: str) -> None:
    with pytest.raises(hr.StreamConfigError, match=message):
        hr.serve(range(3), **{"address": HERE, "block": False, **arguments})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"address": "tcp://127.0.0.1:0"}, "wanted 'tcp://host:port'"),
        ({"address": "tcp://127.0.0.1:*"}, "wanted 'tcp://host:port'"),
        ({"address": "tcp://example.org:80"}, "wanted both"),
        ({"server_key": PUBLIC.public}, "wanted both"),
        ({"keys": PUBLIC}, "wanted both"),
        ({"server_key": "x", "keys": PUBLIC}, "40 letters"),
        ({"timeout": 0}, "seconds above 0"),
        ({"ahead": "much"}, "such as '64MB'"),
    ],
)
def test_what_cannot_be_connected_is_refused_at_once(arguments: Any, message: str) -> None:
    with pytest.raises(hr.StreamConfigError, match=message):
        hr.connect(**{"address": "tcp://127.0.0.1:5555", **arguments})


def test_a_port_that_is_taken_is_said() -> None:
    with shared(range(3)) as server, pytest.raises(hr.StreamConfigError, match="cannot listen"):
        hr.serve(range(3), server.address, block=False)


def test_a_secret_is_never_shown() -> None:
    keys = Keys.new()
    stream = hr.connect("tcp://127.0.0.1:5555", keys=keys, server_key=PUBLIC.public)
    assert keys.secret not in repr(stream) + repr(keys)
    assert keys.public[:10] in repr(stream)
    assert pickle.loads(pickle.dumps(stream)) == stream
    with pytest.raises(hr.StreamConfigError, match="cannot be written as JSON"):
        dump(stream)
    with pytest.raises(hr.StreamConfigError) as caught:
        Keys(keys.public, keys.secret[:-1])
    assert keys.secret[:-1] not in str(caught.value)


def test_nobody_there_is_an_error() -> None:
    with shared(range(3)) as server:
        address = server.address
    stream = hr.connect(address, timeout=0.2)
    assert repr(stream)
    for ask in (lambda: stream.size, lambda: list(stream), lambda: stream.resume):
        with pytest.raises(LinkError, match="no server answers"):
            ask()


def test_with_keys_only_those_who_are_named_come_in() -> None:
    mine, yours, stranger = Keys.new(), Keys.new(), Keys.new()
    with hr.serve(
        rows(), "tcp://0.0.0.0:0", consumers="each", public=True, keys=mine, clients=[yours.public], block=False
    ) as server:
        address = server.address.replace("0.0.0.0", "127.0.0.1")
        stream = hr.connect(address, keys=yours, server_key=mine.public)
        assert alike(stream.open(KEY).take(60), rows().open(KEY).take(60))
        for keys, server_key in ((stranger, mine.public), (yours, stranger.public)):
            with pytest.raises(LinkError, match=r"keys do not fit|gone|no server"):
                len(hr.connect(address, keys=keys, server_key=server_key, timeout=1))
        with pytest.raises(LinkError, match=r"keys do not fit|gone|no server"):
            len(hr.connect(address, timeout=1))
        assert alike(stream.open(KEY).take(60), rows().open(KEY).take(60))


def _has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.skipif(not _has_ipv6(), reason="this machine has no IPv6")
def test_addresses_of_the_other_kind() -> None:
    with hr.serve(rows(), "tcp://[::1]:0", consumers="each", block=False) as server:
        assert server.address.startswith("tcp://[::1]:")
        assert alike(hr.connect(server.address).open(KEY).take(60), rows().open(KEY).take(60))
