"""The tree a user holds: it remembers where it is, and lends its recipe to whatever is composed of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from secrets import randbits
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from headrace.core.cursor import Cursor, State
from headrace.core.items import stack
from headrace.core.key import Key, Seed, seed_integer
from headrace.core.op import Op
from headrace.core.stream import Stream
from headrace.errors import StreamConfigError
from headrace.trees.build import BranchingNode, LabelNode, construct_tree, everything, link, parameters_of
from headrace.trees.check import check_tree
from headrace.trees.collect import SamplingStrategy, SamplingStrategyLit, collated, strategy_of
from headrace.trees.nodes import ClassLabelNode, Node
from headrace.trees.parameter import Parameter
from headrace.trees.paths import Way, Ways, along
from headrace.trees.plan import Plan, plan_of, titles_of
from headrace.trees.recipe import Tree
from headrace.trees.run import Run
from headrace.trees.steps import CONCEPT, Branch, Draws, steps_of
from headrace.trees.store import ParameterStore, store_of
from headrace.trees.text import text_of

if TYPE_CHECKING:
    import pandas as pd

    from headrace.trees.experience import Experience
    from headrace.trees.record import Record


class SamplingTree:
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
    seed: int
    position: int
    step: int

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
        self.nodes = construct_tree(nodes, string_node)
        self.params = store_of(params)
        self.collate_func = collate_func
        self.string_node = string_node
        self.seed = randbits(128) if rng is None else seed_integer(rng)
        self.position = self.step = 0
        self._spine = self.nodes
        self._way: Way | None = None
        for node in self._spine:
            node.fetch_params(self.params)
        check_tree(self._spine, self.params, strict=strict)
        self._forget()

    def _forget(self) -> None:
        self._titles: dict[int, str] | None = None
        self._seen = -1  # when parameters had last changed, as the recipe has it
        self._known: tuple[Tree, Sequence[Node]] | None = None
        self._run: Run | None = None

    # --- as a stream: the recipe, as it is now --------------------------------------------------

    def __recipe__(self) -> Tree:
        """Return the frozen description of this tree with the parameters it has now."""
        return self._now()[0]

    def _now(self) -> tuple[Tree, Sequence[Node]]:
        """Return the recipe, and the nodes that its entries are made of."""
        known = self._known
        if known is None or self._seen != Parameter.latest:
            if self._titles is None:
                self._titles = titles_of(self._spine)
            self._seen = Parameter.latest
            plan, made_of = plan_of(self._spine, self._titles)
            if self._way is not None:
                plan, made_of = along(plan, self._way), [made_of[k] for k in self._way.entries]
            tree: Tree = Tree(plan, self.step).seeded(self.seed)
            if known is None or tree != known[0]:
                known = self._known = tree, made_of
                self._run = None
        return known

    def _with_values(self, values: dict[int, Any], step: int) -> Tree:
        """Return the recipe with other values of some parameters, by their ids; none of them moves."""
        plan, _ = plan_of(self._spine, self._titles or titles_of(self._spine), values)
        return Tree(plan if self._way is None else along(plan, self._way), step).seeded(self.seed)

    def __or__(self, op: Op[Any, Any]) -> Stream[Any]:
        """Return the stream of this tree, as it is now, changed by ``op``: ``tree | hr.batch(32)``."""
        return self.__recipe__() | op

    def open(self, key: Key | None = None, at: State | int | None = None) -> Cursor[Any]:
        """Start a pass over the stream of this tree, as it is now."""
        return self.__recipe__().open(key, at)

    def shard(self, i: int, n: int) -> Stream[Any]:
        """Return part ``i`` of ``n`` of the stream of this tree: samples i, i + n, i + 2 n, ..."""
        return self.__recipe__().shard(i, n)

    def seeded(self, seed: Seed) -> Tree:
        """Return the stream of this tree with another seed."""
        return self.__recipe__().seeded(seed)

    def block(self, key: Key | None, lo: int, hi: int) -> Any:
        """Return samples ``lo`` to ``hi`` as columns; None for this tree's own seed."""
        return self.__recipe__().block(key, lo, hi)

    def __getitem__(self, index: Any) -> Any:
        """Return the sample with a number, or the columns of a slice or of several numbers. Moves nothing."""
        return self.__recipe__()[index]

    @property
    def fingerprint(self) -> str:
        """Sixteen hex digits that equal trees share."""
        return self.__recipe__().fingerprint

    @property
    def size(self) -> float:
        """Endless: ``math.inf``."""
        return inf

    # --- drawing for itself ---------------------------------------------------------------------

    def sample(self) -> Any:
        """Return the next sample: the last value, with its labels.

        An exception of a function passes through and names the node; the next call tries the same sample again.
        """
        run = self._run
        if run is None or self._seen != Parameter.latest or run.next != self.position:
            run = self._runs()
        try:
            item = next(run.items)
        except BaseException as error:
            run.failed(error, self.position)
            raise
        self.position += 1
        return item

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        return self.sample()

    def read(self, n: int, *, records: bool = False) -> Any:
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
        at = range(self.position, self.position + _whole("read", n))
        columns = stack([]) if not n else self._runs().columns(at)
        self.position = at.stop
        if not records:
            return columns
        from headrace.trees.record import Records  # which is rarely wanted

        return columns, Records(self.__recipe__(), at)

    def collect(self, num_samples: int, strategy: SamplingStrategyLit | SamplingStrategy = "stochastic") -> Any:
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
        kind, n = strategy_of(strategy), _whole("collect", num_samples)
        if kind is SamplingStrategy.STOCHASTIC:
            samples = self._take(self._runs(), n)
        else:
            samples = []
            tree, made_of = self._now()
            for way in self._ways(prune=kind is SamplingStrategy.BALANCED_PRUNED):
                part = Tree(along(tree.plan, way), self.step).seeded(self.seed)
                samples += self._take(Run(part, [made_of[k] for k in way.entries], self.seed, self.position), n)
            self._run = None
        return collated(samples, self.collate_func)

    def _take(self, run: Run, n: int) -> list[Any]:
        """Return ``n`` samples of a run; all or none, so that an exception loses none."""
        try:
            samples = run.take(n)
        except BaseException as error:
            run.failed(error, self.position)
            raise
        self.position += n
        return samples

    def skip(self, n: int = 1) -> int:
        """Pass the next ``n`` samples without making them; return ``n``."""
        return self.seek(self.position + _whole("skip", n)) and n

    def seek(self, position: int) -> int:
        """Go to the sample with a number, forth or back; return it."""
        self.position = _whole("seek", position)
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

    # --- time -----------------------------------------------------------------------------------

    def update(self) -> None:
        """Move every parameter one step on, each once however many nodes share it."""
        for parameter in self._parameters():
            parameter.update()
        self._stepped(self.step + 1)

    def set_update_step(self, idx: int) -> None:
        """Move every parameter to a step, counted from its first value."""
        for parameter in self._parameters():
            parameter[idx]
        self._stepped(max(0, int(idx)))

    def _stepped(self, step: int) -> None:
        self.step = step
        self._seen = -1

    def _parameters(self) -> list[Parameter]:
        shared = [parameter for _, parameter in self.params.named()]
        return list(dict.fromkeys([*parameters_of(self._spine), *shared]))

    def get_params(self) -> ParameterStore | None:
        """Return the parameters of all nodes, ``node.parameter``, the very objects; None where there are none."""
        titles = self._titles or titles_of(self._spine)
        store = ParameterStore()
        for node in everything(self._spine):
            if node.own_parameters():
                own = {parameter.name: parameter for parameter in node.own_parameters()}
                store.parameters.setdefault(titles[id(node)], {}).update(own)
        return store if store.parameters else None

    def drifts(self, until: float | None = None, steps: int | None = None) -> pd.DataFrame:
        """Return every change of every parameter, a row each: the ground truth of the drift.

        Columns are ``parameter``, ``kind`` (``covariate`` for nodes that all samples pass, ``prior`` for probabilities
        of branches, ``concept`` for nodes in a branch), ``clock`` (``sample`` or ``step``), ``shape``, ``start``,
        ``centre``, ``end``, ``magnitude``, ``before`` and ``after``.

        Parameters
        ----------
        until
            Changes that begin before this sample; needed where a schedule goes on for ever.
        steps
            Changes up to this step; needed where a schedule by steps goes on for ever.
        """
        from headrace.trees.drift import drift_table

        return drift_table(self, until, steps)

    def concepts(self, lo: int, hi: int) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Return the concept that each of samples ``lo`` to ``hi`` is of: a number for every state of the schedules.

        Samples of one number come from one distribution, as far as the schedules by sample number tell; a state that
        comes back has its number again.
        """
        from headrace.trees.drift import concepts_of

        return concepts_of(self.__recipe__(), np.arange(lo, hi, dtype=np.int64))

    def experiences(self, n: int, size: int, *, test: int = 0) -> list[Experience]:
        """Return ``n`` tasks of ``size`` samples each, one update apart; moves nothing.

        Parameters
        ----------
        n
            How many tasks.
        size
            How many samples to learn from in each.
        test
            How many more to test on, no sample of any task.
        """
        from headrace.trees.experience import experiences_of

        return experiences_of(self, n, size, test)

    def explain(self, i: int) -> Record:
        """Return what sample ``i`` is made with: its way, parameters, probabilities, key. Moves nothing."""
        from headrace.trees.record import Records

        found: Record = Records(self.__recipe__(), range(i, i + 1))[0]
        return found

    def rebuild(self, record: Record) -> Any:
        """Return the sample of a record, whatever the parameters of this tree are now: only its functions are used."""
        from headrace.trees.record import rebuilt

        return rebuilt(self.__recipe__(), record)

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
        return _Paths(self, self._ways(prune=prune))

    def _ways(self, *, prune: bool) -> Ways:
        plan = self.__recipe__().plan
        return Ways(plan, self._open_branches(plan) if prune else None)

    def _open_branches(self, plan: Plan) -> dict[int, list[int]]:
        steps, at = steps_of(plan), np.array([self.position])
        draws = Draws(Key(self.seed), len(steps))
        found = {}
        for step in steps:
            if isinstance(step, Branch):
                chances = step.table.probabilities(at, draws.uniforms(at, CONCEPT))[0]
                found[step.place] = np.flatnonzero(chances > 0).tolist()
        return found

    def _of_way(self, way: Way) -> SamplingTree:
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twin._way = way
        twin.position = 0
        made_of = self._now()[1]
        twin.nodes = [made_of[k] for k in way.entries if not isinstance(made_of[k], BranchingNode)]
        twin._forget()
        return twin

    # --- as a value -----------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k not in ("_titles", "_seen", "_known", "_run")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._forget()
        link(self._spine, None)

    def __str__(self) -> str:
        tree, nodes = self._now()
        if self._way is not None:  # a way has no branchings to show
            steps = [k for k, node in enumerate(nodes) if not isinstance(node, BranchingNode)]
            entries = [{"next": n + 1 if n + 1 < len(steps) else None} for n in range(len(steps))]
            return text_of(Plan(entries), [nodes[k] for k in steps])
        return text_of(tree.plan, nodes)

    def __repr__(self) -> str:
        return f"SamplingTree({self.__recipe__().plan!r}, step={self.step}, position={self.position}, seed={self.seed})"


class _Paths(Sequence[SamplingTree]):
    """Trees without branches, each made when looked at."""

    def __init__(self, tree: SamplingTree, ways: Ways) -> None:
        self.tree, self.ways = tree, ways

    def __len__(self) -> int:
        return len(self.ways)

    def __getitem__(self, k: Any) -> Any:
        if isinstance(k, slice):
            return [self[i] for i in range(*k.indices(len(self)))]
        return self.tree._of_way(self.ways[k])


def _whole(who: str, n: Any) -> int:
    try:
        found = int(n)
        if isinstance(n, bool) or found != n or found < 0:
            raise ValueError
    except (TypeError, ValueError):
        raise StreamConfigError(f"{who}(n) got {n!r}, wanted a whole number of samples of at least 0.") from None
    return found
