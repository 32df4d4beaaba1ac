"""Rows of a Wave ring's packets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from headrace.errors import DataError
from headrace.live import wave_wire as wire
from headrace.signals.rotations import turned

Array = np.ndarray[Any, Any]
DERIVED: Final = ("grav", "acc_glob", "linacc_glob")
END: Final = wire.Button("top", "extralong")  # what is done with the ring to have it stop


class WaveParser:
    """Rows out of what a ring sends.

    Parameters
    ----------
    spectrogram
        Whether they are those of its spectrograms, and not of its datastream.
    on_button
        Called with each :class:`~headrace.live.wave_wire.Button`.

    Attributes
    ----------
    bad : int
        Frames that were no packets.
    ended : bool
        Whether the top button was pressed so long that it is to stop.

    Examples
    --------
    >>> parser = WaveParser(on_button=print)
    >>> press = wire.Packet(wire.STREAM, wire.BUTTON, bytes([1, 0, 0, 0, 6, 0, 0, 0]))
    >>> parser.feed(wire.pack(press))
    Button(name='middle', action='click')
    {}
    >>> len(parser.feed(wire.pack(wire.Packet(wire.STREAM, wire.DATASTREAM, bytes(105))))["gyro"])
    1
    """

    spectrogram: bool
    on_button: Callable[[wire.Button], object] | None

    def __init__(self, *, spectrogram: bool = False, on_button: Callable[[wire.Button], object] | None = None) -> None:
        self.spectrogram, self.on_button = spectrogram, on_button
        self.ended: bool = False
        self._which = wire.SPECTROGRAM if spectrogram else wire.DATASTREAM
        self._packets = wire.WavePackets()
        self._garbled = 0  # buttons

    @property
    def bad(self) -> int:
        """Frames that were no packets."""
        return self._packets.bad + self._garbled

    @property
    def names(self) -> tuple[str, ...]:
        """The columns."""
        return (*(wire.LAYOUTS[self._which].names or ()), *(() if self.spectrogram else DERIVED))

    def feed(self, data: bytes) -> Mapping[str, Any]:
        """Return the rows that are complete now."""
        payloads = []
        for packet in self._packets.feed(data):
            if packet.kind == wire.STREAM and packet.id == self._which:
                payloads.append(packet.payload)
            elif packet.kind == wire.STREAM and packet.id == wire.BUTTON:
                self._button(packet)
        if not payloads:
            return {}
        columns = wire.columns(self._which, payloads)
        return columns if self.spectrogram else {**columns, **derived(columns)}

    def _button(self, packet: wire.Packet) -> None:
        try:
            button = wire.button(packet)
        except DataError:
            self._garbled += 1
            return
        if button == END:
            self.ended = True
        if self.on_button is not None:
            self.on_button(button)

    def reset(self) -> None:
        """Forget the beginning of a packet whose end will not come."""
        self._packets.reset()


def derived(columns: Mapping[str, Any]) -> dict[str, Array]:
    """Return what a ring's numbers say together.

    Parameters
    ----------
    columns
        ``acc``, ``linacc`` ``(n, 3)`` and ``current_pose`` ``(n, 4)``, a quaternion ``(w, x, y, z)`` of any length.

    Returns
    -------
    columns
        ``grav``: ``acc - linacc``; ``acc_glob`` and ``linacc_glob``: those turned by the pose, ``q v q*``; ``(n, 3)``
        each, NaN where there is no pose.

    Examples
    --------
    >>> quarter = [[1.0, 0.0, 0.0, 1.0]]
    >>> derived({"acc": np.array([[1.0, 0, 1]]), "linacc": np.array([[1.0, 0, 0]]), "current_pose": np.array(quarter)})
    {'grav': array([[0., 0., 1.]]), 'acc_glob': array([[0., 1., 1.]]), 'linacc_glob': array([[0., 1., 0.]])}
    """
    acc, linacc, pose = columns["acc"], columns["linacc"], columns["current_pose"]
    with np.errstate(all="ignore"):  # what was garbled on the way may be any number
        acc_glob, linacc_glob = (np.stack(turned(each.T, pose.T), axis=1) for each in (acc, linacc))
        return {"grav": acc - linacc, "acc_glob": acc_glob, "linacc_glob": linacc_glob}
