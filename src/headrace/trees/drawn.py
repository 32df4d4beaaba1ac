"""How a tree draws for itself: from where it is, by one thread at a time, and all or nothing.

A base class with one child, on purpose: what moves a tree from sample to sample is one idea, and what the tree is another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NoReturn, Self, SupportsIndex

from headrace.core.columns import cut
from headrace.core.indexed import ENDLESS
from headrace.trees.changes import CHANGES
from headrace.trees.collect import SamplingStrategy, SamplingStrategyLit, balanced, collated, strategy_of
from headrace.trees.counting import whole
from headrace.trees.current import Current
from headrace.trees.node import Node
from headrace.trees.paths import Ways, along
from headrace.trees.recipe import Tree
from headrace.trees.run import Run


class Drawn:
    """The methods of a tree that draw samples and move it.

    Attributes
    ----------
    position : int
        The number of the next sample.
    """

    position: int
    collate_func: Callable[[Any], Any] | None
    _current: Current
    _seed: int
    _drawn: int  # when any parameter of anyone's had last changed, as the run has it
    _run: Run | None

    def _now(self) -> tuple[Tree, Sequence[Node]]:
        raise NotImplementedError(f"{type(self).__name__} needs a method _now()")

    def _ways(self, *, prune: bool) -> Ways:
        raise NotImplementedError(f"{type(self).__name__} needs a method _ways()")

    def sample(self) -> Any:
        """Return the next sample: the last value, with its labels. Several threads take turns.

        An exception of a function passes through and names the node; the next call tries the same sample again.
        """
        turn = self._current.turn
        try:  # what "with turn" does at twice the cost, which for small trees would be a third of a sample
            turn.acquire()
            run, position = self._run, self.position
            if run is None or self._drawn != CHANGES.latest or run.next != position:
                run = self._runs()
            try:
                item = next(run.items)
            except BaseException as error:
                run.failing = position
                run.failed(error, position)
                raise
            if run.buffered:
                run.deliver()
            run.next = self.position = position + 1
            return item
        finally:
            try:
                turn.release()
            except RuntimeError:  # Ctrl-C came while it waited: there is no turn to give back
                pass

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        return self.sample()

    def __len__(self) -> NoReturn:
        raise TypeError(  # torch's DataLoader asks, and would take a tree for a data set of so many samples
            "a SamplingTree has no len(): it has no end.\n  Take some, as in tree | hr.take(1000). For torch write "
            "hr.bridges.torch.loader(tree | hr.batch(32)) in place of DataLoader(tree)."
        )

    def __bool__(self) -> bool:
        return True

    def read(self, n: SupportsIndex, *, records: bool = False) -> Any:
        """Return the next ``n`` samples as columns; with their records if wanted.

        Parameters
        ----------
        n
            How many. For 0 one sample is made and not handed out, to learn which columns there are: they have 0 rows.
        records
            Return ``(columns, records)``: what each sample was made with, see :class:`headrace.trees.Records`.

        Raises
        ------
        DataError
            When the samples do not stack. They are not lost: :meth:`collect` still gives them.
        """
        with self._current.turn:
            at = range(self.position, self.position + whole("read", n))
            if at:
                run = self._runs()
                columns = self._tried(run, lambda: run.columns(at))
                run.deliver()
            else:
                first = min(self.position, ENDLESS - 1)
                run = Run(*self._now(), self._seed, first)
                columns = cut(self._tried(run, lambda: run.columns(range(first, first + 1))), 0, 0)
            self.position = at.stop
            recipe = self._now()[0]
        if not records:
            return columns
        from headrace.trees.record import Records  # which is rarely wanted

        return columns, Records(recipe, at)

    def collect(
        self, num_samples: SupportsIndex, strategy: SamplingStrategyLit | SamplingStrategy = "stochastic"
    ) -> Any:
        """Return the next samples as a list, or as ``collate_func`` arranges them.

        After an exception, of ``collate_func`` too, the tree is where it was: the next call tries the same samples again.

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
        with self._current.turn:
            runs: list[Run] = []
            samples: list[Any] = []
            if kind is SamplingStrategy.STOCHASTIC:
                run = self._runs()
                samples = self._tried(run, lambda: run.take(n))
                runs.append(run)
            else:
                ways, (tree, made_of) = self._ways(prune=kind is SamplingStrategy.BALANCED_PRUNED), self._now()
                for way, at in balanced(ways, n, self.position, in_turns=tree.moves):
                    part = Tree(along(tree.plan, way), tree.step).seeded(self._seed)
                    runs.append(run := Run(part, [made_of[entry] for entry in way.entries], self._seed, at.start))
                    samples += self._tried(run, partial(run.take_at, at))
                    if not run.buffered:
                        runs.pop()
            found = collated(samples, self.collate_func)
            for run in runs:
                run.deliver()
            self.position += len(samples)
        return found

    def _tried(self, run: Run, act: Callable[[], Any]) -> Any:
        """Return what a run gives; all or nothing, so that an exception loses no sample."""
        try:
            return act()
        except BaseException as error:
            run.failed(error, self.position)
            raise

    def skip(self, n: SupportsIndex = 1) -> int:
        """Pass the next ``n`` samples without making them; return how many.

        Raises
        ------
        StreamConfigError
            When it is no number of samples.
        """
        with self._current.turn:
            before = self.position
            return self.seek(before + whole("skip", n)) - before

    def seek(self, position: SupportsIndex) -> int:
        """Go to the sample with a number, forth or back; return it.

        Raises
        ------
        StreamConfigError
            When there is no sample of that number.
        """
        with self._current.turn:
            self.position, self._run = whole("seek", position), None
            return self.position

    def _runs(self) -> Run:
        """Return the run under way, a new one where parameters have changed or the last one ended."""
        self._drawn = CHANGES.latest  # before the question: what changes after it is seen next time
        (tree, made_of), run, turn = self._now(), self._run, self._current.turn
        if run is None or not run.goes_on(tree.plan, turn, self.position):
            run = self._run = Run(tree, made_of, self._seed, self.position, turn)
        return run
