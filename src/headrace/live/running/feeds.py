"""All consumers of one system."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Any

from headrace.errors import RegistryError, StreamConfigError
from headrace.live.running.consumer import Consumer


class Feeds:
    """The consumers of a system, by name.

    One with a callback stays until it is closed. One without is kept by who reads it: when that is gone, so is it.
    Adding and removing never waits for a block to be handed over.

    Examples
    --------
    >>> feeds = Feeds()
    >>> consumer = feeds.add(Consumer(name="screen"))
    >>> list(feeds.stats()), feeds.free_name("consumer")
    (['screen'], 'consumer')
    >>> consumer.close()
    >>> list(feeds.stats())
    []
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._refs: dict[str, Callable[[], Consumer | None]] = {}

    def add(self, consumer: Consumer) -> Consumer:
        """Take in a consumer, and return it.

        Raises
        ------
        StreamConfigError
            When another has its name.
        """
        name = consumer.name
        ref: Callable[[], Consumer | None] = (lambda: consumer) if consumer.callback else weakref.ref(consumer)
        with self._lock:
            taken = self._refs.get(name)
            if taken is not None and taken() is not None:
                raise StreamConfigError(
                    f"a system got two consumers called {name!r}, wanted a name for each.\n"
                    "  Choose another one, or end the first: deregister_data_feed(id), or its close()."
                )
            self._refs = {**self._refs, name: ref}  # a new one, so that who goes through the old is not disturbed
        consumer.left = self.forget
        return consumer

    def forget(self, consumer: Consumer) -> None:
        """Let a consumer go."""
        with self._lock:
            ref = self._refs.get(consumer.name)
            if ref is not None and ref() in (consumer, None):
                self._refs = {name: each for name, each in self._refs.items() if each is not ref}

    def named(self, name: str) -> Consumer:
        """Return a consumer.

        Raises
        ------
        RegistryError
            When there is none of that name.
        """
        ref = self._refs.get(name)
        found = None if ref is None else ref()
        if found is None:
            raise RegistryError(
                f"the system has no consumer called {name!r}, wanted one of {[each.name for each in self.all()]}.\n"
                "  Register it first."
            )
        return found

    def free_name(self, wanted: str) -> str:
        """Return a name that no consumer has: the one wanted, or that with a number."""
        name, k = wanted, 1
        while name in self._refs:
            name, k = f"{wanted}-{k}", k + 1
        return name

    def all(self) -> list[Consumer]:
        """Return the consumers there are; those that can make the system wait last."""
        found = [each for ref in self._refs.values() if (each := ref()) is not None]
        return sorted(found, key=lambda each: each.policy == "block")

    # --- while the system runs -------------------------------------------------------------------------

    def begin(self) -> None:
        """Have all of them take blocks."""
        for each in self.all():
            each.begin()

    def hurry(self) -> None:
        """Have none make the system wait any more."""
        for each in self.all():
            each.hurry()

    def end(self, failure: BaseException | None, told: Callable[[], object]) -> list[Consumer]:
        """Say that the run is over; return all who are told, and may have something left to do."""
        everyone = self.all()
        for each in everyone:
            each.end(failure, told)
        return everyone

    def runs(self, thread: threading.Thread) -> bool:
        """Return whether that is the thread of one of them."""
        return any(each.runs(thread) for each in self.all())

    @property
    def progress(self) -> int:
        """Grows with whatever one of them does."""
        return sum(each.progress for each in self.all())

    def untold(self) -> list[BaseException]:
        """Return the failures that nobody has been told yet, once."""
        return [error for each in self.all() if (error := each.untold()) is not None]

    def stats(self) -> dict[str, dict[str, Any]]:
        """Return what each counts, by name."""
        return {each.name: each.stats() for each in self.all()}
