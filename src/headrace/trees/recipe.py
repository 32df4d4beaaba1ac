"""A tree as a stream: endless, and sample i is a pure function of (tree, key, i)."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import Any, ClassVar, Literal, Self

from headrace.core.columns import cut
from headrace.core.cursor import Cursor
from headrace.core.granular import GRANULE
from headrace.core.indexed import Bound, Indexed, IndexedCursor, Places
from headrace.core.items import stack
from headrace.core.key import Key
from headrace.core.look import Look
from headrace.core.notes import told
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.core.stream import Resume
from headrace.errors import AddressError, StreamConfigError
from headrace.trees.batched import needs_of, per_row_of
from headrace.trees.draws import BLOCK, Draws
from headrace.trees.hidden import hidden_generator, is_generator
from headrace.trees.plan import Plan, functions_of
from headrace.trees.rows import ByRows
from headrace.trees.schedule import Schedule
from headrace.trees.steps import Step, in_node, steps_of, walked

NEAR = 8  # samples apart: still made ready together


@register("sampling_tree", example=lambda: _example())
@recipe
class Tree(Indexed[Any]):
    """The recipe of :class:`headrace.trees.SamplingTree` as it is at one moment.

    Attributes
    ----------
    plan : Plan
        Its nodes, with the values of their parameters.
    step : int
        How many updates have led here.

    Examples
    --------
    >>> import headrace as hr
    >>> from headrace.trees import SamplingTree
    >>> tree = SamplingTree([lambda _, *, rng: rng.integers(10), {"a": "a", "b": "b"}])
    >>> hr.as_stream(tree)
    sampling_tree(plan=<<lambda> > {a, b}>, seed=42)
    >>> tree.seeded(7)[10**9] == tree.seeded(7)[10**9]
    True
    """

    tuning: ClassVar[tuple[str, ...]] = ("step",)

    plan: Plan
    step: int = 0

    def __post_init__(self) -> None:
        if type(self.plan) is not Plan:
            self.fix(plan=Plan(self.plan))

    @property
    def size(self) -> float:
        return inf

    @property
    def draws(self) -> bool:
        return self.moves or any(
            len(entry.get("of", ())) > 1
            or entry["kind"] == "node"
            or ("function" in entry and needs_of(entry["function"]).rng)
            for entry in self.plan
        )

    @property
    def moves(self) -> bool:
        """Whether some parameter moves with the sample's number."""
        values = (value for entry in self.plan for value in (*entry.get("values", {}).values(), entry.get("probs")))
        return any(isinstance(value, Schedule) for value in values)

    @property
    def by_rows(self) -> bool:
        """Whether some function treats many samples at once."""
        return any(per_row_of(function) is not None for function in functions_of(self.plan))

    @property
    def grain(self) -> int:
        drawing = (f for f in functions_of(self.plan) if per_row_of(f) is not None and needs_of(f).rng)
        return GRANULE if any(drawing) else 1

    @property
    def plan_stamp(self) -> str:
        """The fingerprint without the seed: what a record says of which tree it is."""
        known: str | None = self.__dict__.get("_plan_stamp")
        if known is None:
            known = Tree(self.plan).fingerprint
            self.fix(_plan_stamp=known)
        return known

    def hidden(self) -> tuple[str, ...]:
        """Say of each function that draws from a generator nobody handed it what that is."""
        known: tuple[str, ...] | None = self.__dict__.get("_hidden")
        if known is None:
            asked = {f: hidden_generator(f) for f in functions_of(self.plan)}  # a function of many nodes once
            found: list[str] = []
            for entry in self.plan:
                function = entry.get("function")
                what = [] if function is None else [asked[function]]
                what += [
                    f"the generator in its parameter {name!r}"
                    for name, value in entry.get("values", {}).items()
                    if is_generator(value)
                ]
                found += [f"node {entry['name']} draws from {generator}" for generator in what if generator is not None]
            known = tuple(dict.fromkeys(found))
            self.fix(_hidden=known)
        return known

    @property
    def access(self) -> Literal["index", "cursor"]:
        return "cursor" if self.hidden() else "index"

    @property
    def resume(self) -> Resume:
        return "none" if self.hidden() else "exact"

    def remarks(self) -> tuple[str, ...]:
        """Name the functions because of which it cannot be replayed."""
        return tuple(f"cannot be replayed: {what}; give it a parameter rng" for what in self.hidden())

    def why_no_resume(self) -> str:
        """Say because of whom its samples cannot be had again, and what to do."""
        return (
            f"{'; '.join(self.hidden())}. Wanted functions that draw from what they are handed.\n"
            "  Give these functions a parameter rng and draw from it: it is filled. sample(), read() and a for loop work as "
            "they are."
        )

    def replayed(self) -> None:
        """Raise unless its samples can be had again.

        Raises
        ------
        AddressError
            Naming the node, and the generator that nobody handed it.
        """
        if self.hidden():
            raise AddressError(f"{self!r} has no items by number: {self.why_no_resume()}")

    def _end(self) -> float:
        self.replayed()
        return super()._end()

    def shard_cursor(self, i: int, n: int) -> Self:
        raise StreamConfigError(f"{self!r} cannot be divided in {n} parts: {self.why_no_resume()}")

    def _columns(self, look: Look[Any], at: Places) -> Any:
        """Return samples as columns; of no sample, those of one that is made for it, with 0 rows."""
        if len(at):
            return look.columns(at)
        first = min(at.start, look.top - 1) if isinstance(at, range) else 0
        return cut(look.columns(range(first, first + 1)), 0, 0)

    def bind(self, key: Key) -> Bound[Any]:
        return ByRows(self, key) if self.by_rows else OneByOne(self, key)

    def start_cursor(self, key: Key) -> Cursor[Any]:
        return IndexedCursor(self, key)


