"""The muxes under their old signatures: ``streamers=`` and ``random_state=``."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any, Self

import numpy as np

from headrace import mux as native
from headrace.compat.pescador.core import Runs, Streamer
from headrace.compat.pescador.exceptions import PescadorError
from headrace.compat.pescador.maps import seed_for
from headrace.compat.pescador.util import get_rng
from headrace.core.stream import Stream
from headrace.mux.legacy import translated

__all__ = [
    "BaseMux",
    "ChainMux",
    "Mux",
    "PescadorError",
    "RoundRobinMux",
    "ShuffledMux",
    "StochasticMux",
    "get_rng",
]


class BaseMux(Runs, native.BaseMux[Any]):
    """Many streams drawn as one; a :class:`Streamer` to ``isinstance``."""

    _streamers: Any = None
    _rng: Any = None

    def __init__(self, streamers: Any, random_state: Any = None) -> None:
        self.fix(_rng=get_rng(random_state))
        self.members(wrapped(streamers), seed_for(random_state))

    @property
    def streamers(self) -> Any:
        """The members, as a list; what makes them, for a :class:`ChainMux` over a function or a stream of streams."""
        if self._streamers is None:
            self.fix(_streamers=list(self.streams))
        return self._streamers

    @property
    def rng(self) -> Any:
        """What ``random_state`` stands for; headrace reads its state once and never advances it."""
        if self._rng is None:
            self.fix(_rng=get_rng(None if self.seed is None else self.seed % 2**32))
        return self._rng

    def __copy__(self) -> Self:
        twin: Self = self.with_()
        twin.fix(_streamers=self.streamers, _rng=self.rng)
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        twin: Self = self.with_(**deepcopy(self.__getstate__(), memo))
        twin.fix(_rng=self.rng if self.rng is np.random else deepcopy(self.rng, memo))
        return twin


Streamer.register(BaseMux)


def wrapped(streamers: Any) -> Any:
    """Return members as streams: whatever is none becomes a :class:`Streamer`."""
    if isinstance(streamers, Mapping):
        return {name: _wrapped(member) for name, member in streamers.items()}
    return [_wrapped(member) for member in streamers] if isinstance(streamers, Iterable) else streamers


def _wrapped(member: Any) -> Stream[Any]:
    return member if isinstance(member, Stream) else Streamer(member)


class StochasticMux(BaseMux, native.StochasticMux[Any]):
    """A bounded working set of many streams. See :class:`headrace.StochasticMux`.

    Examples
    --------
    >>> import headrace.compat.pescador as pescador
    >>> mux = pescador.StochasticMux(["aa", "bb", "cc"], 2, rate=None, mode="exhaustive", random_state=7)
    >>> sorted(mux)
    ['a', 'a', 'b', 'b', 'c', 'c']
    """

    def __init__(
        self,
        streamers: Any,
        n_active: int,
        rate: float | None,
        weights: Any = None,
        mode: Any = "with_replacement",
        prune_empty_streams: bool = True,
        dist: Any = "binomial",
        random_state: Any = None,
    ) -> None:
        self.fix(_rng=get_rng(random_state))
        native.StochasticMux.__init__(
            self, wrapped(streamers), n_active, rate, weights, mode, prune_empty_streams, dist, seed_for(random_state)
        )


class Mux(StochasticMux):
    """The multiplexer of Pescador 1, deprecated. See :func:`headrace.Mux` for what its arguments mean."""

    def __init__(
        self,
        streamers: Any,
        k: int,
        rate: float | None = 256.0,
        weights: Any = None,
        with_replacement: bool = True,
        prune_empty_streams: bool = True,
        revive: bool = False,
        random_state: Any = None,
    ) -> None:
        warnings.warn("Mux is deprecated: use StochasticMux.", DeprecationWarning, stacklevel=2)
        super().__init__(
            streamers,
            weights=weights,
            prune_empty_streams=prune_empty_streams,
            random_state=random_state,
            **translated(k, rate, with_replacement, revive),
        )


class ShuffledMux(BaseMux, native.ShuffledMux[Any]):
    """All members open, each item from one chosen by weight. See :class:`headrace.ShuffledMux`.

    Examples
    --------
    >>> import headrace.compat.pescador as pescador
    >>> "".join(pescador.ShuffledMux(["aaa", "bbb"], weights=[1, 0]).iterate(4))
    'aaaa'
    """

    def __init__(self, streamers: Any, weights: Any = None, random_state: Any = None) -> None:
        self.fix(_rng=get_rng(random_state))
        native.ShuffledMux.__init__(self, wrapped(streamers), weights, seed_for(random_state))


class RoundRobinMux(BaseMux, native.RoundRobinMux[Any]):
    """One item from each member in turn. See :class:`headrace.RoundRobinMux`.

    Examples
    --------
    >>> import headrace.compat.pescador as pescador
    >>> "".join(pescador.RoundRobinMux(["ab", "cde"]))
    'acbde'
    """

    def __init__(self, streamers: Any, mode: Any = "exhaustive", random_state: Any = None) -> None:
        self.fix(_rng=get_rng(random_state))
        native.RoundRobinMux.__init__(self, wrapped(streamers), mode, seed_for(random_state))


class ChainMux(BaseMux, native.ChainMux[Any]):
    """Members one after another. See :class:`headrace.ChainMux`.

    Examples
    --------
    >>> import headrace.compat.pescador as pescador
    >>> "".join(pescador.ChainMux(["ab", "cde"], mode="cycle")(max_iter=8))
    'abcdeabc'
    """

    def __init__(self, streamers: Any, mode: Any = "exhaustive", random_state: Any = None) -> None:
        self.fix(_rng=get_rng(random_state))
        made_while_running = isinstance(streamers, Stream) or callable(streamers)
        if made_while_running:
            self.fix(_streamers=streamers)
        members = _wrapped(streamers) if made_while_running else wrapped(streamers)
        native.ChainMux.__init__(self, members, mode, seed_for(random_state))
