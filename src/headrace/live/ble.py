"""Devices that speak Bluetooth Low Energy."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headrace.core.optional import optional
from headrace.errors import DataError
from headrace.live.wires.ble_link import BLELink
from headrace.live.wires.linked import Linked
from headrace.live.wires.messages import columns_of_rows

if TYPE_CHECKING:
    import asyncio


class BLEProtocol(ABC):
    """Makes rows of packets, in a coroutine: write :meth:`packet_received`, and put rows into ``queue``.

    A function of the packet's bytes that returns the row does the same, in one line.

    Attributes
    ----------
    queue : asyncio.Queue
        Where rows go: dicts of numbers or arrays.

    Examples
    --------
    >>> class Heart(BLEProtocol):
    ...     async def packet_received(self, packet):
    ...         await self.queue.put({"bpm": packet[1]})
    >>> heart = Heart()
    >>> heart.feed(bytes([0, 61]))
    {'bpm': array([61])}
    """

    bad: int = 0
    names: tuple[str, ...] = ()

    @property
    def queue(self) -> asyncio.Queue[Any]:
        """Where rows go."""
        try:
            return self._queue
        except AttributeError:
            import asyncio  # which takes a while to load

            # Made when it is first wanted: a subclass with an __init__ of its own need not call another.
            self._queue: asyncio.Queue[Any] = asyncio.Queue()
            return self._queue

    @abstractmethod
    async def packet_received(self, packet: bytes) -> None:
        """Put the rows that are complete now into ``queue``; it may not await anything else that has to wait."""

    def feed(self, data: bytes) -> dict[str, Any]:
        """Return the rows that are complete with a packet.

        Raises
        ------
        DataError
            When ``packet_received`` waits for something: nothing else runs here that it could wait for.
        """
        coroutine = self.packet_received(data)
        try:
            coroutine.send(None)
        except StopIteration:
            pass
        except RuntimeError as error:
            if "event loop" not in str(error):
                raise
            raise self._waits() from error
        else:
            coroutine.close()
            raise self._waits()
        rows = []
        while not self.queue.empty():
            rows.append(self.queue.get_nowait())
        columns = columns_of_rows(rows, type(self).__name__)
        self.names = tuple(columns) or self.names
        return columns

    def _waits(self) -> DataError:
        return DataError(
            f"{type(self).__name__}.packet_received waits for something, wanted rows at once.\n"
            "  It may await self.queue.put(row), and nothing that takes time."
        )

    def reset(self) -> None:  # noqa: B027  # most protocols have whole rows in each packet
        """Forget the beginning of a row whose end will not come; called whenever the device is connected."""


class BLESource(Linked):
    """What a Bluetooth Low Energy device notifies of, as rows.

    Called, it gives its newest row: so it can be a source of a :class:`~headrace.live.Sampler`, too.

    Parameters
    ----------
    ble_address
        The device's address: see :func:`find_ble_address`.
    char_uuid
        The characteristic that notifies.
    protocol
        Makes rows of its packets: a function of bytes that gives a row, a list of rows, or None; a
        :class:`BLEProtocol`, or another parser.
    other_sources
        Functions that are asked whenever a packet has come: their values are columns. A dict of them by name, or a
        list, which have the names that functions have.
    write_uuid
        The characteristic that :meth:`send` writes to; by default the same.
    timeout
        Seconds for finding and connecting it.
    client
        Makes a client, as ``bleak.BleakClient`` does, which is the default.
    options
        Of every device at a link: see :class:`~headrace.live.Linked`.

    Raises
    ------
    StreamConfigError
        When a parameter is none of these.

    Examples
    --------
    >>> belt = BLESource("D4:22:CD:00:00:01", "00002a37-0000-1000-8000-00805f9b34fb", lambda data: {"bpm": data[1]})
    >>> belt.state, belt.stats()["link"]
    ('idle', 'none')
    """

    ble_address: str
    char_uuid: str

    def __init__(
        self,
        ble_address: str,
        char_uuid: str,
        protocol: Any,
        other_sources: Mapping[str, Any] | Sequence[Any] = (),
        *,
        write_uuid: str | None = None,
        timeout: float = 20.0,
        client: Callable[..., Any] | None = None,
        **options: Any,
    ) -> None:
        self.ble_address, self.char_uuid = ble_address, char_uuid
        link = BLELink(ble_address, char_uuid, write_uuid, timeout=timeout, client=client)
        super().__init__(link, protocol, followers=other_sources, **options)

    def __repr__(self) -> str:
        return f"BLESource({self.ble_address!r}, {self.char_uuid!r})"


async def find_ble_address(name: str | None = None, timeout: float = 5.0) -> str:
    """Return the address of a device that can be seen.

    In a script: ``asyncio.run(find_ble_address("Wave"))``.

    Parameters
    ----------
    name
        What its name begins with; None: the only one there is.
    timeout
        Seconds to look.

    Raises
    ------
    DataError
        When there is none, or not only one.
    """
    scanner = optional("bleak", "sensors", "find_ble_address").BleakScanner
    there = await scanner.discover(timeout=timeout)
    found = [each for each in there if name is None or (each.name or "").startswith(name)]
    if len(found) != 1:
        seen = ", ".join(sorted(f"{each.address} ({each.name or 'no name'})" for each in there)) or "none"
        raise DataError(
            f"find_ble_address found {len(found)} devices {'' if name is None else f'called {name!r} '}within {timeout} "
            f"seconds, wanted one.\n  Seen: {seen}. Is it switched on, and near?"
        )
    address: str = found[0].address
    return address
