"""What the tests of sources share."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import headrace as hr
from headrace.core import same


@pytest.fixture
def cuts_change_nothing() -> Callable[..., list[Any]]:
    """Stop a pass at every item, carry the state through JSON, go on: the same items. Returns them."""

    def check(stream: hr.Stream[Any], n: int, key: hr.Key = hr.Key(7)) -> list[Any]:  # noqa: B008
        with stream.open(key) as cursor:
            whole = cursor.take(n)
        for cut in range(len(whole) + 1):
            with stream.open(key) as cursor:
                assert same(cursor.take(cut), whole[:cut])
                state = json.loads(json.dumps(cursor.state()))
            with stream.open(at=state) as cursor:
                assert cursor.position == cut
                assert same(cursor.take(n - cut), whole[cut:])
            with stream.open(key, at=cut) as cursor:
                assert same(cursor.take(n - cut), whole[cut:])
        return whole

    return check


@pytest.fixture
def open_here(tmp_path: Path) -> Callable[[], list[str]]:
    """Return the files below tmp_path that this process has open, by descriptor or by mapping."""
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("no /proc: descriptors cannot be counted here")

    def count() -> list[str]:
        found = []
        for fd in os.listdir("/proc/self/fd"):
            try:
                target = os.readlink(f"/proc/self/fd/{fd}")
            except OSError:
                continue
            if target.startswith(str(tmp_path)):
                found.append(target)
        return found

    return count
