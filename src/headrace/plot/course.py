"""What the parameters of a tree are at each place of one of its two clocks, and the samples there; nothing moves."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.core.checks import whole_number
from headrace.errors import ParameterOutOfRangeError, StreamConfigError
from headrace.plot.curves import last_change, means
from headrace.plot.previews import items_of
from headrace.trees.drift import Drift, drifts_of
from headrace.trees.parameter import Parameter
from headrace.trees.schedule import Schedule
from headrace.trees.store import ParameterStore
from headrace.trees.tree import SamplingTree

_PLACES = 201  # at most: so many positions of a slider can be told apart
_STEPS = 10_000  # whose drifts are looked for, one by one
_BEHIND = "behind its schedule"


class Course:
    """A tree, or a store, along its steps or its samples.

    Parameters
    ----------
    source
        The tree or store.
    until
        The last step or sample; by default a little behind the last change.
    clock
        ``"step"`` or ``"sample"``; by default that by which something moves, steps where both do.

    Attributes
    ----------
    places : list of int
        Steps or sample numbers.
    names : list of str
        The parameters by full name, those that move first.
    moving : int
        How many move by this clock.

    Raises
    ------
    StreamConfigError
        For another source or clock, or without parameters.
    """

    places: list[int]
    names: list[str]

    def __init__(self, source: Any, until: int | None = None, clock: str | None = None) -> None:
        if isinstance(source, SamplingTree):
            store = source.get_params()
        elif isinstance(source, ParameterStore):
            store = source
        else:
            raise StreamConfigError(
                f"explore got {source!r}, wanted a SamplingTree or a ParameterStore.\n"
                "  SamplingTree([...]) makes the one, ParameterStore({...}) the other."
            )
        if clock not in (None, "step", "sample"):
            raise StreamConfigError(
                f"explore(clock=) got {clock!r}, wanted 'step' or 'sample': by which the slider goes.\n"
                "  Leave it out for that by which something moves."
            )
        if until is not None:
            until = whole_number("explore", until, 1, name="until", things="steps or samples")
        named = [] if store is None else list(store.named())
        if not named:
            raise StreamConfigError(
                "explore got no parameters, wanted at least one.\n  Give the tree some, as in SamplingTree([...], {'offset': 0.0})."
            )
        by_step = any(parameter.row is not None for _, parameter in named)
        by_sample = any(isinstance(parameter.value, Schedule) for _, parameter in named)
        self.clock: str = clock or ("step" if by_step or not by_sample else "sample")
        self.tree: SamplingTree | None = source if isinstance(source, SamplingTree) else None
        named.sort(key=lambda pair: not self._moves(pair[1]))  # stable: the order of the tree otherwise
        self.parameters: list[Parameter] = [parameter for _, parameter in named]
        self.names = [name for name, _ in named]
        self.moving: int = sum(map(self._moves, self.parameters))
        end = self._end() if until is None else until
        self.places = np.unique(np.linspace(0, end, min(end + 1, _PLACES)).astype(int)).tolist()
        self.drifts: list[Drift] = self._drifts(end)

    def _moves(self, parameter: Parameter) -> bool:
        return parameter.row is not None if self.clock == "step" else isinstance(parameter.value, Schedule)

    def _end(self) -> int:
        moving = self.parameters[: self.moving]
        if self.clock == "sample":
            return max((last_change(parameter.value) for parameter in moving), default=10)
        ends = [10 if row.length is None else row.length for p in moving if (row := p.row) is not None]
        return min(max([*ends, 1]), _STEPS)

    def _drifts(self, end: int) -> list[Drift]:
        if self.tree is None:
            return []
        found = drifts_of(self.tree, end + 1, 0) if self.clock == "sample" else drifts_of(self.tree, 0, end)
        return [drift for drift in found if drift.centre <= end]

    def values(self, name: str) -> list[Any]:
        """Return a parameter's value at each place."""
        parameter = self.parameters[self.names.index(name)]
        return [self._value(parameter, place) for place in self.places]

    def curve(self, name: str) -> list[Any]:
        """Return what is drawn at each place: a parameter's value, the mean of many samples in a hand-over."""
        value = self.parameters[self.names.index(name)].value
        if self.clock == "sample" and isinstance(value, Schedule):
            return means(value, self.places)
        return self.values(name)

    def _value(self, parameter: Parameter, place: int) -> Any:
        if self.clock == "sample":
            value = parameter.value
            return value.at(place) if isinstance(value, Schedule) else value
        if place == parameter.step or parameter.row is None:
            return parameter.value
        try:
            return parameter.value_at(place)
        except ParameterOutOfRangeError:
            return _BEHIND

    def samples(self, index: int, n: int) -> list[Any]:
        """Return ``n`` samples as they are at a place; none for a store, or behind the end of a schedule."""
        tree = self.tree
        if tree is None or not n:
            return []
        place = self.places[index]
        recipe, first = tree.__recipe__(), place
        if self.clock == "step":
            values = {id(p): self._value(p, place) for p in self.parameters}
            if any(value is _BEHIND for value in values.values()):
                return []
            recipe, first = tree.with_values(values, place), tree.position
        return items_of(recipe, first, n)