def stopped(error: StopIteration, step: Step | None, i: int) -> RuntimeError:
    """Return what to raise for a StopIteration of a node's function, which would look like the end of the stream."""
    wrong = told(error)
    in_node(wrong, step, f"sample {i}")
    return wrong


class OneByOne(Bound[Any]):
    """A tree bound to a key whose functions make one sample each."""

    inner: ClassVar[tuple[str, ...]] = ()

    def __init__(self, stream: Tree, key: Key) -> None:
        super().__init__(stream, key)
        self.steps: list[Step] = steps_of(stream.plan)
        self.draws: Draws = Draws(key, len(self.steps))

    def walk(self, at: Places) -> Iterator[Any]:
        first, draws = self.steps[0], self.draws
        if type(at) is range and len(at) == 1:  # most questions for samples by number
            draws.block = 1
            yield walked(first, at.start, draws)
            return
        in_a_row = isinstance(at, range) and 1 <= at.step <= NEAR and len(at) > 1
        block = BLOCK if in_a_row else 1
        for i in at if isinstance(at, range) else at.tolist():
            draws.block = block
            value: Any = None
            step: Step | None = first
            try:  # what walked() does, without a call for each sample
                while step is not None:
                    value, step = step.advance(value, i, draws)
            except Exception as error:
                if isinstance(error, StopIteration):
                    raise stopped(error, step, i) from error
                in_node(error, step, f"sample {i}")
                raise
            yield value

    def columns(self, at: Places) -> Any:
        return stack(list(self.walk(at)))


def _example() -> Tree:
    from headrace.trees.tree import SamplingTree  # which makes recipes of what users write

    tree = SamplingTree(
        [_noise, {"flat": "flat", "raised": [_raised, "raised"]}], {"scale": 0.1, "_raised": {"by": 1.0}}
    )
    return Tree(tree.__recipe__().plan)


def _noise(nothing: Any, scale: float, *, rng: Any) -> Any:
    return rng.normal(scale=scale, size=4)


def _raised(signal: Any, by: float, *, rng: Any) -> Any:
    return signal + by * rng.random()
