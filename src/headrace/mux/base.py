"""What all muxes share: members with names and weights, and the parts of a mux."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from math import inf
from operator import length_hint
from typing import Any, Self, TypeVar

import numpy as np

from headrace.core.coerce import as_stream
from headrace.core.cursor import Cursor
from headrace.core.key import Seed, seed_integer
from headrace.core.knob import Knob
from headrace.core.recipe import recipe
from headrace.core.stream import Source, Split, Stream, check_shard
from headrace.errors import StreamConfigError
from headrace.mux.choose import Floats

T = TypeVar("T")
N = TypeVar("N", int, float)
Name = int | str
Members = Sequence[Source[T]] | Iterator[Source[T]] | Mapping[str, Source[T]]  # any iterable will do
Weights = Iterable[float] | Mapping[str, float] | Knob[Any] | None


@recipe
class BaseMux(Stream[T]):
    """Many streams drawn as one.

    Attributes
    ----------
    streams : tuple of Stream
        The members.
    names : tuple
        What keys and error paths call them: their number, or their name in a dict. A part keeps the names of the whole,
        so that parts never share random numbers.
    part : str
        ``"i/n"`` in a part made by ``shard(i, n)``.
    """

    streams: tuple[Stream[T], ...]
    names: tuple[Name, ...]
    part: str

    def members(self, streams: Any, seed: Seed | None) -> None:
        """Set what every mux has; for constructors."""
        names: Iterable[Name]
        if isinstance(streams, Mapping):
            names, made = tuple(streams), tuple(map(as_stream, streams.values()))
            odd = [name for name in names if not isinstance(name, str | int) or isinstance(name, bool)]
            if odd:
                raise StreamConfigError(f"{self.node_name} got the member name {odd[0]!r}, wanted strings or integers.")
        else:
            try:
                made = tuple(map(as_stream, iter(streams)))
            except TypeError:
                raise StreamConfigError(
                    f"{self.node_name} got {streams!r} for its members, wanted a list or a dict of streams."
                ) from None
            names = range(len(made))
        self.fix(streams=made, names=tuple(names), part="")
        if seed is not None:
            self.fix(seed=seed_integer(seed))

    def need_members(self) -> None:
        """Raise when there are none."""
        if not self.streams:
            raise StreamConfigError(f"{self.node_name} got no members, wanted at least one stream.")

    @property
    def children(self) -> tuple[Stream[Any], ...]:
        """The members."""
        return self.streams

    @property
    def n_streams(self) -> int:
        """How many members there are."""
        return len(self.streams)

    def child_labels(self) -> list[str]:
        """Return what a description calls each member."""
        return [f"[{name!r}]" for name in self.names]

    def params(self) -> dict[str, Any]:
        """Return the constructor's arguments, and ``names`` and ``part`` where they are not the default."""
        params = super().params()
        if self.names == tuple(range(len(self.names))):
            del params["names"]
        if not self.part:
            del params["part"]
        return params

    @classmethod
    def from_params(cls, params: dict[str, Any]) -> Any:
        kept = {name: params.pop(name) for name in ("names", "part") if name in params}
        return cls(**params).with_(**kept)

    def shard(self, i: int, n: int) -> Self:
        """Return the part that has every ``n``-th member from member ``i`` on."""
        check_shard(i, n)
        if n > len(self.streams):
            raise StreamConfigError(
                f"{self.node_name} has {len(self.streams)} members, too few for shard({i}, {n}): a part would be empty."
            )
        made: Self = self.with_(
            streams=self.streams[i::n], names=self.names[i::n], part=f"{self.part}{'.' if self.part else ''}{i}/{n}"
        )
        return made

    def split(self) -> Split[T] | None:
        if not self.streams:
            return None
        return Split(self.streams, lambda others: self.with_(streams=others))


@recipe
class WeightedMux(BaseMux[T]):
    """A mux whose members have weights."""

    weights: Floats | Knob[Any]

    def weigh(self, weights: Weights) -> None:
        """Check and set the weights; for constructors. The caller's are left as they are."""
        if isinstance(weights, Mapping):
            missing = set(self.names) ^ set(weights)
            if missing:
                raise StreamConfigError(
                    f"{self.node_name} got weights for {list(weights)}, wanted one for each of {list(self.names)}."
                )
            weights = [weights[name] for name in self.names]  # type: ignore[index]  # the keys are the names
        if isinstance(weights, Knob):
            check = partial(normalised, who=self.node_name, n=len(self.streams))
            check(weights.value)
            weights.guard(check)
            self.fix(weights=weights)
        else:
            self.fix(weights=normalised(weights, self.node_name, len(self.streams)))

    def shard(self, i: int, n: int) -> Self:
        """Return the part that has every ``n``-th member from member ``i`` on, with the weights among them."""
        if isinstance(self.weights, Knob):
            raise StreamConfigError(
                f"{self.node_name} cannot be divided: its weights are a Knob for all of its members."
            )
        part = super().shard(i, n)
        mine = self.weights[i::n]
        if not mine.any():
            raise StreamConfigError(f"{self.node_name}.shard({i}, {n}) has no member of positive weight.")
        made: Self = part.with_(weights=mine / mine.sum())
        return made

    def endless(self) -> float | None:
        """Return the size of a mux that opens members again: endless as soon as one is known to give anything.

        Members of weight 0 give nothing. Where a knob may take weights away, only an empty mux is known.
        """
        knob = isinstance(self.weights, Knob)
        weights = np.ones(len(self.streams)) if isinstance(self.weights, Knob) else self.weights
        sizes = [stream.size for stream, weight in zip(self.streams, weights.tolist(), strict=True) if weight]
        if not knob and any(sizes):
            return inf
        return 0 if all(size == 0 for size in sizes) else None


