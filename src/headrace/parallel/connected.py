"""A pass over what a server sends."""

from __future__ import annotations

import atexit
import weakref
from collections.abc import Generator
from contextlib import suppress
from itertools import islice
from typing import Any, ClassVar, Final

from headrace.core.cursor import Cursor
from headrace.core.key import Key
from headrace.errors import StateMismatchError
from headrace.parallel.dtypes import WireError
from headrace.parallel.link import Arrived, Link, close_all
from headrace.parallel.protocol import VERSION, Hello, Passed, key_text
from headrace.parallel.told import LinkError
from headrace.parallel.undisturbed import undisturbed

_FAR: Final = 1000  # items from which on a new connection is cheaper than passing them here


class Connected(Cursor[Any]):
    """A pass over what a server sends; connects when the first item is wanted."""

    stream: Any  # a Connect, which is defined above this file
    saves: ClassVar[tuple[str, ...]] = ("count", "passed", "of")
    count: int
    _link: Link | None = None

    def __init__(self, stream: Any, key: Key) -> None:
        super().__init__(stream, key)
        self.passed: list[int] = []  # places of failed items that were passed: a replay passes them again
        self.ended: bool = False
        self._of = ""  # fingerprint of what is served
        self._base = 0  # our number of the server's item 0
        self._hand = _NOTHING

    @property
    def of(self) -> str:
        """Fingerprint of what is served."""
        return self._of or self.stream.info().fingerprint

    @of.setter
    def of(self, known: str) -> None:
        self._of = known

    def run(self) -> Generator[Any, None, None]:
        # No item is lost or given twice when Ctrl-C strikes anywhere here: `count` and what is at hand say it all.
        while True:
            hand = self._hand
            given = self.count - hand.first
            if 0 <= given < len(hand.items):
                for self.count, item in enumerate(islice(hand.items, given, None), self.count + 1):
                    yield item
            hand = self._hand = _NOTHING  # whoever drew the items decides how long they live
            item = None
            if self.ended:
                self._leave(self.count)
                return
            try:
                found = (self._link or self._join()).block(self.count - self._base)
            except (LinkError, WireError):
                self._leave(self.count)
                raise
            if found is None:
                self.ended = True
            elif isinstance(found, Passed):
                self._behind(found)
            else:
                self._hand = found._replace(first=self._base + found.first)
            del found

    def _join(self) -> Link:
        link: Link | None = None
        try:
            with undisturbed():
                link = self.stream.link()
            said = link.hello(Hello(VERSION, False, key_text(self.key), self.count, self.passed, self.stream.ahead))
            if self._of and said.fingerprint != self._of:
                raise StateMismatchError(
                    f"connect got a state of another stream than {self.stream.address} serves now, wanted one of "
                    f"{said.text.partition('  ')[0]}.\n  Serve the stream as it was when the state was saved."
                )
            with undisturbed():
                self.stream.fix(_info=said)
                self._base = self.count if said.consumers == "share" else 0
                self._of = said.fingerprint
                self._link = link
                _running.add(self)
        except BaseException:
            if link is not None and self._link is not link:
                link.close(0)
            raise
        return link

    def _leave(self, given: int) -> None:
        """Let go of the connection; ``given`` is the number behind the last item that the user has."""
        link = self._link
        if link is not None:
            link.close(given - self._base)
            _running.discard(self)  # or Python code would run when this dies, which swallows what a handler raises
            self._link = None

    def _behind(self, said: Passed) -> None:
        """Go on behind an item that failed and was passed."""
        assert self._link is not None
        with undisturbed():
            if self.stream.resume == "replay":
                self.passed = [*self.passed, self.count]
            self.count = self._base + said.count
            self._link.done(said)

    def pass_failed(self) -> None:
        link = self._link
        if link is None or link.failure is None:
            super().pass_failed()
            return
        try:
            said = link.pass_failed()
        except LinkError:
            self._leave(self.count)
            raise
        if said is not None:
            self._behind(said)
        self.restart()

    def leap(self, n: int) -> int:
        """Far items are not sent where they have numbers."""
        near = max(0, len(self._hand.items) - (self.count - self._hand.first))
        if self.ended or n - near < _FAR or self.stream.info().access != "index":
            return 0
        size = self.stream.size
        jump = max(0, n if size is None else int(min(n, size - self.count)))
        self._leave(self.count)
        self.count += jump
        self.restart()
        return jump

    def load(self, saved: Any) -> None:
        self._leave(self.count)
        self.ended, self._hand = False, _NOTHING
        super().load(saved)
        self.passed = list(self.passed)

    def release(self) -> None:
        given = self.position
        if self._link is not None and self._link.shared:
            self._kept = ()  # others get them
        self._leave(given)

    def __del__(self) -> None:
        # No weakref.finalize, which would not know how many items were given: what was dropped unclosed loses none.
        if self._link is not None:
            with suppress(Exception):
                self._leave(self.position)


_NOTHING: Final = Arrived(0, [])
_running: weakref.WeakSet[Connected] = weakref.WeakSet()


def _leave_all() -> None:
    """Let go of every connection when the interpreter ends."""
    for cursor in list(_running):
        with suppress(Exception):
            cursor.release()
    close_all()


atexit.register(_leave_all)
