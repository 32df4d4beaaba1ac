"""Sweeps whose results are kept on disk: point by point, by several processes at once, for months."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from headrace.core.notes import warn
from headrace.errors import DataError, StreamConfigError
from headrace.store.ledger import FAILED, Point
from headrace.sweeps.adaptive import Refinement, refine
from headrace.sweeps.editing import same_args
from headrace.sweeps.failures import Failure
from headrace.sweeps.harvesting import Round
from headrace.sweeps.merging import check_overwrite, raise_conflicts, told_conflicts
from headrace.sweeps.parse import Combos, parse_combos, parse_mapping
from headrace.sweeps.points import Points
from headrace.sweeps.provenance import tell_changes
from headrace.sweeps.results import Results
from headrace.sweeps.view import Frame

_STREAM: Final = 0.05  # seconds that a result of a stream waits at most, when another comes


class Harvester(Results):
    """A runner whose results are kept: what has been run once is there, whatever happens.

    Parameters
    ----------
    runner : Runner
        What is run.
    data_name
        ``"foo"`` for a ledger in the folder ``foo``; ``"foo.h5"``, ``"foo.nc"`` or ``"foo.zarr"`` for a ledger in
        ``foo.h5.ledger`` that is shown as this dataset, too: after each harvest while that is under 4 MB, above it when
        ``full_ds`` is read, on :meth:`export` and at exit. A dataset that is there already is taken in first, and kept
        as ``foo.h5.orig``. None to keep everything in memory.
    chunks
        ``full_ds`` is of dask arrays of these chunks.
    engine
        What writes the dataset: see :func:`headrace.store.save_ds`. For a name without suffix, it adds its own.
    full_ds
        Results to begin with.
    allow_pickle
        Whether results and settings that only a pickle can carry are kept, and loaded.

    Attributes
    ----------
    failures_of_last : list of Failure
        The calls of the last harvest that failed, where ``on_error`` said to go on.

    Notes
    -----
    Results are on disk at least once a second, and at every exception; the progress bar shows those that are. Several
    processes of one host can harvest into one ledger at once. Nothing here is ever rewritten as a whole.

    Examples
    --------
    >>> from headrace.sweeps import Runner
    >>> harvester = Harvester(Runner(lambda a, b: a * b, "product", verbosity=0), "products")
    >>> harvester.harvest_combos({"a": [1, 2], "b": [3, 4]})
    >>> harvester.harvest_combos({"a": [5], "b": ...}, missing_only=True)
    >>> harvester.full_ds["product"].sel(a=5).values
    array([15, 20])
    >>> harvester.table.to_dict("list")
    {'a': [1, 1, 2, 2, 5, 5], 'b': [3, 4, 3, 4, 3, 4], 'product': [3, 4, 6, 8, 15, 20]}
    """

    failures_of_last: list[Failure]

    # --- running --------------------------------------------------------------------------------

    def harvest_combos(
        self,
        combos: Any,
        *,
        cases: Any = None,
        missing_only: bool = False,
        sync: bool = True,
        overwrite: bool | None = None,
        chunks: Any = None,
        engine: str | None = None,
        constants: Any = (),
        **runner_settings: Any,
    ) -> None:
        """Run every combination of some values, and keep the results.

        Parameters
        ----------
        combos
            Values of arguments; ``...`` for all that are known of one.
        cases
            Settings that are run as they are, each with every combination.
        missing_only
            Run only what has no result. A result that is NaN is one; a failure is none.
        sync
            False to keep results in memory for now: the next harvest, or :meth:`save_full_ds`, writes them.
        overwrite
            What to do about results that are there and differ: None raises when all is run and the others are kept; True
            takes the new ones; False leaves the old ones. What is missing is always filled in.
        chunks, engine
            As for :class:`Harvester`, from now on.
        constants
            Further arguments for this run.
        **runner_settings
            How to run; see :class:`headrace.sweeps.Runner`.

        Raises
        ------
        StreamConfigError
            When the arguments are not those of the points that are there.
        DataError
            When results differ (an ``xarray.MergeError`` as well), or do not fit their names.
        SinkError
            When the disk takes no more. What was kept before stays.
        """
        self._again(chunks, engine)
        pairs = parse_combos(combos)
        rule = check_overwrite(overwrite)
        self._take_in(rule)
        if sync:
            self._write_pending(rule)
        pairs = self._with_known(pairs)
        self._see_changes(constants, rule, runner_settings)
        if Refinement.needed(pairs):
            self._refined(pairs, cases, constants, missing_only, sync, rule, runner_settings)
            return
        points = self._points(pairs, cases, constants)
        if missing_only:
            points = self._missing(points)
            if not len(points):
                return
        self._harvest(points, sync, rule, runner_settings)

    def harvest_cases(
        self,
        cases: Any,
        *,
        missing_only: bool = False,
        sync: bool = True,
        overwrite: bool | None = None,
        chunks: Any = None,
        engine: str | None = None,
        constants: Any = (),
        **runner_settings: Any,
    ) -> None:
        """Run some cases, as :meth:`harvest_combos` runs combinations.

        Parameters
        ----------
        cases
            Dicts, or tuples for the arguments of the runner.
        missing_only, sync, overwrite, chunks, engine, constants, **runner_settings
            As for :meth:`harvest_combos`.
        """
        self.harvest_combos(
            None,
            cases=cases,
            missing_only=missing_only,
            sync=sync,
            overwrite=overwrite,
            chunks=chunks,
            engine=engine,
            constants=constants,
            **runner_settings,
        )

    def stream(
        self,
        combos: Any = None,
        cases: Any = None,
        *,
        missing_only: bool = False,
        overwrite: bool | None = None,
        constants: Any = (),
        **runner_settings: Any,
    ) -> Iterator[tuple[dict[str, Any], Any]]:
        """Run as :meth:`harvest_combos` does; yield ``(settings, result)`` of each point when it is safe on disk.

        They come as they finish. Whoever stops early loses nothing: what was run is kept.

        Examples
        --------
        >>> from headrace.sweeps import Runner
        >>> harvester = Harvester(Runner(lambda a: a * a, "square", verbosity=0), "squares")
        >>> dict((settings["a"], result) for settings, result in harvester.stream({"a": [1, 2, 3]}))
        {1: 1, 2: 4, 3: 9}
        """
        rule = check_overwrite(overwrite)
        self._take_in(rule)
        self._write_pending(rule)
        self._see_changes(constants, rule, runner_settings)
        points = self._points(self._with_known(parse_combos(combos)), cases, constants)
        if missing_only:
            points = self._missing(points)
        return self._streamed(Round(self.runner, points, self.ledger, rule, runner_settings, guard=self._guard), rule)

    def _streamed(self, this: Round, rule: bool | None) -> Iterator[tuple[dict[str, Any], Any]]:
        try:
            yield from this.results(_STREAM)
        except GeneratorExit:  # nothing can be raised to who has left
            if this.conflicts:
                warn(str(told_conflicts(this.conflicts, self._who)))
            raise
        except BaseException as error:
            self._note_conflicts(error, this)
            raise
        finally:
            self._end(this, rule)
        raise_conflicts(this.conflicts, self._who)

    def _note_conflicts(self, error: BaseException, this: Round) -> None:
        """Tell with an error that ends a harvest of results that were not kept before it."""
        if this.conflicts:
            error.add_note(f"  before that: {told_conflicts(this.conflicts, self._who)}")

    def _guard(self, args: tuple[str, ...]) -> Callable[[], None]:
        return same_args(self.ledger, args, self._who)

    def _harvest(self, points: Points, sync: bool, rule: bool | None, settings: Mapping[str, Any]) -> Round:
        self._pending.rule = rule
        to, guard = (self.ledger, self._guard) if sync else (self._pending, None)
        this = Round(self.runner, points, to, rule, settings, guard=guard)
        try:
            this.run()
        except BaseException as error:
            self._note_conflicts(error, this)
            raise
        finally:
            self._end(this, rule)
        raise_conflicts(this.conflicts, self._who)
        return this

    def _end(self, this: Round, rule: bool | None) -> None:
        self._last = this
        self.failures_of_last = this.failures
        self.runner.failures = this.failures
        self._show(rule)

    def _points(self, combos: Combos, cases: Any, constants: Any) -> Points:
        """Return the points of a harvest: arguments that the others have, and this gives as constants, are theirs."""
        points: Points = self.runner.points(combos, cases, constants)
        known = self._args()
        if known is None or not len(points):
            return points
        fixed = [name for name in known if name not in points.names and name in points.constants]
        if fixed:
            more = tuple((name, [points.constants[name]]) for name in fixed)
            points = self.runner.points((*combos, *more), cases, constants, without=fixed)
        if set(points.names) != set(known):
            raise StreamConfigError(
                f"{self._who} got the arguments {list(points.names)}, and its points have {list(known)}, wanted the same.\n"
                "  Give those that are missing as constants, use expand_dims(name, value), or another data_name."
            )
        return points

    def _with_known(self, pairs: Combos) -> Combos:
        """Return combos with all known values for ``...``."""
        wanted = [name for name, values in pairs if values is ...]
        if not wanted:
            return pairs
        done = self._done()
        if not done:
            raise StreamConfigError(
                f"{self._who} got ... for {wanted[0]!r}, all its known values, and there are no points yet.\n  Give values."
            )
        axes = Frame(done).points.axes
        for name in wanted:
            if name not in axes:
                raise StreamConfigError(f"{self._who} got ... for {name!r}, wanted one of {list(axes)}.")
        return tuple(
            (name, axes[name] if values is ... and isinstance(name, str) else values) for name, values in pairs
        )

    def _missing(self, points: Points) -> Points:
        """Return the points that have no result."""
        keys = list(points.keys())
        known = self.ledger.known(keys)
        if len(self._pending):
            known |= self._pending.known(keys)
        if not known:
            return points
        if len(known) == len(keys):
            return Points(cases=[])
        at = [i for i, key in enumerate(keys) if key not in known]
        if not at:
            return Points(cases=[])
        columns = [points.column(name) for name in points.names]
        rows = [tuple(column[i] for column in columns) for i in at]
        return Points(cases=rows, fn_args=points.names, constants=points.constants)

    def _see_changes(self, constants: Any, rule: bool | None, settings: Mapping[str, Any]) -> None:
        """Warn when results that are there, and stay, come from other constants, another seed or other code."""
        if rule is not True:
            fixed = {**(self.runner.constants or {}), **parse_mapping(constants)}
            seed = {**self.runner.settings, **settings}.get("seed", 0)
            tell_changes(self.ledger, self.fn, fixed, seed, self._args() or (), self._who)

    def _refined(
        self, pairs: Combos, cases: Any, constants: Any, missing_only: bool, sync: bool, rule: bool | None,
        settings: Mapping[str, Any],
    ) -> None:  # fmt: skip
        def run(some: Combos) -> tuple[Points, list[Any]]:
            points = self._points(some, cases, constants)
            left = self._missing(points) if missing_only else points
            found: dict[bytes, Any] = {}
            if len(left):
                this = self._harvest(left, sync, rule, settings)
                found = {point.key: point for point in this.came().values()}
            keys = list(points.keys())
            found = {**self.ledger.get([key for key in keys if key not in found]), **found}
            return points, [_result(found.get(key), settings) for key, settings in zip(keys, points, strict=True)]

        refine(pairs, run)


def _result(point: Point | None, settings: dict[str, Any]) -> Any:
    """Return the result of a point as a refinement wants it."""
    if point is None or point.state == FAILED:
        return Failure(settings, DataError("this call failed"), "")
    return point.value[0] if len(point.value) == 1 else point.value
