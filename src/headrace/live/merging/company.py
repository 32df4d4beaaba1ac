"""A leader and its followers, started and stopped together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headrace.live.devices.together import Together
from headrace.live.devices.wake import Wake
from headrace.live.merging.follow import DeviceFollower
from headrace.live.merging.follow_function import FunctionFollower


class Company:
    """The devices of a merge: those that do not run yet are started and stopped with it, in order.

    Parameters
    ----------
    leader
        A device.
    followers
        Each a ``DeviceFollower`` or a ``FunctionFollower``.
    arrived
        Rung whenever one of them has something.
    strict
        Whether a follower that cannot be stopped is a failure.
    """

    leader: Any
    followers: Mapping[str, Any]
    arrived: Wake
    strict: bool

    def __init__(self, leader: Any, followers: Mapping[str, Any], arrived: Wake, *, strict: bool) -> None:
        self.leader, self.followers, self.arrived, self.strict = leader, followers, arrived, strict
        self._together = Together()

    def devices(self) -> list[Any]:
        """Return the followers that are devices."""
        return [each.device for each in self.followers.values() if isinstance(each, DeviceFollower)]

    def functions(self) -> list[Any]:
        """Return the followers that are functions; some, such as a keyboard, are started and stopped, too."""
        return [each.function for each in self.followers.values() if isinstance(each, FunctionFollower)]

    def start(self, who: str) -> None:
        """Start the followers and then the leader, those that do not run yet.

        Raises
        ------
        Exception
            What one of them raises; the others are stopped again.
        """
        try:
            self._together.start([*self.functions(), *self.devices()])
            self._listen()
            self._together.start([self.leader])
        except BaseException as error:
            error.add_note(f"  while starting {who}")
            for failure in self.stop():
                error.add_note(f"  and stopping the others raised {failure!r}")
            raise

    def stop(self) -> list[Exception]:
        """Stop the leader, then the followers, and return what that raised."""
        found = self._together.stop(tolerated=() if self.strict else [*self.functions(), *self.devices()])
        self._deaf()
        return found

    def _listen(self) -> None:
        for each in self.followers.values():
            if isinstance(each, FunctionFollower) and not each.timed:
                self.leader.arrived.relay(each.look)
        for device in [self.leader, *self.devices()]:
            device.arrived.relay(self.arrived.set)

    def _deaf(self) -> None:
        for device in [self.leader, *self.devices()]:
            device.arrived.unrelay(self.arrived.set)
        for each in self.followers.values():
            if isinstance(each, FunctionFollower):
                self.leader.arrived.unrelay(each.look)

    def align(self, clock: Any) -> None:
        """Take the times of all on the leader's own clock."""
        anchor = getattr(self.leader, "anchor", None)
        for each in self.followers.values():
            if isinstance(each, FunctionFollower):
                each.began = clock.wall() if anchor is None else anchor.unix(anchor.now)
                continue
            other = getattr(each.device, "anchor", None)
            if anchor is not None and other is not None:
                each.shift = anchor.unix(other.now) - other.wall

    def states(self) -> list[str]:
        """Return the states that are the merge's, that of the leader first."""
        return [self.leader.state, *(each.state for each in self.devices() if self.strict)]
