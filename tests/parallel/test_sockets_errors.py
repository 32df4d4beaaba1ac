"""Errors of a stream that is served: in their place, as what they are, and passed where they are skipped."""

from __future__ import annotations

import json
import re
import threading
from typing import Any

import pytest

import headrace as hr
from headrace.parallel import LinkError, RemoteError, WireError
from headrace.testing import Broken, flaky
from parallel.left import HANG, MARKS
from parallel.served import KEY, alike, deep, each, shared

pytestmark = MARKS


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


class Closes(hr.Stream[Any]):
    """Three items, and an error when its cursor is closed."""

    def start(self, key: hr.Key) -> hr.Cursor[Any]:
        return ClosesRun(self, key)


class ClosesRun(hr.Cursor[Any]):
    def run(self) -> Any:
        while self.count < 3:
            self.count += 1
            yield self.count

    def release(self) -> None:
        raise OSError("the disk")


@pytest.mark.parametrize("serving", [each, shared])
@pytest.mark.parametrize("passes", [False, True])
def test_what_fails_at_the_very_end_is_said_once(serving: Any, passes: bool) -> None:
    with serving(Closes()) as server:
        with hr.connect(server.address).open() as cursor:
            assert cursor.take(3) == [1, 2, 3]
            with pytest.raises(OSError, match="the disk"):
                next(cursor)
            if passes:
                cursor.skip()
            assert list(cursor) == []
        if serving is shared:
            assert server.wait(HANG)


ERROR = re.compile(r"connect\('tcp://[0-9.:]+'\) got .*, wanted .*\.\n  .*\.", re.DOTALL)


def test_every_error_of_a_link_says_who_what_and_what_to_do() -> None:
    said = []

    def asks(address: str, **more: Any) -> None:
        with pytest.raises((LinkError, WireError)) as caught, hr.connect(address, timeout=0.3, **more).open() as cursor:
            cursor.take(10**9)
        said.append(str(caught.value))

    server = each(range(10**9))
    threading.Timer(0.2, server.close).start()
    asks(server.address)  # closed
    asks(server.address)  # nobody is there
    with each(iter(range(10**6))) as server, hr.connect(server.address, ahead=1000).open() as cursor:
        cursor.take(2)
        link = cursor._link  # type: ignore[attr-defined]  # what is not public has to be broken
        link._inbox._seq += 1
        with pytest.raises(LinkError) as caught:
            cursor.take(10**6)
        said.append(str(caught.value))
        with pytest.raises(LinkError) as caught:  # it cannot run again
            cursor.take(10**6)
        said.append(str(caught.value))
    for text in said:
        assert ERROR.match(text), text
    assert len(set(said)) == 4
