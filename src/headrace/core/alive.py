"""What is alive of some kind, for a fork or the end of a program to go through."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar
from weakref import ref

T = TypeVar("T")
FEW = 64  # dead ones that are not looked for


class Alive(Generic[T]):
    """A set of objects that it does not keep alive, each by itself and not by what it equals.

    Unlike a ``weakref.WeakSet`` it calls nothing when one of them is gone. Python runs signal handlers in such calls, too,
    after a long collection most of all, and what they raise there is printed and dropped: a Ctrl-C would be lost.

    Examples
    --------
    >>> class Thing: ...
    >>> things, one, other = Alive(), Thing(), Thing()
    >>> things.add(one), things.add(other), things.add(one)
    (None, None, None)
    >>> del other
    >>> list(things) == [one]
    True
    """

    def __init__(self) -> None:
        self._refs: dict[
            int, ref[T]
        ] = {}  # each step of it is one for all threads, so that no lock can be left half taken
        self._most = FEW

    def add(self, member: T) -> None:
        """Take one more."""
        found = ref(member)  # the same one for as long as the member lives
        self._refs[id(found)] = found
        if len(self._refs) > self._most:
            for name, each in list(self._refs.items()):
                if each() is None:
                    self._refs.pop(name, None)
            self._most = max(FEW, 2 * len(self._refs))

    def __iter__(self) -> Iterator[T]:
        for each in list(self._refs.values()):
            member = each()
            if member is not None:
                yield member
