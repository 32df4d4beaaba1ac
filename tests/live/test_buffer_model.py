"""DataBuffer against plain lists, whatever is done to it in whatever order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from headrace.live.buffers.buffer import DataBuffer

NAMES = ("t", "a", "v")
LEAD = {"t": (), "a": (), "v": (2,)}
ROWS = st.integers(0, 7)


class Model(RuleBasedStateMachine):
    """Each column is a list; a column that is not brought gets None, one that is new starts then."""

    @initialize(maxlen=st.none() | st.integers(1, 8))
    def start(self, maxlen: int | None) -> None:
        self.maxlen, self.buffer = maxlen, DataBuffer(maxlen)
        self.lists: dict[str, list[Any]] = {}
        self.seen: list[tuple[Any, list[Any]]] = []
        self.copies: list[tuple[DataBuffer, dict[str, list[Any]]]] = []
        self.at = 0.0

    def rows(self, name: str, n: int) -> np.ndarray[Any, Any]:
        values = np.arange(self.at, self.at + n)
        return values if not LEAD[name] else np.stack([values, -values], axis=1)

    def longest(self) -> int:
        return max(map(len, self.lists.values()), default=0)

    def missing(self, name: str) -> Any:
        return [None, None] if LEAD[name] else None

    @rule(n=ROWS, names=st.sets(st.sampled_from(NAMES), min_size=1))
    def extend(self, n: int, names: set[str]) -> None:
        chosen = [name for name in NAMES if name in names]
        self.buffer.extend({name: self.rows(name, n) for name in chosen})
        if n:
            for name in [*self.lists, *(name for name in chosen if name not in self.lists)]:
                new = self.rows(name, n).tolist() if name in chosen else [self.missing(name)] * n
                self.lists[name] = self.trimmed(self.lists.get(name, []) + new)
        self.at += n

    @rule()
    def append(self) -> None:
        self.buffer.append({name: self.rows(name, 1)[0] for name in NAMES})
        for name in NAMES:
            self.lists[name] = self.trimmed(self.lists.get(name, []) + self.rows(name, 1).tolist())
        self.at += 1

    @rule(n=ROWS)
    def popleft(self, n: int) -> None:
        longest = self.longest()
        if n and not longest:
            with pytest.raises(IndexError):
                self.buffer.popleft(n)
            return
        found = self.buffer.popleft(n)
        cuts = {name: max(n - (longest - len(rows)), 0) for name, rows in self.lists.items()}
        self.check(found, {name: rows[: cuts[name]] for name, rows in self.lists.items()})
        self.copies.append((found, {name: rows[: cuts[name]] for name, rows in self.lists.items()}))
        self.lists = {name: rows[cuts[name] :] for name, rows in self.lists.items()}

    @rule(n=ROWS)
    def newest(self, n: int) -> None:
        want = {name: rows[max(len(rows) - n, 0) :] for name, rows in self.lists.items()}
        self.check(self.buffer.newest(n), want)

    @rule(name=st.sampled_from(NAMES))
    def put(self, name: str) -> None:
        n = self.longest()
        if n:
            self.buffer[name] = self.rows(name, n)
            self.lists[name] = self.rows(name, n).tolist()

    @rule(name=st.sampled_from(NAMES))
    def delete(self, name: str) -> None:
        if name in self.lists:
            del self.buffer[name], self.lists[name]
        else:
            with pytest.raises(KeyError):
                del self.buffer[name]

    @rule(name=st.sampled_from(NAMES), part=st.integers(0, 3))
    def look(self, name: str, part: int) -> None:
        if name in self.lists:
            self.seen.append((self.buffer[name][part:], self.lists[name][part:]))

    @rule()
    def copy(self) -> None:
        self.copies.append((self.buffer.copy(), dict(self.lists)))

    @rule()
    def go_on_with_a_copy(self) -> None:
        self.copies.append((self.buffer, dict(self.lists)))
        self.buffer = self.buffer.copy()

    @rule()
    def clear(self) -> None:
        self.buffer.clear()
        self.lists = {}

    @rule()
    def look_away(self) -> None:
        self.seen, self.copies = [], []

    @invariant()
    def it_holds_what_the_lists_hold(self) -> None:
        self.check(self.buffer, self.lists)
        for view, rows in self.seen:
            assert plain(view) == rows
        for buffer, lists in self.copies:
            self.check(buffer, lists)

    def check(self, buffer: DataBuffer, lists: dict[str, list[Any]]) -> None:
        assert list(buffer) == list(lists)
        assert len(buffer) == max(map(len, lists.values()), default=0)
        for name, rows in lists.items():
            assert plain(buffer[name]) == rows
            assert buffer[name].flags.c_contiguous

    def trimmed(self, rows: list[Any]) -> list[Any]:
        return rows if self.maxlen is None else rows[-self.maxlen :]


def plain(rows: np.ndarray[Any, Any]) -> list[Any]:
    values = rows.astype(object)
    values[np.isnan(rows)] = None
    found: list[Any] = values.tolist()
    return found


TestModel = Model.TestCase
TestModel.settings = settings(stateful_step_count=40)
