"""Streams on sockets: item for item, whoever stops, fails, vanishes or lies."""

from __future__ import annotations

import gc
import json
import os
import pickle
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zmq
from hypothesis import given, settings

import headrace as hr
from headrace.core import same
from headrace.core.describe import dump
from headrace.parallel import Keys, LinkError, RemoteError, Server, WireError
from headrace.parallel.protocol import VERSION, Hello, Items, hear_server, say
from headrace.testing import Broken, check_stream, flaky
from headrace.testing import strategies as some
from headrace.testing.case import Held
from support.counts import heavy

HANG = 30.0  # seconds: nothing here takes a twentieth of it unless it hangs
HERE = "tcp://127.0.0.1:0"
KEY = hr.Key(11)
pytestmark = pytest.mark.timeout(120)


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    gc.collect()
    before = Held()
    yield
    gc.collect()
    assert until(lambda: not before.grown()), f"left behind: {before.grown()}"


def until(true: Callable[[], Any]) -> bool:
    end = time.monotonic() + HANG
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.002)
    return True


def settled(look: Callable[[], int]) -> int:
    while True:
        first = look()
        time.sleep(0.05)
        if look() == first:
            return first


def noisy(item: Any, rng: Any) -> Any:
    return item, float(rng.random())


def rows(n: int = 60) -> hr.Stream[Any]:
    return hr.functional(lambda i, rng: {"X": rng.random(3), "y": i}, size=n)


def deep(n: int = 30) -> hr.Stream[Any]:
    """Items in an order, with draws of their own: they have no numbers, and resume by replay."""
    members = [hr.Streamer(range(k, k + n)) | hr.map(noisy) for k in range(4)]
    return hr.StochasticMux(members, n_active=3, rate=5) | hr.shuffle(7)


def each(stream: Any, **more: Any) -> Server:
    return hr.serve(stream, HERE, consumers="each", block=False, **more)


def shared(stream: Any, **more: Any) -> Server:
    return hr.serve(stream, HERE, block=False, **more)


def alike(a: list[Any], b: list[Any]) -> bool:
    return len(a) == len(b) and all(map(same, a, b))


