"""The tree a user holds: it remembers where it is, and lends its recipe to whatever is composed of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from secrets import randbits
from typing import TYPE_CHECKING, Any, Self, SupportsIndex

import numpy as np

from headrace.core.items import stack
from headrace.core.key import Key, Seed, seed_integer
from headrace.errors import StreamConfigError
from headrace.trees.build import BranchingNode, LabelNode, spine_of
from headrace.trees.check import check_tree
from headrace.trees.collect import SamplingStrategy, SamplingStrategyLit, collated, strategy_of, whole
from headrace.trees.drawable import Drawable
from headrace.trees.insight import Insight
from headrace.trees.links import everything, owned, relink
from headrace.trees.nodes import ClassLabelNode, Node
from headrace.trees.parameter import CHANGES, Parameter, move, step_number
from headrace.trees.paths import Paths, Way, Ways, along
from headrace.trees.plan import Plan, moved_plan, plan_of, titles_of
from headrace.trees.recipe import Tree
from headrace.trees.run import Run
from headrace.trees.steps import Branch, steps_of
from headrace.trees.store import ParameterStore, store_of
from headrace.trees.text import text_of

if TYPE_CHECKING:
    import pandas as pd


class SamplingTree(Insight, Drawable):
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
        self.params = store_of(params)
        self.collate_func = collate_func
        self.string_node = string_node
        self._seed = randbits(128) if rng is None else seed_integer(rng)
        self._strict = strict
        self.position = self._updates = 0  # where there are no parameters to count them
        self._spine = self.nodes
        relink(self._spine)
        self._way: Way | None = None
        self._fetch()
        for node in everything(self._spine):
            node.taken = True
        self._forget()

    def _fetch(self) -> None:
        for node in self._spine:
            node.fetch_params(self.params)
        check_tree(self._spine, self.params, strict=self._strict)

    def _forget(self) -> None:
        self._titles: dict[int, str] | None = None
        self._everything: list[Node] | None = None
        self._nodes = CHANGES.nodes  # when any node of anyone's had last changed, likewise
        self._seen = -1  # when any parameter of anyone's had last changed, as the recipe has it
        self._stamp: dict[Parameter, int] = {}  # when each of its own had
        self._known: tuple[Tree, Sequence[Node]] | None = None
        self._run: Run | None = None

    # --- as a stream: the recipe, as it is now --------------------------------------------------

    def __recipe__(self) -> Tree:
        """Return the frozen description of this tree with the parameters it has now."""
        known = self._known
        return known[0] if known is not None and self._seen == CHANGES.latest else self._now()[0]

    def _now(self) -> tuple[Tree, Sequence[Node]]:
        """Return the recipe, and the nodes that its entries are made of."""
        known, latest = self._known, CHANGES.latest
        if known is not None and self._seen == latest:
            return known
        nodes = CHANGES.nodes
        if nodes != self._nodes:
            self._fetch()  # another function may take other parameters
            known, self._titles, self._nodes = None, None, nodes
        stamp = {parameter: parameter.changed for parameter in self._used()}
        step, before = self._step_of(stamp), self._stamp
        if known is not None and stamp == before:
            if known[0].step != step:
                self._known = known = known[0].with_(step=step), known[1]
        elif known is not None and self._way is None and stamp.keys() == before.keys():  # as from update to update
            plan = moved_plan(known[0].plan, known[1], {p for p, changed in stamp.items() if changed != before[p]})
            self._known, self._stamp, self._run = (Tree(plan, step).seeded(self.seed), known[1]), stamp, None
            known = self._known
        else:
            if self._titles is None:
                self._titles = titles_of(self._spine)
            plan, made_of = plan_of(self._spine, self._titles)
            if self._way is not None:
                plan, made_of = along(plan, self._way), [made_of[k] for k in self._way.entries]
            known = Tree(plan, step).seeded(self.seed), made_of
            self._known, self._stamp, self._run = known, stamp, None
        self._seen = latest  # last: another thread may look
        return known

    def with_values(self, values: dict[int, Any], step: int) -> Tree:
        """Return the recipe with other values of some parameters, by the parameters' ids; none of them moves."""
        plan, _ = plan_of(self._spine, self._titles or titles_of(self._spine), values)
        return Tree(plan if self._way is None else along(plan, self._way), step).seeded(self.seed)

    def at_step(self, step: SupportsIndex) -> Tree:
        """Return the recipe of this tree at a step; moves nothing.

        Raises
        ------
        StreamConfigError
            When it is no whole number.
        ParameterOutOfRangeError
            Behind the last value of a schedule whose strategy says so.
        """
        to = step_number("at_step(step)", step)
        return self.with_values({id(p): p.value_at(to) for p in self._used()}, to)

    # --- drawing for itself ---------------------------------------------------------------------

    def sample(self) -> Any:
        """Return the next sample: the last value, with its labels.

        An exception of a function passes through and names the node; the next call tries the same sample again.
        """
        run = self._run
        if run is None or self._seen != CHANGES.latest or run.next != self.position:
            run = self._runs()
        try:
            item = run.one() if run.buffered else next(run.items)
        except BaseException as error:
            run.failed(error)
            raise
        self.position += 1
        return item

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        return self.sample()

    def read(self, n: SupportsIndex, *, records: bool = False) -> Any:
        """Return the next ``n`` samples as columns; with their records if wanted.

        Parameters
        ----------
        n
            How many.
        records
            Return ``(columns, records)``: what each sample was made with, see :class:`headrace.trees.Records`.

        Raises
        ------
        DataError
            When the samples do not stack. They are not lost: :meth:`collect` still gives them.
        """
        at = range(self.position, self.position + whole("read", n))
        columns = stack([]) if not n else self._runs().columns(at)
        self.position = at.stop
        if not records:
            return columns
        from headrace.trees.record import Records  # which is rarely wanted

        return columns, Records(self.__recipe__(), at)

    def collect(
        self, num_samples: SupportsIndex, strategy: SamplingStrategyLit | SamplingStrategy = "stochastic"
    ) -> Any:
        """Return the next samples as a list, or as ``collate_func`` arranges them.

        Parameters
        ----------
        num_samples
            How many; with the balanced strategies, how many for each way through the tree.
        strategy
            ``"stochastic"``: as they come. ``"balanced"``: so many for each way, in the order of the branches.
            ``"balanced pruned"``: the same without ways that have a probability of 0 now.

        Raises
        ------
        StreamConfigError
            For another strategy, or a number below 0.
        """
        kind, n = strategy_of(strategy), whole("collect", num_samples)
        if kind is SamplingStrategy.STOCHASTIC:
            samples = self._tried(self._runs(), partial(Run.take, n=n))
        else:
            samples = self._balanced(self._ways(prune=kind is SamplingStrategy.BALANCED_PRUNED), n)
        self.position += len(samples)
        return collated(samples, self.collate_func)

    def _balanced(self, ways: Ways, n: int) -> list[Any]:
        """Return ``n`` samples of each way; ways take turns where something moves with the sample's number."""
        (tree, made_of), k, first, samples = self._now(), ways.total, self.position, []
        whole("collect", k * n)
        for turn, way in enumerate(ways):
            at = range(first + turn * n, first + (turn + 1) * n)
            if tree.moves:
                at = range(first + turn, first + k * n, k)
            part = Tree(along(tree.plan, way), self.step).seeded(self.seed)
            run = Run(part, [made_of[entry] for entry in way.entries], self.seed, first)
            samples += self._tried(run, partial(Run.take_at, at=at))
        self._run = None
        return samples

    def _tried(self, run: Run, act: Callable[[Run], list[Any]]) -> list[Any]:
        """Return what a run gives; all or nothing, so that an exception loses no sample."""
        try:
            return act(run)
        except BaseException as error:
            run.failed(error)
            raise

    def skip(self, n: SupportsIndex = 1) -> int:
        """Pass the next ``n`` samples without making them; return how many.

        Raises
        ------
        StreamConfigError
            When it is no number of samples.
        """
        before = self.position
        return self.seek(before + whole("skip", n)) - before

    def seek(self, position: SupportsIndex) -> int:
        """Go to the sample with a number, forth or back; return it.

        Raises
        ------
        StreamConfigError
            When there is no sample of that number.
        """
        self.position = whole("seek", position)
        self._run = None
        return self.position

    def reset(self) -> None:
        """Go back to the first sample and the first step."""
        self.seek(0)
        self.set_update_step(0)

    def _runs(self) -> Run:
        """Return the run under way, a new one where parameters have changed or the last one ended."""
        tree, made_of = self._now()
        if self._run is None or self._run.next != self.position:
            self._run = Run(tree, made_of, self.seed, self.position)
        return self._run

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
        self._seed = seed_integer(seed)
        self._known = self._run = None
        self._seen = -1

    # --- time -----------------------------------------------------------------------------------

    def update(self) -> None:
        """Move every parameter one step on, each once however many nodes share it; none of them where one cannot.

        Raises
        ------
        ParameterOutOfRangeError
            Behind the last value of a schedule whose strategy says so.
        """
        self._move(None)

    def set_update_step(self, idx: SupportsIndex) -> None:
        """Move every parameter to a step, counted from its first value; a step below 0 counts as 0.

        Raises
        ------
        StreamConfigError
            When it is no whole number.
        ParameterOutOfRangeError
            Behind the last value of a schedule whose strategy says so.
        """
        self._move(step_number("set_update_step(idx)", idx))

    def _move(self, step: int | None) -> None:
        move(self._parameters(), step)
        self._updates = self._updates + 1 if step is None else step
        self._seen = -1

    @property
    def step(self) -> int:
        """How many updates its parameters have seen: the most of any, where they were moved one by one."""
        return self._step_of(self._used())

    def _used(self) -> list[Parameter]:
        """Return the parameters that its nodes read now, each once."""
        if self._everything is None:
            self._everything = everything(self._spine)
        return list(dict.fromkeys(parameter for node in self._everything for parameter in node.own_parameters()))

    def _step_of(self, used: Iterable[Parameter]) -> int:
        return max((parameter.step for parameter in (*used, *self.params.each())), default=self._updates)

    def _parameters(self) -> list[Parameter]:
        return list(dict.fromkeys([*self._used(), *self.params.each()]))

    def get_params(self) -> ParameterStore | None:
        """Return the parameters of all nodes, ``node.parameter``, the very objects; None where there are none."""
        titles = self._titles or titles_of(self._spine)
        store = ParameterStore()
        for node in everything(self._spine):
            if node.own_parameters():
                own = dict(node.named_parameters())
                store.parameters.setdefault(titles[id(node)], {}).update(own)
        return store if store.parameters else None

    # --- ways -----------------------------------------------------------------------------------

    @property
    def root(self) -> Node:
        """The first node."""
        return self._spine[0]

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
        return Ways(plan, self._open_branches(plan) if prune else None)

    def _open_branches(self, plan: Plan) -> dict[int, list[int]]:
        u = np.linspace(0, np.nextafter(1, 0), 257)  # in a gradual change, samples of one place are of several concepts
        at = np.full(len(u), self.position)
        found = {}
        for step in steps_of(plan):
            if isinstance(step, Branch):
                rows = slice(None) if step.table.schedule is not None and step.table.schedule.ahead else slice(1)
                chances = step.table.probabilities(at[rows], u[rows])
                found[step.place] = np.flatnonzero((chances > 0).any(axis=0)).tolist()
        return found

    def of_way(self, way: Way) -> SamplingTree:
        """Return the tree without branches that is one way through this one; it shares the nodes and parameters."""
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twin._way = self._way or way  # a way through a way is that way
        twin.position = 0
        made_of = self._now()[1]
        twin.nodes = [made_of[k] for k in way.entries if not isinstance(made_of[k], BranchingNode)]
        twin._forget()
        return twin

    # --- as a value -----------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        return {
            k: v
            for k, v in self.__dict__.items()
            if k not in ("_titles", "_everything", "_nodes", "_seen", "_stamp", "_known", "_run")
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._forget()
        relink(self._spine)

    def __str__(self) -> str:
        tree, nodes = self._now()
        if self._way is not None:  # a way has no branchings to show
            steps = [k for k, node in enumerate(nodes) if not isinstance(node, BranchingNode)]
            entries = [{"next": n + 1 if n + 1 < len(steps) else None} for n in range(len(steps))]
            return text_of(Plan(entries), [nodes[k] for k in steps])
        return text_of(tree.plan, nodes)

    def __repr__(self) -> str:
        return f"SamplingTree({self.__recipe__().plan!r}, step={self.step}, position={self.position}, seed={self.seed})"
