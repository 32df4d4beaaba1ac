"""One round of a harvest: points are run, their results kept in batches, and only then shown as done."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import Any, Final

import numpy as np

from headrace.core.notes import warn
from headrace.errors import DataError, HeadraceError, StreamConfigError
from headrace.store.ledger import DONE, FAILED, Point
from headrace.sweeps.beforehand import check_keepable
from headrace.sweeps.canonical import point_key
from headrace.sweeps.failures import Failure, failure
from headrace.sweeps.keeping import SOON, Keeper
from headrace.sweeps.losers import Losers
from headrace.sweeps.merging import Conflict, merger
from headrace.sweeps.outputs import has_names, parts, placed
from headrace.sweeps.points import Points
from headrace.sweeps.progress import Progress
from headrace.sweeps.provenance import session_of, storable
from headrace.sweeps.view import order_given

HELD: Final = 64 << 20  # bytes of results that are kept for last_ds
ROW: Final = "_row"  # of a ledger: an argument of what stands for a function that takes rng, and of nothing else
_MUTABLE: Final = frozenset((list, dict, set, bytearray, np.ndarray))
_MANY: Final = 1_000_000  # points whose keys are worked out beforehand


class Round:
    """Points that are run, and what came of them.

    Parameters
    ----------
    runner
        What runs them.
    points
        Where.
    ledger
        What keeps the results.
    overwrite
        The rule for results that are there already.
    settings
        How to run.
    keys
        What the ledger knows the points by; by default that of their settings.
    fn
        The function, where that of the runner stands for another.
    guard
        Makes, of the arguments, what is called before anything is written, when nobody else can write.

    Attributes
    ----------
    conflicts : list of Conflict
        Where results differ from those that are there.
    failures : list of Failure
        The calls that failed, where ``on_error`` says to go on.
    """

    def __init__(
        self,
        runner: Any,
        points: Points,
        ledger: Any,
        overwrite: bool | None,
        settings: Mapping[str, Any],
        *,
        keys: list[bytes] | None = None,
        fn: Any = None,
        guard: Callable[[tuple[str, ...]], Callable[[], None]] | None = None,
    ) -> None:
        self.runner: Any = runner
        self.points: Points = points
        self.ledger: Any = ledger
        self.conflicts: list[Conflict] = []
        self.failures: list[Failure] = []
        self._settings = dict(settings)
        self._rule = overwrite
        self._merge = merger(overwrite, self.conflicts, self._lose)
        self._losers = Losers()
        self._stayed: dict[bytes, Any] = {}  # what is told in the place of a result that was not taken
        self._telling = False
        self._misfit = False
        self._layout = layout_of(runner, points)
        check_names(self._layout)
        check_keepable(ledger, points)
        self._fn = runner.fn if fn is None else fn
        self._keys = list(points.keys()) if keys is None and len(points) <= _MANY else keys
        self._along: dict[str, Any] = dict(self._layout["coords"])
        self._told_coords = _own_values(points)
        self._guard = None if guard is None else guard(tuple(self._layout["args"]))
        self._came: dict[int, Any] | None = {}
        self._bytes = 0

    def run(self) -> None:
        """Run all points.

        Raises
        ------
        BaseException
            What the function raised, or Ctrl-C, when everything that came before is kept.
        SinkError
            When the disk takes no more.
        """
        for _ in self.results(soon=SOON, tell=False):
            pass

    def results(self, soon: float, *, tell: bool = True) -> Iterator[tuple[dict[str, Any], Any]]:
        """Run all points; yield settings and result of each when it is safe.

        Results that the ledger does not take, as others are there, are not among them: by the rule that the old ones stay,
        these are. Before an error is raised, what was kept is yielded.
        """
        self._telling = tell
        how = {**self.runner.settings, **self._settings}
        bar = Progress(len(self.points), how.get("verbosity", 1), how.get("desc"))
        session = session_of(self._fn, how.get("seed", 0), self.points.constants)
        waiting: deque[tuple[dict[str, Any], Any, bytes]] = deque()
        safe = 0

        def put(batch: list[Any]) -> None:
            self.ledger.put(batch, layout=self._layout, session=session, merge=self._merge, guard=self._guard)

        def kept(batch: list[Any]) -> None:
            nonlocal safe
            safe += len(batch)
            bar.update(len(batch), failed=sum(packed.state == FAILED for packed in batch))

        def told() -> Iterator[tuple[dict[str, Any], Any]]:
            nonlocal safe
            while safe and waiting:
                safe -= 1
                settings, result, key = waiting.popleft()
                if key not in self._stayed:
                    yield settings, result
                elif self._rule is False:
                    yield settings, self._stayed.pop(key)

        keeper = Keeper(self.ledger.pack, put, kept, soon)
        coming = self.runner.run(self.points, progress=bar, **self._settings)
        try:
            for i, outcome in coming:
                settings = self.points[i]
                key = self._keys[i] if self._keys is not None else point_key(settings)
                result = self._take(keeper, i, key, settings, outcome)
                if tell:
                    waiting.append((settings, result, key))
                    yield from told()
                if bar.detailed:
                    bar.show(settings)
            keeper.flush()
            yield from told()
        except BaseException as error:
            self._end(keeper, error)
            if isinstance(error, Exception):  # who was interrupted, or has left, wants no more
                yield from told()
            raise
        else:
            keeper.close()
        finally:
            coming.close()
            bar.close()

    @staticmethod
    def _end(keeper: Keeper, error: BaseException) -> None:
        """Keep what came before an error; that this failed too is told with it."""
        try:
            keeper.close()
        except HeadraceError as second:
            if second is not error and str(second) != str(error):
                error.add_note(f"  and what came before it could not all be kept: {second}")

    def _take(self, keeper: Keeper, i: int, key: bytes, settings: dict[str, Any], outcome: Any) -> Any:
        own = self._told_coords
        coords = tuple([own[name][i] if name in own else settings[name] for name in self._layout["args"]])
        if outcome.error is not None:
            failed = failure(self._fn, settings, outcome.error)
            self.failures.append(failed)
            told = (type(failed.error).__name__, str(failed.error), failed.traceback)
            self._hold(i, keeper.add(Point(key, coords, told, FAILED, outcome.seconds)))
            return failed
        try:
            value = split(outcome.value, self._layout, self._along)
            if not self._misfit:
                self._see_shapes(value, settings)
            packed = keeper.add(Point(key, coords, value, DONE, outcome.seconds))
        except DataError as error:
            error.add_note(f"  while keeping the result at {settings}")
            raise
        self._hold(i, packed)
        return outcome.value

    def _hold(self, i: int, packed: Any) -> None:
        if self._came is None:
            return
        self._came[i] = packed
        self._bytes += packed.size
        if self._bytes > HELD:
            self._came = None  # the ledger has them

    def _lose(self, old: Point, new: Point) -> None:
        """See that a result was not taken, as another is there."""
        self._losers.add(new.key, self.ledger.pack(new))
        if self._telling:
            names = self._layout["vars"]
            was = dict(zip(old.layout["vars"] or (), old.value, strict=False))
            values = old.value if names is None else [was.get(name) for name in names]
            self._stayed[new.key] = values[0] if len(values) == 1 else tuple(values)

    def _see_shapes(self, values: tuple[Any, ...], settings: Mapping[str, Any]) -> None:
        """Warn, once, of a result that no dataset can show: it is kept all the same."""
        for name, value in zip(self._layout["vars"] or (), values, strict=False):
            dims = self._layout["dims"].get(name, ())
            if isinstance(value, np.ndarray) and dims is not ... and value.ndim != len(dims):
                self._misfit = True
                warn(
                    f"a harvest got {name!r} of shape {value.shape} at {settings}, wanted "
                    f"{f'the axes {tuple(dims)}' if dims else 'a scalar'}: it is kept, and full_ds cannot show it.\n"
                    "  harvester.table has it; name its axes with var_dims, or remove the point with drop_sel."
                )

    def came(self) -> dict[int, Point]:
        """Return what came of the points, by their numbers, whether the ledger took it or not."""
        if self._came is not None:
            return {i: self.ledger.unpack(packed) for i, packed in self._came.items()}
        keys = self._keys if self._keys is not None else list(self.points.keys())
        found = self.ledger.get(keys)
        found.update((key, self.ledger.unpack(packed)) for key, packed in self._losers.items())
        return {i: found[key] for i, key in enumerate(keys) if key in found}

    def values(self) -> dict[int, Any]:
        """Return the results as the function gave them, by the numbers of their points."""
        names = self._layout["vars"]
        alone = names is None or len(names) == 1
        return {i: point.value[0] if alone else point.value for i, point in self.came().items() if point.state == DONE}


def _own_values(points: Points) -> dict[str, list[Any]]:
    """Return the values of arguments that a function could change, as they are before any call."""
    mutable = [name for name, axis in points.axes.items() if any(type(value) in _MUTABLE for value in axis)]
    return {name: deepcopy(list(points.column(name))) for name in mutable}


def split(result: Any, layout: Mapping[str, Any], coords: dict[str, Any]) -> tuple[Any, ...]:
    """Return a result as a tuple of a value for each variable of a layout, the axes of each in its order.

    ``coords`` are values along axes; see :func:`headrace.sweeps.outputs.placed`.

    Raises
    ------
    DataError
        When there are more or fewer, or axes have other names.
    """
    names = layout["vars"]
    if names is None:
        return (result,)
    values = (result,) if len(names) == 1 else tuple(parts(result, names))
    if not any(has_names(type(value)) for value in values):
        return values
    return tuple(placed(value, name, layout["dims"][name], coords) for name, value in zip(names, values, strict=True))


def layout_of(runner: Any, points: Points) -> dict[str, Any]:
    """Return what the points of a round are called."""
    labels = runner.labels
    return {
        "args": [name for name in points.names if name != ROW],
        "vars": None if labels.own_names else list(labels.var_names),
        "dims": {name: dims if dims is ... else list(dims) for name, dims in labels.var_dims.items()},
        "coords": {name: storable(values) for name, values in labels.var_coords.items()},
        "attrs": {name: storable(value) for name, value in labels.attrs.items()},
        "constants": {name: storable(value) for name, value in points.constants.items() if not callable(value)},
        "order": order_given(points),
    }


def check_names(layout: Mapping[str, Any]) -> None:
    """Raise when an argument, a variable and an axis of one have the same name."""
    args = layout["args"]
    axes = [dim for dims in layout["dims"].values() if dims is not ... for dim in dims]
    for what, names in (("var_names", layout["vars"] or []), ("var_dims", axes), ("var_coords", layout["coords"])):
        taken = [name for name in names if name in args]
        if taken:
            raise StreamConfigError(
                f"{what} got {taken[0]!r}, which is an argument of the sweep, wanted another name."
                "\n  Both would be an axis of the dataset."
            )


def like(runner: Any, fn: Any) -> Any:
    """Return a runner with another function."""
    made = object.__new__(type(runner))
    made.__dict__.update(runner.__dict__)
    made.fn = fn
    return made