def normalised(weights: Any, who: str, n: int) -> Floats:
    """Return weights that add up to 1, as a new array.

    Raises
    ------
    StreamConfigError
        Unless there are ``n`` of them, none negative or not finite, and one positive.
    """
    if weights is None:
        return np.full(n, 1 / n)
    try:
        made = np.array(list(weights), dtype=float)
    except (TypeError, ValueError):
        raise StreamConfigError(f"{who} got weights {weights!r}, wanted {n} numbers.") from None
    if made.shape != (n,):
        raise StreamConfigError(f"{who} got {made.shape[0] if made.ndim else 0} weights for {n} members.")
    if not (np.isfinite(made).all() and (made >= 0).all() and made.any()):
        raise StreamConfigError(f"{who} got weights {weights!r}, wanted none negative and one positive.")
    with np.errstate(over="ignore"):
        total = made.sum()
    if not np.isfinite(total):
        made = made / made.max()
        total = made.sum()
    return made if abs(total - 1) < 1e-12 else made / total  # normalised before: the same to the bit


class Dial:
    """The weights of one run: fixed, or read from a knob, each change logged with the draw it came before.

    A resumed run goes on with the saved log, and with the knob when it is turned anew.
    """

    knob: Knob[Any] | None
    n: int
    who: str
    weights: Floats

    def __init__(self, weights: Floats | Knob[Any], n: int, who: str) -> None:
        self.knob = weights if isinstance(weights, Knob) else None
        self.n, self.who = n, who
        self.log: list[tuple[int, list[float]]] = []
        if self.knob is None:
            self.weights = weights if not isinstance(weights, Knob) else normalised(None, who, n)
        else:
            self._seen, value = self.knob.now()
            self._set(0, value)

    def _set(self, draw: int, value: Any) -> None:
        self.weights = normalised(value, self.who, self.n)
        self.log.append((draw, self.weights.tolist()))

    def turn(self, draw: int) -> bool:
        """Follow the knob; tell whether it has been turned since the last time. ``draw`` choices have been made."""
        if self.knob is None or self.knob.turns == self._seen:
            return False
        self._seen, value = self.knob.now()
        self._set(draw, value)
        return True

    def turned(self) -> bool:
        """Tell whether the knob waits to be followed."""
        return self.knob is not None and self.knob.turns != self._seen

    def watched(self, choices: Iterator[int]) -> Iterator[int]:
        """Yield choices until the knob is turned."""
        while not self.turned():
            choice = next(choices, None)
            if choice is None:
                return
            yield choice

    def save(self) -> list[list[Any]]:
        """Return the log as plain data."""
        return [list(entry) for entry in self.log]

    def load(self, saved: list[list[Any]]) -> None:
        """Take over a saved log."""
        self.log = [(draw, list(weights)) for draw, weights in saved]
        if self.log:
            self.weights = np.array(self.log[-1][1])


class MuxCursor(Cursor[T]):
    """A cursor over members; ``given`` counts what closed visits gave."""

    stream: Any

    def open_cursors(self) -> Iterator[tuple[int, Cursor[T]]]:
        """Yield (member, cursor) for every member that is open."""
        raise NotImplementedError

    def __init__(self, stream: Any, key: Any) -> None:
        super().__init__(stream, key)
        self.given: dict[int, int] = {}

    @property
    def counts(self) -> dict[Name, int]:
        """How many items each member has given since this cursor was opened or restored; those that gave none left out.

        Free while running: members count for themselves.
        """
        found = dict(self.given)
        for i, cursor in self.open_cursors():
            found[i] = found.get(i, 0) + cursor.count
        return {self.stream.names[i]: n for i, n in sorted(found.items()) if n}

    def label_of(self, cursor: Any) -> str | None:
        for i, mine in self.open_cursors():
            if mine is cursor:
                return f"[{self.stream.names[i]!r}]"
        return None

    def forget_counts(self) -> None:
        """Count from here on; for restored cursors."""
        self.given = {}
        for i, cursor in self.open_cursors():
            self.given[i] = self.given.get(i, 0) - cursor.count


def close_all(cursors: Iterable[Any]) -> None:
    """Close every one of some cursors or Bounds; raise the first error that closing them gave."""
    error: Exception | None = None
    for cursor in list(cursors):
        try:
            cursor.close()
        except Exception as raised:  # a user's own clean-up
            error = error or raised
    if error is not None:
        raise error


class DrawingCursor(MuxCursor[T]):
    """A cursor that makes its choices ahead, as a list; what is left of it says how many have been used."""

    _upto = 0  # the number of the choice behind those made ahead
    _ahead: Iterator[int | float] = iter(())

    @property
    def draws(self) -> int:
        """How many choices have been used."""
        return self._upto - length_hint(self._ahead)

    def back_to(self, draw: int) -> None:
        """Forget the choices made ahead; ``draw`` is the number of the next one."""
        self._upto, self._ahead = draw, iter(())

    def choose_ahead(self, choices: list[N]) -> Iterator[N]:
        """Return an iterator over the next choices (or what they are made from) that counts what is used of it."""
        ahead = iter(choices)
        self._upto, self._ahead = self.draws + len(choices), ahead
        return ahead


Step = Iterator[Any]
SPENT: Any = object()