@contextmanager
def program(code: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Another program, and the first line that it prints."""
    head = "import sys, time, numpy as np, headrace as hr\n"
    child = subprocess.Popen(
        [sys.executable, "-c", head + code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    try:
        yield child, child.stdout.readline().strip()
    finally:
        child.kill()
        child.communicate()


SERVES = """
with hr.serve(hr.functional(lambda i: i, size=10**9), "tcp://127.0.0.1:0", consumers="each", block=False) as server:
    print(server.address, flush=True)
    time.sleep(600)
"""


# --- what cannot work ---------------------------------------------------------------------------

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


# --- each gets the whole ------------------------------------------------------------------------


def test_it_is_a_stream_like_any_other() -> None:
    with each(rows()) as server:
        stream = hr.connect(server.address)
        assert len(stream) == 60
        assert stream.resume == "exact"
        assert "functional" in str(stream)
        report = check_stream(hr.connect(server.address), items=100, processes=False)
        assert "resume" in report.held
    with each(deep()) as server:
        stream = hr.connect(server.address)
        assert stream.resume == "replay"
        assert stream.size == float("inf")
        check_stream(stream, items=40, processes=False)


@settings(max_examples=heavy(1000))
@given(stream=some.streams())
def test_item_for_item_as_inline(stream: hr.Stream[Any]) -> None:
    expected = stream.open(KEY).take(60)
    with each(stream) as server, hr.connect(server.address).open(KEY) as cursor:
        assert alike(cursor.take(60), expected)


def test_ops_over_it_and_laps_of_it() -> None:
    inline = rows(20).seeded(3)
    with each(rows(20)) as server:
        stream = hr.connect(server.address).seeded(3)
        assert alike(list(stream.cycle(50)), list(inline.cycle(50)))
        batches = list(stream | hr.batch(8))
        assert alike(batches, list(inline | hr.batch(8)))
        mixed = hr.ShuffledMux([stream, hr.connect(server.address)], seed=1) | hr.take(20)
        assert alike(list(mixed), list(hr.ShuffledMux([inline, rows(20)], seed=1) | hr.take(20)))


@pytest.mark.parametrize("make", [rows, deep])
def test_it_resumes_anywhere(make: Any) -> None:
    expected = make().open(KEY).take(60)
    chance = random.Random(2)
    with each(make()) as server:
        stream = hr.connect(server.address)
        for _ in range(heavy(1000)):
            cut = chance.randrange(50)
            with stream.open(KEY, at=chance.randrange(cut + 1)) as cursor:
                cursor.take(cut - cursor.position)
                state = json.loads(json.dumps(cursor.state()))
            with stream.open(at=state) as cursor:
                assert cursor.position == cut
                assert alike(cursor.take(8), expected[cut : cut + 8])


def test_a_far_place_is_not_reached_by_drawing() -> None:
    with each(hr.functional(lambda i: i * i, size=10**9)) as server:
        with hr.connect(server.address).open(at=10**8) as cursor:
            assert next(cursor) == 10**16
            assert cursor.skip(10**7) == 10**7
            assert next(cursor) == (10**8 + 10**7 + 1) ** 2
            assert cursor.skip(10**10) == 10**9 - cursor.count + cursor.skip(0) + (10**9 - 10**8 - 10**7 - 2)
            assert cursor.take(3) == []
        assert server.stats().items < 100_000


def test_a_state_of_another_stream_is_refused() -> None:
    with each(rows()) as server, hr.connect(server.address).open(KEY) as cursor:
        cursor.take(3)
        state = cursor.state()
    with each(hr.Streamer(range(9))) as server:
        stream = hr.connect(server.address)
        with stream.open(at=state) as cursor, pytest.raises(hr.StateMismatchError, match="another stream"):
            next(cursor)


def test_what_runs_once_cannot_be_resumed() -> None:
    with each(iter(range(20_000))) as server, hr.connect(server.address).open() as cursor:
        assert cursor.take(5) == [0, 1, 2, 3, 4]
        with pytest.raises(hr.ResumeError):
            cursor.state()


def test_an_empty_stream_and_one_of_empty_items() -> None:
    with each([]) as server:
        assert list(hr.connect(server.address)) == []
    with each([{}, (), None]) as server:
        assert list(hr.connect(server.address)) == [{}, (), None]


def test_items_belong_to_who_draws_them() -> None:
    with each([{"X": np.arange(4.0), "big": np.zeros(100_000)}] * 3) as server:
        for item in hr.connect(server.address):
            item["X"][:] = item["big"][:] = 7
            item["new"] = 1
        assert [item["X"].tolist() for item in hr.connect(server.address)] == [[0, 1, 2, 3]] * 3


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of one's own with a short name: a path on a socket has 100 letters."""
    with tempfile.TemporaryDirectory(prefix="hr") as made:
        yield Path(made)


def test_through_a_folder_of_ones_own(folder: Path) -> None:
    address = f"ipc://{folder}/s"
    with hr.serve(rows(), address, consumers="each", block=False) as server:
        assert alike(list(hr.connect(server.address).seeded(1)), list(rows().seeded(1)))
    assert not list(folder.iterdir())
    folder.chmod(0o755)
    with pytest.raises(hr.StreamConfigError, match="that others can open"):
        hr.serve(rows(), address, block=False)
    with pytest.raises(hr.StreamConfigError, match="1 to 100 bytes"):
        hr.serve(rows(), "ipc:///" + "x" * 200, block=False)
    with pytest.raises(hr.StreamConfigError, match="cannot be seen"):
        hr.serve(rows(), "ipc:///no/such/folder", block=False)


# --- one for all --------------------------------------------------------------------------------


def test_consumers_that_share_get_each_item_once() -> None:
    found: list[list[int]] = [[], [], []]

    def consume(k: int, address: str) -> None:
        for item in hr.connect(address, ahead=4000):
            found[k].append(item)
            time.sleep(0.0002)

    with shared(range(2000), ahead=4000) as server:
        threads = [threading.Thread(target=consume, args=(k, server.address)) for k in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(HANG)
        assert server.wait(HANG), "all is given away"
        stats = server.stats()
        assert (stats.items, stats.lost, stats.in_flight, stats.consumers) == (2000, 0, 0, 0)
    assert sorted([*found[0], *found[1], *found[2]]) == list(range(2000))
    assert all(found), "each got some"
    assert all(part == sorted(part) for part in found)


def test_what_a_consumer_leaves_others_get() -> None:
    with shared(range(1000)) as server:
        stream = hr.connect(server.address)
        found = []
        for n in (0, 1, 10, 200):
            with stream.open() as cursor:
                found += cursor.take(n)
            assert until(lambda: server.stats().consumers == 0)
        found += list(stream)
        assert sorted(found) == list(range(1000))
        assert server.wait(HANG)
        assert server.stats().lost == 0
    with shared(range(100)) as server:
        stream = hr.connect(server.address)
        with stream.open() as slow:
            next(slow)
            assert len(list(stream)) + len(list(slow)) == 99


def test_what_is_shared_cannot_be_resumed() -> None:
    with shared(rows(), key=KEY) as server:
        stream = hr.connect(server.address)
        assert stream.resume == "none"
        assert stream.size is None
        assert "share its items" in str(stream)
        with stream.open() as cursor, pytest.raises(hr.ResumeError):
            cursor.state()
        assert alike(list(stream), rows().open(KEY).take(100))


def test_serving_blocks_until_all_is_given_away(folder: Path) -> None:
    address = f"ipc://{folder}/s"
    code = f"print('go', flush=True)\nprint(hr.serve(range(100), {address!r}).stats().items)"
    with program(code) as (child, _):
        assert list(hr.connect(address, timeout=HANG)) == list(range(100))
        assert child.wait(HANG) == 0
        assert child.stdout is not None
        assert child.stdout.read().strip() == "100"


# --- errors -------------------------------------------------------------------------------------


class Own(Exception):
    def __init__(self, a: int, b: int) -> None:
        super().__init__(a, b)


def bad(i: int) -> int:
    if i == 5:
        raise KeyError("five")
    if i == 7:
        raise Own(1, 2)
    if i == 8:
        raise UnicodeDecodeError("a", b"b", 0, 1, "c")
    if i == 9:
        raise hr.DataError("nine")
    if i == 11:
        raise StopIteration
    return i


@pytest.mark.parametrize("serving", [each, shared])
def test_errors_come_in_order_with_type_message_and_trace(serving: Any) -> None:
    kinds: dict[int, Any] = {5: KeyError, 7: RemoteError, 8: RemoteError, 9: hr.DataError, 11: RuntimeError}
    stream = hr.Streamer(range(13)) | hr.map(bad)
    found, errors = [], []
    with serving(stream) as server, hr.connect(server.address).open() as cursor:
        while True:
            try:
                found.append(next(cursor))
            except StopIteration:
                break
            except Exception as error:
                errors.append(error)
                with pytest.raises(type(error)):
                    next(cursor)  # it is tried again
                assert cursor.skip() == 1
    assert found == [0, 1, 2, 3, 4, 6, 10, 12]
    assert [type(error) for error in errors] == list(kinds.values())
    assert errors[0].args == ("five",)
    assert "Own: (1, 2)" in str(errors[1])
    notes = "\n".join(errors[0].__notes__)
    assert "while drawing item 5 of root/map/streamer" in notes or "while drawing item 5 of root/map" in notes
    assert 'raise KeyError("five")' in notes
    assert "on the server" in notes
    assert "root/connect" in notes


@pytest.mark.parametrize("cut", [0, 17, 30])
def test_a_state_behind_a_failed_item(cut: int) -> None:
    def stream() -> hr.Stream[Any]:
        return flaky(deep(12), at=9, times=None)

    with stream().open(KEY) as cursor:
        expected, _ = drawn(cursor, 40)
    with each(stream()) as server:
        remote = hr.connect(server.address)
        with remote.open(KEY) as cursor:
            first, errors = drawn(cursor, cut)
            state = json.loads(json.dumps(cursor.state()))
        with remote.open(at=state) as cursor:
            rest, more = drawn(cursor, 40 - cut)
    assert alike(first + rest, expected)
    assert errors + more


def drawn(cursor: hr.Cursor[Any], n: int) -> tuple[list[Any], int]:
    """n items, what fails passed; how often that was."""
    found: list[Any] = []
    errors = 0
    while len(found) < n:
        try:
            found.append(next(cursor))
        except StopIteration:
            break
        except (Broken, RemoteError):
            errors += 1
            assert cursor.skip() == 1
    return found, errors


def test_an_item_that_cannot_be_sent_is_refused_by_name() -> None:
    with each([1, {"a": {"b": object()}}, 3]) as server, hr.connect(server.address).open() as cursor:
        assert next(cursor) == 1
        for _ in range(2):
            with pytest.raises(hr.DataError, match=r"serve cannot send field 'a\.b'"):
                next(cursor)
        cursor.skip()
        assert list(cursor) == [3]


def test_an_op_over_it_passes_what_failed_below() -> None:
    stream = hr.Streamer(range(10)) | hr.map(bad)
    with each(stream | hr.take(7)) as server, (hr.connect(server.address) | hr.batch(3)).open() as cursor:
        assert next(cursor).tolist() == [0, 1, 2]
        with pytest.raises(KeyError):
            next(cursor)
        assert cursor.skip() == 1
        assert next(cursor).tolist() == [3, 4, 6]


def test_a_stream_that_cannot_be_opened_is_an_error() -> None:
    class Closed(hr.Stream[Any]):
        def start(self, key: hr.Key) -> hr.Cursor[Any]:
            raise OSError("no such file")

    with each(Closed()) as server, hr.connect(server.address).open() as cursor:
        for _ in range(2):
            with pytest.raises(OSError, match="no such file"):
                next(cursor)


# --- who vanishes -------------------------------------------------------------------------------


def test_a_killed_server_is_an_error_and_a_new_one_goes_on() -> None:
    chance = random.Random(8)
    for _ in range(heavy(100)):
        with program(SERVES.replace("hr.functional(lambda i: i, size=10**9)", "hr.source(range(10**9))")) as (
            child,
            address,
        ):
            cursor = hr.connect(address, timeout=0.3).open()
            assert cursor.take(3) == [0, 1, 2]
            threading.Timer(chance.random() / 10, child.send_signal, [signal.SIGKILL]).start()
            found = [0, 1, 2]
            with pytest.raises(LinkError, match=r"gone|no server answers"):
                found.extend(cursor)
            place = len(found)
            assert found == list(range(place))
            with pytest.raises(LinkError, match="no server"):
                next(cursor)
        assert cursor.position == place
        cursor.stream.fix(timeout=HANG)
        other = hr.serve(hr.functional(lambda i: i, size=10**9), address, consumers="each", block=False)
        with other, pytest.raises(hr.StateMismatchError, match="another stream"):
            next(cursor)
        with hr.serve(hr.source(range(10**9)), address, consumers="each", block=False), cursor:
            assert cursor.take(3) == [place, place + 1, place + 2]


def test_a_server_that_is_stopped_counts_as_gone() -> None:
    """As one whose machine lost its network: no byte, and no end of the connection either."""
    code = SERVES.replace("lambda i: i", "lambda i: i if i < 3 else time.sleep(600)")
    with program(code) as (child, address):
        stream = hr.connect(address)
        with stream.open() as cursor:
            assert cursor.take(3) == [0, 1, 2]
            child.send_signal(signal.SIGSTOP)
            with pytest.raises(LinkError, match="gone"):
                next(cursor)


def test_a_server_at_work_is_not_gone() -> None:
    """What keeps the interpreter for itself does not keep the signs of life from going out."""
    code = SERVES.replace("lambda i: i", "lambda i: (sum(range(10**8)) and None) if i == 3 else i")
    with program(code) as (_, address), hr.connect(address).open() as cursor:
        assert cursor.take(5) == [0, 1, 2, None, 4]


def test_a_killed_consumer_is_noticed_and_its_items_are_counted() -> None:
    for serving in (each, shared):
        with serving(hr.functional(lambda i: i, size=10**7)) as server:
            code = f"cursor = hr.connect({server.address!r}).open()\nprint(next(cursor), flush=True)\ntime.sleep(600)"
            with program(code) as (child, first):
                assert first == "0"
                assert server.stats().consumers == 1
                child.send_signal(signal.SIGKILL)
                assert until(lambda: server.stats().consumers == 0)
                assert server.stats().lost > 0
            assert next(hr.connect(server.address).open(KEY).items) >= 0


def test_a_stopped_consumer_is_noticed() -> None:
    with each(hr.functional(lambda i: i, size=10**7)) as server:
        code = f"cursor = hr.connect({server.address!r}).open()\nprint(next(cursor), flush=True)\ntime.sleep(600)"
        with program(code) as (child, _):
            child.send_signal(signal.SIGSTOP)
            assert until(lambda: server.stats().consumers == 0)


def test_a_closed_server_is_an_error() -> None:
    with each(hr.functional(lambda i: i, size=10**9)) as server:
        cursor = hr.connect(server.address, timeout=0.3).open()
        next(cursor)
    with pytest.raises(LinkError, match=r"closed|gone|no server"):
        for _ in cursor:
            pass
    cursor.close()


# --- a peer that lies ---------------------------------------------------------------------------


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


# --- keys ---------------------------------------------------------------------------------------


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


# --- bounds -------------------------------------------------------------------------------------


def test_a_consumer_that_stalls_bounds_bytes_at_both_ends() -> None:
    made = 0

    @hr.streamable
    def large() -> Any:
        nonlocal made
        for made in count(1):  # noqa: B007  # read outside
            yield np.zeros(1 << 20, np.uint8)

    with each(large(), ahead="4MiB") as server, hr.connect(server.address, ahead="4MiB").open() as cursor:
        for taken in (1, 3, 10):
            cursor.take(taken - cursor.position)
            assert settled(lambda: made) - taken <= 4 + 4 + 2
            assert server.stats().waiting <= 4 << 20
    with shared(large(), ahead=1) as server, hr.connect(server.address, ahead=1).open() as cursor:
        made = 0
        for taken in range(1, 6):
            next(cursor)
            assert settled(lambda: made) - taken <= 3, "one item always fits"


def test_a_small_item_is_there_as_soon_as_it_is_made() -> None:
    gate = threading.Semaphore(2)

    @hr.streamable
    def gated() -> Any:
        for i in range(6):
            gate.acquire()
            yield i

    with each(gated()) as server, hr.connect(server.address).open() as cursor:
        for i in range(6):  # each would wait for ever if it were kept back until a message is full
            assert next(cursor) == i
            gate.release()


# --- closing ------------------------------------------------------------------------------------


def test_closing_in_every_state() -> None:
    with each(hr.functional(lambda i: np.zeros(100), size=5000)) as server:
        stream = hr.connect(server.address)
        for taken in (None, 0, 1, 700, 5000, 5001):
            cursor = stream.open()
            if taken is not None:
                cursor.take(taken)
            cursor.close()
            cursor.close()
            with pytest.raises(ValueError, match="closed"):
                next(cursor)
            assert cursor.state()["at"]["count"] == min(taken or 0, 5000)
        assert until(lambda: server.stats().consumers == 0)
        assert server.stats().lost == 0


def test_closing_while_the_stream_is_inside_slow_code() -> None:
    leave = threading.Event()

    @hr.streamable
    def slow() -> Any:
        yield 0
        leave.wait(HANG)

    server = each(slow())
    cursor = hr.connect(server.address).open()
    assert next(cursor) == 0
    began = time.monotonic()
    cursor.close()
    server.close()
    server.close()
    assert time.monotonic() - began < HANG / 2, "it was not waited for"
    leave.set()


def test_a_waiting_consumer_hears_of_the_end() -> None:
    never = threading.Event()

    @hr.streamable
    def silent() -> Any:
        yield 0
        never.wait(HANG)

    server = each(silent())
    with hr.connect(server.address, timeout=0.2).open() as cursor:
        next(cursor)
        threading.Timer(0.1, server.close).start()
        with pytest.raises(LinkError):
            next(cursor)
    never.set()


def test_a_cursor_that_is_dropped_leaves() -> None:
    with each(hr.functional(lambda i: i, size=10**9)) as server:
        cursor = hr.connect(server.address).open()
        next(cursor)
        del cursor
        for _ in hr.connect(server.address):
            break
        gc.collect()
        assert until(lambda: server.stats().consumers == 0)


def test_nothing_is_left_of_a_hundred() -> None:
    with each(rows()) as server:
        hr.connect(server.address).open().take(3)
        gc.collect()
        assert until(lambda: server.stats().consumers == 0)
        time.sleep(0.1)
        before = Held()
        for _ in range(100):
            with hr.connect(server.address).open() as cursor:
                cursor.take(3)
        assert until(lambda: not before.grown())
    before = Held()
    for _ in range(100):
        with shared(rows()) as server:
            next(iter(hr.connect(server.address)))
    assert until(lambda: not before.grown())


@pytest.mark.parametrize(
    "code",
    [
        "print('go', flush=True)\nhr.serve(iter(int, 1), 'tcp://127.0.0.1:0')",
        "with hr.serve(iter(lambda: time.sleep(9), 1), 'tcp://127.0.0.1:0', block=False) as s:\n"
        "    cursor = hr.connect(s.address).open()\n"
        "    print('go', flush=True)\n"
        "    next(cursor)",
    ],
    ids=["serving", "waiting"],
)
def test_ctrl_c_ends_both(code: str) -> None:
    with program(code) as (child, _):
        time.sleep(0.3)
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=HANG)
        assert "KeyboardInterrupt" in said
        assert child.returncode in (1, -signal.SIGINT, 130)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_of_a_fork_refuses_and_harms_nobody() -> None:
    code = """
import os
from headrace.errors import HeadraceError
with hr.serve(hr.functional(lambda i: i, size=10**6), "tcp://127.0.0.1:0", consumers="each", block=False) as server:
    with hr.connect(server.address).open() as cursor:
        next(cursor)
        if os.fork() == 0:
            try:
                cursor.take(10**6)
            except HeadraceError as error:
                os._exit(3 if "fork" in str(error) else 4)
            os._exit(5)
        print(os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
        assert cursor.take(99_999) == list(range(1, 100_000))
        print("well", flush=True)
"""
    with program(code) as (child, status):
        out, said = child.communicate(timeout=HANG)
        assert (status, out.strip()) == ("3", "well"), said
