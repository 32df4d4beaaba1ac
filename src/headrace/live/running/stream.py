"""A running system as a stream of blocks."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from headrace.core.block import Block
from headrace.core.cursor import Cursor
from headrace.core.key import Key
from headrace.core.recipe import recipe
from headrace.core.stream import Resume, Stream
from headrace.errors import StreamConfigError
from headrace.live.running.consumer import Consumer
from headrace.live.running.system import System
from headrace.live.running.waiting import Policy, Queue


def stream(system: Any, *, policy: Policy = "spill", limit: int | str | None = None) -> SystemStream:
    """Return the blocks of a system as a headrace stream, for ``|``, mixes and training loops.

    A pass is a consumer of its own: it is given the blocks from its first item on. A system that does not run is
    started by it, and stopped when the pass is closed or at its end; one whose source has ended by itself is not: a pass
    is empty then, until someone starts it. What a system said is gone: it cannot be resumed.

    Parameters
    ----------
    system
        A :class:`~headrace.live.System`, or a device.
    policy, limit
        What happens to blocks that are not drawn in time: see :class:`~headrace.live.Consumer`.

    Raises
    ------
    StreamConfigError
        When it is neither, or the policy is none of them.

    Examples
    --------
    >>> import headrace as hr
    >>> from headrace.live import Sampler
    >>> blocks = stream(Sampler({"x": lambda t: t}, sample_rate=200))
    >>> with (blocks | hr.map(lambda block: block["x"])).open() as cursor:
    ...     rows = next(cursor)
    >>> len(rows) >= 1, blocks.resume
    (True, 'none')
    """
    if not hasattr(system, "add_consumer"):
        system = System(system)
    return SystemStream(system, policy, limit)


@recipe
class SystemStream(Stream[Block]):
    """The recipe of :func:`stream`.

    Parameters
    ----------
    system
        Whose blocks.
    policy, limit
        What happens to those that are not drawn in time.
    """

    system: Any
    policy: Policy = "spill"
    limit: int | str | None = None

    def __post_init__(self) -> None:
        if not hasattr(self.system, "add_consumer"):
            raise StreamConfigError(
                f"stream(system) got {self.system!r}, wanted a System.\n  System(source) makes one of a device."
            )
        Queue(self.policy, self.limit)  # raises now what it would later

    @property
    def node_name(self) -> str:
        return "live"

    @property
    def resume(self) -> Resume:
        return "none"

    def remarks(self) -> tuple[str, ...]:
        kept = {"block": "the source waits", "spill": "on disk", "grow": "in memory", "latest": "only the newest"}
        return (f"what is not drawn in time: {kept.get(self.policy, self.policy)} (policy={self.policy!r})",)

    def start(self, key: Key) -> Cursor[Block]:
        return _Drawing(self, key)


class _Drawing(Cursor[Block]):
    stream: SystemStream

    _consumer: Consumer | None = None
    _started = False

    def run(self) -> Generator[Block, None, None]:
        system = self.stream.system
        if self._consumer is None:
            self._consumer = system.add_consumer(policy=self.stream.policy, limit=self.stream.limit)
            if not (system.is_active or system.ended):
                self._started = True
                system.start()
        consumer = self._consumer
        while True:
            consumer.wait()
            block = consumer.take()
            if block is None:
                if consumer.state == "running":  # woken for nothing
                    continue
                return
            self.count += 1
            yield block

    def release(self) -> None:
        consumer = self._consumer
        try:
            if self._started:
                self.stream.system.stop()
        finally:
            if consumer is not None:
                consumer.close()
