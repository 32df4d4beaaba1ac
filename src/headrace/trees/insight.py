"""What a tree tells of itself: where its drift is, which tasks it makes, what a sample was made with.

A base class with one child, on purpose: these methods are one idea, and the class of the tree in one file would be longer
than any file here may be.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, SupportsIndex, cast

import numpy as np

from headrace.core.handle import AsStream
from headrace.core.key import Seed
from headrace.trees.counting import place_of
from headrace.trees.nodes import Node
from headrace.trees.recipe import Tree

if TYPE_CHECKING:
    import pandas as pd

    from headrace.trees.experience import Experience
    from headrace.trees.record import Record
    from headrace.trees.tree import SamplingTree


class Moment(NamedTuple):
    """What a tree is at one moment: for who draws or describes it.

    Attributes
    ----------
    recipe : Tree
        Its recipe.
    nodes : sequence of Node
        The nodes that the entries of the recipe's plan are made of.
    single : bool
        Whether it is one way through another tree.
    """

    recipe: Tree
    nodes: Sequence[Node]
    single: bool


class Insight(AsStream):
    """The methods of a tree that move nothing and answer from its recipe; what they need is imported when they are called."""

    def __recipe__(self) -> Tree:
        """Return the frozen description of this tree with the parameters it has now."""
        raise NotImplementedError(f"{type(self).__name__} needs a method __recipe__()")

    @property
    def size(self) -> float | None:
        """Endless: ``math.inf``."""
        return self.__recipe__().size

    def seeded(self, seed: Seed) -> Tree:
        """Return the stream of this tree with another seed."""
        return self.__recipe__().seeded(seed)

    def _tree(self) -> SamplingTree:
        return cast("SamplingTree", self)

    def moment(self) -> Moment:
        """Return the recipe as it is now, with the nodes that its entries are made of. Moves nothing."""
        tree = self._tree()
        return Moment(*tree._now(), tree._way is not None)

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

        Raises
        ------
        StreamConfigError
            When a schedule has no end and it is not said how far to look.
        MissingExtraError
            When pandas is not installed.
        """
        from headrace.trees.drift import drift_table

        return drift_table(self._tree(), until, steps)

    def concepts(self, lo: int, hi: int) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Return the concept that each of samples ``lo`` to ``hi`` is of: a number for every state of the schedules.

        Samples of one number come from one distribution, as far as the schedules by sample number tell; a state that
        comes back has its number again.

        Raises
        ------
        AddressError
            When there are no such samples.
        """
        from headrace.trees.drift import concepts_of

        lo, hi = place_of("concepts", lo), place_of("concepts", hi)
        return concepts_of(self.__recipe__(), np.arange(lo, hi, dtype=np.int64))

    def experiences(self, n: SupportsIndex, size: SupportsIndex, *, test: SupportsIndex = 0) -> Sequence[Experience]:
        """Return ``n`` tasks of ``size`` samples each, one update apart, each made when looked at; moves nothing.

        They are of the tree as it is now, whatever becomes of it later.

        Parameters
        ----------
        n
            How many tasks.
        size
            How many samples to learn from in each.
        test
            How many more to test on: drawn like those of the task, with other random numbers.

        Raises
        ------
        StreamConfigError
            For numbers that are none.
        ParameterOutOfRangeError
            When a list of values ends before the last task, and its strategy says so.
        """
        from headrace.trees.experience import Experiences

        with self._tree()._current.turn:
            return Experiences(self._tree(), n, size, test)

    def explain(self, i: SupportsIndex) -> Record:
        """Return what sample ``i`` is made with: its way, parameters, probabilities, key. Moves nothing.

        Raises
        ------
        AddressError
            When there is no such sample.
        """
        from headrace.trees.record import Records

        at = place_of("explain", i)
        found: Record = Records(self.__recipe__(), range(at, at + 1))[0]
        return found

    def rebuild(self, record: Record) -> Any:
        """Return the sample of a record, whatever the parameters of this tree are now: only its functions are used.

        With functions of columns that draw, the tree goes to the record's step for it: what its parameters are there
        has to be what they were.

        Parameters
        ----------
        record
            What :meth:`explain` gives, or a row of :meth:`headrace.trees.Records.columns`.

        Raises
        ------
        DataError
            When the record is of another tree.
        AddressError
            When functions draw from generators of their own: such a sample cannot be had again.
        """
        from headrace.trees.rebuild import rebuilt

        return rebuilt(self.__recipe__(), record, self._tree().at_step)
