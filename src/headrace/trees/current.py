"""What a tree is now: its plan with the values its parameters have, made anew when one of them or a node has changed.

A tree and the ways through it share one: they have the same nodes, parameters and clock.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from threading import RLock
from typing import Any, NamedTuple

from headrace.core.alive import Alive
from headrace.trees.changes import CHANGES, TICKS
from headrace.trees.check import check_tree
from headrace.trees.links import everything, relink
from headrace.trees.node import Node
from headrace.trees.parameter import Parameter, move
from headrace.trees.plan import Plan, moved_plan, plan_of, titles_of
from headrace.trees.store import ParameterStore

_PASSING = ("turn", "_renewing", "_titles", "_everything", "_nodes", "_stamp", "_known", "_seen")


class Now(NamedTuple):
    """A tree at one moment: its plan, how many updates have led there, and the node that each entry is made of."""

    plan: Plan
    step: int
    made_of: Sequence[Node]


class Current:
    """The nodes and parameters of a tree, and the plan of what they are now.

    Parameters
    ----------
    spine
        Its nodes, which no other tree has.
    params
        Its parameters.
    strict
        Whether parameters that no node uses are refused.

    Attributes
    ----------
    turn : RLock
        Held by who draws from the tree or moves it.

    Raises
    ------
    StreamConfigError
        For what can be found wrong before the first sample.
    """

    def __init__(self, spine: list[Node], params: ParameterStore, *, strict: bool) -> None:
        self.spine: list[Node] = spine
        self.params: ParameterStore = params
        self.strict: bool = strict
        self.updates: int = 0  # where there are no parameters to count them
        relink(spine)
        self._fetch()
        for node in everything(spine):
            node.taken = True
        self._forget()

    def _fetch(self) -> None:
        for node in self.spine:
            node.fetch_params(self.params)
        check_tree(self.spine, self.params, strict=self.strict)

    def _forget(self) -> None:
        self._titles: dict[int, str] | None = None
        self._everything: list[Node] | None = None
        self._nodes = CHANGES.nodes  # when any node of anyone's had last changed
        self._stamp: dict[Parameter, int] = {}  # when each of its own parameters had
        self._known: Now | None = None
        self._seen = -1  # when any parameter of anyone's had, as the plan has it
        self.locked()

    def locked(self) -> None:
        """Take locks that nobody holds: in a process that was forked, another thread may have had them for ever."""
        self.turn: Any = RLock()
        self._renewing = RLock()  # apart: held for a moment only, while none of the tree's functions runs
        _ALL.add(self)

    def now(self) -> Now:
        """Return what the tree is now: the very same until something of it changes."""
        known = self._known
        if known is not None and self._seen == CHANGES.latest:
            return known
        with self._renewing:
            return self._renewed(CHANGES.latest)

    def _renewed(self, latest: int) -> Now:
        known, nodes = self._known, CHANGES.nodes
        if nodes != self._nodes:
            self._fetch()  # another function may take other parameters
            known, self._titles, self._nodes = None, None, nodes
        stamp = {parameter: parameter.changed for parameter in self.used()}
        step, before = self.step_of(stamp), self._stamp
        if known is not None and stamp == before:
            if known.step != step:
                known = known._replace(step=step)
        elif known is not None and stamp.keys() == before.keys():  # as from update to update
            changed = {parameter for parameter, tick in stamp.items() if tick != before[parameter]}
            known = Now(moved_plan(known.plan, known.made_of, changed), step, known.made_of)
        else:
            plan, made_of = plan_of(self.spine, self.titles())
            known = Now(plan, step, made_of)
        self._known, self._stamp = known, stamp
        self._seen = latest  # last: another thread may look
        return known

    def with_values(self, values: Mapping[int, Any]) -> Plan:
        """Return the plan with other values of some parameters, by the parameters' ids."""
        return plan_of(self.spine, self.titles(), values)[0]

    def titles(self) -> dict[int, str]:
        """Return a unique name for each node, by its id."""
        known = self._titles
        if known is None:
            known = self._titles = titles_of(self.spine)
        return known

    # --- parameters -----------------------------------------------------------------------------

    def used(self) -> list[Parameter]:
        """Return the parameters that its nodes read now, each once."""
        if self._everything is None:
            self._everything = everything(self.spine)
        return list(dict.fromkeys(parameter for node in self._everything for parameter in node.own_parameters()))

    def parameters(self) -> list[Parameter]:
        """Return those, and the parameters that no node reads."""
        return list(dict.fromkeys([*self.used(), *self.params.each()]))

    def step_of(self, used: Iterable[Parameter]) -> int:
        """Return the most updates that any parameter has seen."""
        return max((parameter.step for parameter in (*used, *self.params.each())), default=self.updates)

    def move(self, step: int | None) -> None:
        """Move all parameters one step on, or to a step: all, or none where one cannot."""
        move(self.parameters(), step)
        self.updates = self.updates + 1 if step is None else step
        CHANGES.latest = next(TICKS)  # where there are no parameters, the step has changed all the same

    def get_params(self) -> ParameterStore | None:
        """Return the parameters of all nodes, the very objects; None where there are none."""
        store = ParameterStore()
        for node in everything(self.spine):
            if node.own_parameters():
                own = dict(node.named_parameters())
                store.parameters.setdefault(self.titles()[id(node)], {}).update(own)
        return store if store.parameters else None

    # --- as a value -----------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in _PASSING}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._forget()
        relink(self.spine)


_ALL: Alive[Current] = Alive()


def _after_fork() -> None:
    for current in list(_ALL):
        current.locked()
    CHANGES.latest = next(TICKS)  # so that every tree looks whether its run is that of a thread which is not here


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
