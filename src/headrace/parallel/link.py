"""The drawing end of a socket: what is said there, and in which order things are done.

A signal's handler may raise at any step of the main thread, and the next call is to go on as if it had not. So what came
stays at hand until it is done with, and what is said may be said twice: credits are sums, all else names what it is
about.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from headrace.parallel.access import Keys
from headrace.parallel.decode import decode
from headrace.parallel.dtypes import WireError
from headrace.parallel.inbox import Inbox
from headrace.parallel.protocol import (
    Again,
    Bye,
    Credit,
    End,
    Failed,
    Hello,
    Items,
    Pass,
    Passed,
    Refused,
    Stopped,
    Welcome,
    say,
)
from headrace.parallel.told import LinkError, raisable
from headrace.parallel.undisturbed import undisturbed

_open: set[Link] = set()  # kept here, whoever drops them: an open socket would keep its context from ending


class Arrived(NamedTuple):
    """Items that came: numbers from ``first`` on."""

    first: int
    items: list[Any]


class Link:
    """One connection to a server; used by one thread.

    Make it where no signal's handler runs, and close it: what was dropped without that stays open.

    Parameters
    ----------
    address
        Where the server is.
    keys, server_key
        Who we are and who it must be, where it asks for that.
    timeout
        Seconds that it may take to answer.

    Raises
    ------
    LinkError
        From every method, when the server cannot be reached, is gone, or a message got lost.
    """

    def __init__(
        self,
        address: str,
        *,
        keys: Keys | None = None,
        server_key: str | None = None,
        timeout: float = 5.0,
    ) -> None:
        self.address: str = address
        self.failure: int | None = None  # of the server's stream, not tried again or passed yet
        self.shared: bool = False
        self._last: Arrived | None = None  # the items asked for last
        self._taken = 0  # bytes taken up,
        self._items = 0  # and items,
        self._given = 0  # of which so many are known to have been given; the server was told
        self._inbox = Inbox(address, keys, server_key, timeout)
        _open.add(self)

    def hello(self, hello: Hello) -> Welcome:
        """Begin; return what is served."""
        said = self._inbox.answer(say(hello))
        if not isinstance(said, Welcome):
            raise self._refused(said)
        self.shared = said.consumers == "share"
        return said

    def _refused(self, said: Refused) -> LinkError:
        return self._inbox.error(f"a refusal: {said.why}", "a server that welcomes this consumer")

    def send(self, message: Any) -> None:
        """Say something; never waits."""
        self._inbox.send(say(message))

    # --- items ----------------------------------------------------------------------------------

    def block(self, number: int) -> Arrived | Passed | None:
        """Return the items from ``number`` on; asked again for the same, the same. None at the end.

        Or that a failed item was passed, when whoever asked for that was interrupted: :meth:`done` with it then.

        Raises
        ------
        Exception
            What the server's stream raised; the next call has it tried again, :meth:`pass_failed` passes it.
        """
        if self._last is not None and self._last.first == number:
            return self._last
        self._last = None  # whoever drew the items decides how long they live
        if self.failure is not None:
            self.send(Again(self.failure))
            self.failure = None
        while True:
            if (
                self.shared and not self._inbox.queue and self._given < self._items
            ):  # others may be waiting to hear that
                self.send(Credit(self._taken, self._items))
                self._given = self._items
            said, frames = self._inbox.next()
            if isinstance(said, Items):
                return self._take_up(said, frames, number)
            if isinstance(said, End):
                return None
            if isinstance(said, Failed):
                raise self._failed(said)
            if isinstance(said, Passed):
                return said
            if isinstance(said, Refused):
                raise self._refused(said)
            if isinstance(said, Stopped):
                raise self._inbox.error("a goodbye: the server was closed", "the next item")
            self._inbox.drop()  # a second welcome

    def _take_up(self, said: Items, frames: list[Any], number: int) -> Arrived:
        items = decode(frames)
        if len(items) != said.n:
            raise WireError(
                f"connect({self.address!r}) got {len(items)} items in a message of {said.n}, wanted as many."
            )
        if said.first != number:
            raise self._inbox.error(f"item {said.first}", f"item {number}")
        with undisturbed():
            self._inbox.drop()
            self._last = Arrived(said.first, items)
            self._taken += said.weight
            self._given = self._items
            self._items += said.n
            self.send(Credit(self._taken, self._given))
        return self._last

    def _failed(self, said: Failed) -> BaseException:
        with undisturbed():
            self._inbox.drop()
            self.failure = said.failure
        return raisable(said)

    def pass_failed(self) -> Passed | None:
        """Have the item that failed passed; return that it was. Tell when that is :meth:`done` with.

        None where another consumer of the same cursor has had it tried again in the meantime.
        """
        assert self.failure is not None
        self.send(Pass(self.failure))
        said, _ = self._inbox.next()
        if isinstance(said, Passed):
            return said
        if isinstance(said, Failed):
            raise self._failed(said)
        self.failure = None
        return None

    def done(self, said: Passed) -> None:
        """Go on behind an item that was passed."""
        if self._inbox.queue and self._inbox.queue[0][0] is said:
            self._inbox.drop()
        self.failure = None

    # --- the end --------------------------------------------------------------------------------

    def close(self, given: int | None) -> None:
        """Leave; closing twice is fine.

        Parameters
        ----------
        given
            How many items the user got; others get the rest. None where that is not known: they are lost.
        """
        if not self._inbox.mine:
            return
        with undisturbed():
            _open.discard(self)
            self._last = None
            self._inbox.close(None if given is None else say(Bye(given)))


def close_all() -> None:
    """Close what is open still, when the interpreter ends."""
    for link in list(_open):
        link.close(None)
