"""The tree a user holds: it remembers where it is, and lends its recipe to whatever is composed of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from secrets import randbits
from typing import TYPE_CHECKING, Any, SupportsIndex

import numpy as np

from headrace.core.key import Key, Seed, seed_integer
from headrace.errors import StreamConfigError
from headrace.trees.build import BranchingNode, LabelNode, spine_of
from headrace.trees.changes import CHANGES
from headrace.trees.counting import step_number
from headrace.trees.current import Current, Now
from headrace.trees.drawable import Drawable
from headrace.trees.drawn import Drawn
from headrace.trees.insight import Insight
from headrace.trees.links import owned
from headrace.trees.nodes import ClassLabelNode, Node
from headrace.trees.parameter import Parameter
from headrace.trees.paths import Paths, Way, Ways, along, open_branches
from headrace.trees.pickling import check_picklable
from headrace.trees.plan import Plan
from headrace.trees.recipe import Tree
from headrace.trees.store import ParameterStore, store_of
from headrace.trees.text import text_of, text_of_way

if TYPE_CHECKING:
    import pandas as pd


class SamplingTree(Drawn, Insight, Drawable):
    """Labelled samples from a tree of functions, whose distribution moves with time.

    A sample is made on a walk from the root to an end: functions change the running value, dicts choose a branch at
    random, strings add a class label. Parameters of the functions and of the choices move by :meth:`update`, by their
    schedules, or by schedules on the sample's number (:func:`headrace.trees.abrupt` and its kin).

    The tree itself remembers where it is: :meth:`sample`, :meth:`collect`, :meth:`read` and iteration go on from there.
    What is composed of it (``tree | op``, a member of a mux, ``tree[i]``) takes it as it is at that moment and moves
    nothing. Sample i depends on the tree, its seed and i alone.

    Parameters
    ----------
    nodes
        What to do, in order: see :func:`headrace.trees.construct_tree`. It is not changed.
    params
        Parameters of the nodes: a store, a dict, a DataFrame with a row for each update, or None.
    collate_func
        Applied by :meth:`collect` to each slot of all samples, as in ``numpy.array``.
    string_node
        Makes the nodes of bare strings.
    rng
        The seed; 42 by default, so that trees built alike draw alike. None takes one that no one has used before.
    strict
        Refuse parameters that no node uses; else they are warned of.

    Attributes
    ----------
    nodes : list of Node
        The nodes from the root on, up to the first branching and behind it.
    params : ParameterStore
        The parameters.
    position : int
        The number of the next sample.
    step : int
        How many updates it has seen.

    Raises
    ------
    StreamConfigError
        For what can be found wrong before the first sample; names the node and the parameter.

    Examples
    --------
    >>> import headrace as hr
    >>> from headrace.trees import SamplingTree
    >>> def noise(nothing, scale, *, rng):
    ...     return rng.normal(scale=scale, size=4)
    >>> def lift(signal, height):
    ...     return signal + height
    >>> tree = SamplingTree(
    ...     [noise, {"low": "low", "high": [lift, "high"]}],
    ...     {"scale": 0.1, "lift": {"height": {"value": 1.0, "schedule": [2.0, 3.0]}}},
    ... )
    >>> signal, label = tree.sample()
    >>> tree.update()
    >>> tree.params["lift.height"]
    height=2.0
    >>> X, y = tree.read(100)
    >>> X.shape, y.shape
    ((100, 4), (100,))
    >>> batches = tree | hr.batch(32)
    >>> bool((tree[123456][0] == tree[123456][0]).all())
    True
    """

    nodes: list[Node]
    params: ParameterStore
    collate_func: Callable[[Any], Any] | None
    string_node: LabelNode
    position: int

    def __init__(
        self,
        nodes: Any,
        params: ParameterStore | dict[str, Any] | pd.DataFrame | None = None,
        collate_func: Callable[[Any], Any] | None = None,
        string_node: LabelNode = ClassLabelNode,
        rng: Seed | None = 42,
        *,
        strict: bool = True,
    ) -> None:
        if collate_func is not None and not callable(collate_func):
            raise StreamConfigError(f"SamplingTree(collate_func=) got {collate_func!r}, wanted a function of a list.")
        self.nodes = owned(spine_of(nodes, string_node))
        self.params = store_of(params, strict=strict)
        self.collate_func = collate_func
        self.string_node = string_node
        self._seed = randbits(128) if rng is None else seed_integer(rng)
        self.position = 0
        self._current = Current(self.nodes, self.params, strict=strict)
        self._way: Way | None = None
        self._forget()

    def _forget(self) -> None:
        self._drawn = -1
        self._seen = -1  # when any parameter of anyone's had last changed, as the recipe has it
        self._known: tuple[Now, Tree, Sequence[Node]] | None = None
        self._run = None

    # --- what it is now -------------------------------------------------------------------------

    def __recipe__(self) -> Tree:
        """Return the frozen description of this tree with the parameters it has now."""
        known = self._known
        return known[1] if known is not None and self._seen == CHANGES.latest else self._now()[0]

    def _now(self) -> tuple[Tree, Sequence[Node]]:
        """Return the recipe, and the nodes that its entries are made of."""
        latest, now, known = CHANGES.latest, self._current.now(), self._known
        if known is None or known[0] is not now:
            made_of = now.made_of if self._way is None else [now.made_of[k] for k in self._way.entries]
            known = self._known = now, self._at(now.plan, now.step), made_of
        self._seen = latest  # last: another thread may look
        return known[1], known[2]

    def _at(self, plan: Plan, step: int) -> Tree:
        return Tree(plan if self._way is None else along(plan, self._way), step).seeded(self.seed)

    def with_values(self, values: Mapping[int, Any], step: int) -> Tree:
        """Return the recipe with other values of some parameters, by the parameters' ids; none of them moves."""
        return self._at(self._current.with_values(values), step)

    def at_step(self, step: SupportsIndex) -> Tree:
        """Return the recipe of this tree at a step; moves nothing.

        Raises
        ------
        StreamConfigError
            When it is no whole number.
        ParameterOutOfRangeError
            Behind the last value of a schedule whose strategy says so.

        Examples
        --------
        >>> from headrace.trees import SamplingTree
        >>> tree = SamplingTree([lambda _, x: x], {"x": {"schedule": [1, 2, 3]}})
        >>> tree.at_step(2)[0], tree.sample()
        (3, 1)
        """
        to = step_number("at_step(step)", step)
        with self._current.turn:
            return self.with_values({id(p): p.value_at(to) for p in self._current.used()}, to)

    @property
    def rng(self) -> np.random.Generator:
        """A generator of the tree's own, the same each time: what it draws with is addressed by node and sample."""
        return Key(self.seed).rng()

    @rng.setter
    def rng(self, seed: Seed) -> None:
        self.seed = seed

    @property
    def seed(self) -> int:
        """The root of all its random numbers. Setting it leaves the tree where it is."""
        return self._seed

    @seed.setter
    def seed(self, seed: Seed) -> None:
        with self._current.turn:
            self._seed = seed_integer(seed)
            self._forget()

    # --- time -----------------------------------------------------------------------------------

    def update(self) -> None:
        """Move every parameter one step on, each once however many nodes share it; none of them where one cannot.

        Raises
        ------
        ParameterOutOfRangeError
            Behind the last value of a schedule whose strategy says so.
        """
        with self._current.turn:
            self._current.move(None)

    def set_update_step(self, idx: SupportsIndex) -> None:
        """Move every parameter to a step, counted from its first value; a step below 0 counts as 0.

        Raises
        ------
        StreamConfigError
            When it is no whole number.
        ParameterOutOfRangeError
            Behind the last value of a schedule whose strategy says so.
        """
        step = step_number("set_update_step(idx)", idx)
        with self._current.turn:
            self._current.move(step)

    def reset(self) -> None:
        """Go back to the first sample and the first step."""
        with self._current.turn:
            self.seek(0)
            self.set_update_step(0)

    @property
    def step(self) -> int:
        """How many updates its parameters have seen: the most of any, where they were moved one by one."""
        return self._current.step_of(self._current.used())

    def parameters(self) -> list[Parameter]:
        """Return the parameters that move with an update: those of its nodes and of its store, each once."""
        return self._current.parameters()

    def get_params(self) -> ParameterStore | None:
        """Return the parameters of all nodes, ``node.parameter``, the very objects; None where there are none."""
        return self._current.get_params()

    # --- ways -----------------------------------------------------------------------------------

    @property
    def root(self) -> Node:
        """The first node."""
        return self._current.spine[0]

    def get_paths(self, prune: bool = False) -> Sequence[SamplingTree]:
        """Return a tree without branches for every way through this one, each made when looked at.

        Parameters
        ----------
        prune
            Leave out ways that have a probability of 0 now.
        """
        return Paths(self, self._ways(prune=prune))

    def _ways(self, *, prune: bool) -> Ways:
        plan = self.__recipe__().plan
        return Ways(plan, open_branches(plan, self.position) if prune else None)

    def of_way(self, way: Way) -> SamplingTree:
        """Return the tree without branches that is one way through this one; it shares the nodes and parameters."""
        made_of = self._now()[1]
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twin._way = self._way or way  # a way through a way is that way
        twin.position = 0
        twin.nodes = [made_of[k] for k in way.entries if not isinstance(made_of[k], BranchingNode)]
        twin._forget()
        return twin

    # --- as a value -----------------------------------------------------------------------------

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        check_picklable(
            self, self.__recipe__().plan, {"collate_func": self.collate_func, "string_node": self.string_node}
        )
        return super().__reduce_ex__(protocol)

    def __getstate__(self) -> dict[str, Any]:
        return {
            name: value for name, value in self.__dict__.items() if name not in ("_seen", "_drawn", "_known", "_run")
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._forget()

    def __str__(self) -> str:
        tree, nodes = self._now()
        return text_of(tree.plan, nodes) if self._way is None else text_of_way(nodes)

    def __repr__(self) -> str:
        return f"SamplingTree({self.__recipe__().plan!r}, step={self.step}, position={self.position}, seed={self.seed})"
