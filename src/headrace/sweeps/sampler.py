"""Random settings, run into a table that only grows."""

from __future__ import annotations

import os
from collections.abc import Mapping
from secrets import randbits
from typing import Any

from headrace.core.functions import takes_rng
from headrace.core.key import Key, Seed, seed_integer
from headrace.errors import StreamConfigError
from headrace.sweeps.arguments import check_arguments, check_swept_once
from headrace.sweeps.drawn import WithRow, drawn
from headrace.sweeps.failures import Failure
from headrace.sweeps.harvesting import ROW, Round, like
from headrace.sweeps.labels import frame_of
from headrace.sweeps.parse import parse_mapping
from headrace.sweeps.place import Columns
from headrace.sweeps.points import Points
from headrace.sweeps.rows import row_key
from headrace.sweeps.run import Task, sweep
from headrace.sweeps.said import whole
from headrace.sweeps.sampled import Sampled


class Sampler(Sampled):
    """A runner at random settings, whose results are rows of a table.

    Parameters
    ----------
    runner : Runner
        What is run; its results have no axes.
    data_name
        ``"foo"`` for a ledger in the folder ``foo``; ``"foo.pkl"``, ``"foo.csv"``, ``"foo.parquet"``... for a ledger in
        ``foo.csv.ledger`` that is shown as this table, too: after each call while it is under 4 MB, above it when
        ``full_df`` is read, on :meth:`export` and at exit. None to keep everything in memory.
    default_combos
        For each argument: a function that draws a value (a parameter ``rng`` is filled with a generator of the row's
        own), values to choose from, or a value.
    full_df
        Rows to begin with.
    engine
        What writes the table: ``"pickle"``, ``"csv"``, ``"parquet"``, ``"json"``, ``"hdf"``; by default that of the suffix.
    seed
        The root of all random numbers. By default the runner's; else that of the ledger; else a new one, which is noted
        there. Row i is the same for the same seed, in any process and round.
    allow_pickle
        Whether values that only a pickle can carry are kept, and loaded.

    Attributes
    ----------
    last_df
        What the last call gave; None before the first.
    failures_of_last : list of Failure
        The calls of the last one that failed, where ``on_error`` said to go on.

    Examples
    --------
    >>> from headrace.sweeps import Runner
    >>> sampler = Sampler(
    ...     Runner(lambda a, b: a * b, "product", verbosity=0), default_combos={"a": [1, 2], "b": 3}, seed=7
    ... )
    >>> df = sampler.sample_combos(4)
    >>> list(df.columns), bool((df["product"] == df["a"] * 3).all()), len(sampler.full_df)
    (['a', 'b', 'product'], True, 4)
    """

    last_df: Any
    failures_of_last: list[Failure]

    def __init__(
        self,
        runner: Any,
        data_name: str | os.PathLike[str] | None = None,
        default_combos: Any = None,
        full_df: Any = None,
        engine: str | None = None,
        *,
        seed: Seed | None = None,
        allow_pickle: bool = False,
    ) -> None:
        self.default_combos: dict[Any, Any] = parse_mapping(default_combos)
        self._seed: int | None = None if seed is None else seed_integer(seed)
        self._drawn_seed = False  # and not given by anybody
        super().__init__(runner, data_name, full_df, engine, allow_pickle=allow_pickle)

    # --- random numbers -------------------------------------------------------------------------

    @property
    def seed(self) -> int:
        """The root of all random numbers."""
        if self._seed is None:
            given = self.runner.settings.get("seed")
            if given is not None:
                self._seed = seed_integer(given)
            else:
                noted = None if self.ledger is None else self.ledger.note("seed")
                self._seed = randbits(63) if noted is None else noted
                self._drawn_seed = True
        return self._seed

    @property
    def key(self) -> Key:
        """The address of the seed."""
        return Key(self.seed).child("sampler")

    # --- sampling -------------------------------------------------------------------------------

    def gen_cases_fnargs(self, n: int, combos: Any = None) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """Return the settings of the next ``n`` rows: the names of arguments, and a tuple of values for each row."""
        first = self._drawn if self.ledger is None else self.ledger.totals.reserved
        names, columns = drawn(
            {**self.default_combos, **parse_mapping(combos)},
            self.key,
            first,
            whole("a Sampler", n, "rows", "sample_combos(100)"),
        )
        return names, list(zip(*columns, strict=True)) if columns else [()] * n

    def sample_combos(
        self,
        n: int,
        combos: Any = None,
        engine: str | None = None,
        *,
        constants: Any = (),
        sync: bool = True,
        missing_only: bool = False,
        **case_runner_settings: Any,
    ) -> Any:
        """Run ``n`` rows of random settings, keep them, and return them.

        Parameters
        ----------
        n
            How many.
        combos
            In the place of the default ones, or beside them.
        engine
            As for :class:`Sampler`, from now on.
        constants
            Further arguments for these rows; they become columns.
        sync
            False to keep the rows in memory only.
        missing_only
            Run those of the first ``n`` rows of the ledger that have no result: what an interrupted call has left, failed
            ones, and those that have never been begun. The same line, run again, ends with ``n`` rows.
        **case_runner_settings
            How to run; see :class:`headrace.sweeps.Runner`.

        Returns
        -------
        df : pandas.DataFrame
            Columns of arguments, constants, attributes and results; a row for each call.

        Raises
        ------
        StreamConfigError
            When results have axes, or names do not fit; for ``missing_only``, when nothing is on disk.
        SinkError
            When the disk takes no more. What was kept before stays.

        Notes
        -----
        Rows are given out once. Where a call is interrupted, those that have not been run stay out, and the next call
        draws rows of further numbers: ``missing_only`` runs them, in one process at a time.
        """
        self._again(engine)
        n = whole("a Sampler", n, "rows", "sample_combos(100)")
        settings = {name: value for name, value in case_runner_settings.items() if name not in ("to_df", "parse")}
        self.runner.labels.check_table()
        if seed_integer(settings.pop("seed", self.seed)) != self.seed:
            raise StreamConfigError(
                f"sample_combos got a seed, and the sampler has another, {self.seed}, wanted one for all rows."
                "\n  Give it to the sampler: Sampler(..., seed=)."
            )
        kept = self.ledger is not None and sync
        asked = {**self.default_combos, **parse_mapping(combos)}
        self._check(asked, constants)
        if kept:
            self._take_in()
            self._note_seed()
        elif missing_only:
            raise StreamConfigError(
                "sample_combos got missing_only=True, and keeps its rows in memory, wanted a ledger that knows what is missing."
                "\n  Give the sampler a data_name, and leave out sync=False."
            )
        key = self.key
        first = 0 if missing_only else self._reserve(n)
        numbers = self._missing(n) if missing_only else list(range(first, first + n))
        if not numbers and missing_only:
            df = self._table()
            self.last_df = None if df is None else df.iloc[:0].copy()
            return self.last_df
        names, columns = _drawn_at(asked, key, numbers)
        points = self._points(names, columns, constants, len(numbers))
        numbered, runner = points, self.runner
        if takes_rng(self.fn):
            rows = list(zip(*columns, numbers, strict=True))
            numbered = Points(None, rows, points.constants, fn_args=(*names, ROW))
            runner = like(self.runner, WithRow(self.fn, key.child("point")))
        made = (self._kept if kept else self._run)(runner, points, numbered, numbers, settings)
        self.last_df = made
        return made

    def _check(self, asked: Mapping[Any, Any], constants: Any) -> None:
        """Raise for arguments that do not fit, before rows are given out."""
        names = [part for name in asked for part in (name if isinstance(name, tuple) else (name,))]
        fixed, resources = {**(self.runner.constants or {}), **parse_mapping(constants)}, self.runner.resources or {}
        check_swept_once(self.fn, names, constants=fixed, resources=resources)
        check_arguments(self.fn, {**resources, **fixed, **dict.fromkeys(names)})

    def _note_seed(self) -> None:
        """Have the ledger know the seed; of several that begin at once without one, all go on with the first."""
        assert self.ledger is not None
        seed = self.ledger.note("seed")
        if seed is None:
            seed = self.ledger.noted("seed", self.seed)
        if self._drawn_seed:
            self._seed = seed

    def _missing(self, n: int) -> list[int]:
        """Return the numbers of those of the first rows that have no result; they are given out, if they were not."""
        assert self.ledger is not None
        first = self.ledger.note("first", 0)  # the rows before were replaced
        more = first + n - self.ledger.totals.reserved
        if more > 0:
            self.ledger.reserve(more)
        known = self.ledger.known(map(row_key, range(first, first + n)))
        return [number for number in range(first, first + n) if row_key(number) not in known]

    def _points(self, names: tuple[str, ...], columns: list[list[Any]], constants: Any, n: int) -> Points:
        if not names:
            return Points(cases=[{}] * n, constants={**(self.runner.constants or {}), **parse_mapping(constants)})
        rows = list(zip(*columns, strict=True))
        found: Points = self.runner.points(None, rows, constants, names)
        return found

    def _run(
        self, runner: Any, points: Points, numbered: Points, numbers: list[int], settings: Mapping[str, Any]
    ) -> Any:
        """Run rows in memory: results go straight into columns."""
        how, _ = runner._how(settings)
        columns = self._columns(points)
        task = Task(runner.fn, {**(runner.resources or {}), **points.constants}, how.key)
        try:
            self.failures_of_last = sweep(task, numbered, how, columns.take, owned=True)
        except BaseException:
            if columns.done.any():
                self._frames.append(self._frame(points, columns)[columns.done])
            raise
        made = self._frame(points, columns)
        if columns.done.any():
            self._frames.append(made if columns.done.all() else made[columns.done])
        return made

    def _frame(self, points: Points, columns: Columns) -> Any:
        return frame_of(points, columns, self.runner.labels, points.constants)

    def _columns(self, points: Points) -> Columns:
        found: Columns = self.runner.labels.columns(points, points.constants, table=True)
        return found

    def _kept(
        self, runner: Any, points: Points, numbered: Points, numbers: list[int], settings: Mapping[str, Any]
    ) -> Any:
        keys = list(map(row_key, numbers))
        columns = self._columns(points)
        told = {**settings, "seed": self.seed}  # which rows come from
        this = Round(runner, numbered, self.ledger, None, told, keys=keys, fn=self.fn)
        try:
            this.run()
        finally:
            self.failures_of_last = this.failures
            self._show()
        values = this.values()
        if values:
            columns.take(list(values), list(values.values()))
        return self._frame(points, columns)

    def __getstate__(self) -> dict[str, Any]:
        own = ("default_combos", "_seed", "_drawn_seed")
        return {**super().__getstate__(), **{name: self.__dict__[name] for name in own}}


def _drawn_at(asked: Mapping[Any, Any], key: Key, numbers: list[int]) -> tuple[tuple[str, ...], list[list[Any]]]:
    """Return the settings of rows as columns, whatever numbers these have."""
    if not numbers:
        return drawn(asked, key, 0, 0)
    first = numbers[0]
    names, columns = drawn(asked, key, first, numbers[-1] + 1 - first)
    if numbers[-1] + 1 - first == len(numbers):
        return names, columns
    return names, [[column[number - first] for number in numbers] for column in columns]
