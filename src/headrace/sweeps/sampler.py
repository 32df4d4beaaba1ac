"""Random settings, run into a table that only grows."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from secrets import randbits
from typing import Any, Final

from headrace.core.functions import takes_rng
from headrace.core.key import Key, Seed, seed_integer
from headrace.core.optional import optional
from headrace.errors import DataError, StreamConfigError
from headrace.store.ledger import FAILED, Ledger, Point
from headrace.store.swap import real
from headrace.store.tables import load_df, write_df
from headrace.sweeps.drawn import WithRow, drawn
from headrace.sweeps.exports import SMALL, Export
from headrace.sweeps.failures import Failure
from headrace.sweeps.harvesting import ROW, Round, like
from headrace.sweeps.labels import frame_of
from headrace.sweeps.parse import parse_mapping
from headrace.sweeps.place import Columns
from headrace.sweeps.places import remove_ledger
from headrace.sweeps.points import Points
from headrace.sweeps.rows import begins_with, frame_of_points, joined, row_key, values_of
from headrace.sweeps.run import Task, sweep
from headrace.sweeps.tables import table_engine

_KEEP: Final = 64 << 20  # bytes of rows up to which the table stays in memory between two looks


class Sampler:
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
        if not hasattr(runner, "run_combos"):
            raise StreamConfigError(f"Sampler(runner) got {runner!r}, wanted a Runner: Runner(fn, var_names).")
        self.runner: Any = runner
        self.data_name: str | None = None if data_name is None else os.fspath(data_name)
        self.default_combos: dict[Any, Any] = parse_mapping(default_combos)
        self.engine: str | None = engine
        self.allow_pickle: bool = allow_pickle
        self.last_df: Any = None
        self.failures_of_last: list[Failure] = []
        self._seed: int | None = None if seed is None else seed_integer(seed)
        self._begin()
        if full_df is not None:
            self.add_df(full_df, sync=self.data_name is None)

    def _begin(self) -> None:
        self._export: Export | None = None
        self._frames: list[Any] = []
        self._drawn = 0
        self._full: tuple[int, Any] = (-1, None)
        self._last_row = 0
        self.ledger: Ledger | None = None
        if self.data_name is not None:
            path = real(self.data_name)
            alone = self.engine is None and not path.suffix and not path.is_file()
            where = path if alone else path.with_name(f"{path.name}.ledger")
            readonly = where.exists() and not os.access(where, os.W_OK)
            self.ledger = Ledger(where, readonly=readonly, allow_pickle=self.allow_pickle)
            if not alone:
                self._export = Export(path, self.ledger, self._write_to)

    # --- what there is --------------------------------------------------------------------------

    @property
    def fn(self) -> Any:
        """The function."""
        return self.runner.fn

    @fn.setter
    def fn(self, fn: Callable[..., Any]) -> None:
        self.runner.fn = fn

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
        return self._seed

    @property
    def key(self) -> Key:
        """The address of the seed."""
        return Key(self.seed).child("sampler")

    @property
    def full_df(self) -> Any:
        """All rows, as a ``pandas.DataFrame``; None when there are none."""
        if self.ledger is not None:
            self._take_in()
            if self._export is not None:
                self._export.refresh()
        return self._table()

    def _table(self) -> Any:
        pd = optional("pandas", "sweeps", "a Sampler")
        parts = list(self._frames)
        if self.ledger is not None:
            totals = self.ledger.totals
            if self._full[0] != totals.commits:
                self._full = (totals.commits, self._read(totals))
            if self._full[1] is not None:
                parts.insert(0, self._full[1])
        if len(parts) > 1:
            made = joined(parts)
            if self.ledger is None:
                self._frames = [made]
            return made
        return pd.concat(parts, ignore_index=True) if parts else None

    def _read(self, totals: Any) -> Any:
        """Return the table of the ledger; only what is new is read, where the rest is still in memory."""
        assert self.ledger is not None
        known, after = self._full[1], self._last_row
        if known is None:
            after = 0
        points = list(self.ledger.rows(after=after))
        fresh = frame_of_points(points)
        if after and len(known) + len(points) != totals.rows - totals.failed:  # some were replaced or removed
            points = list(self.ledger.rows())
            fresh, after = frame_of_points(points), 0
        made = fresh if not after else joined([known, fresh]) if fresh is not None else known
        self._last_row = 0 if totals.bytes > _KEEP else max([point.row for point in points], default=after)
        return made

    @property
    def failures(self) -> Any:
        """The rows whose call failed, as a ``pandas.DataFrame``: arguments, error, message, traceback."""
        pd = optional("pandas", "sweeps", "a Sampler")
        if self.ledger is None:
            return pd.DataFrame([failed.row() for failed in self.failures_of_last])
        rows = []
        for point in self.ledger.rows():
            if point.state == FAILED:
                told = dict(zip(("error", "message", "traceback"), point.value, strict=True))
                rows.append({**dict(zip(point.layout["args"], point.coords, strict=True)), **told})
        return pd.DataFrame(rows)

    # --- sampling -------------------------------------------------------------------------------

    def gen_cases_fnargs(self, n: int, combos: Any = None) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """Return the settings of the next ``n`` rows: the names of arguments, and a tuple of values for each row."""
        first = self._drawn if self.ledger is None else self.ledger.totals.reserved
        names, columns = drawn({**self.default_combos, **parse_mapping(combos)}, self.key, first, _count(n))
        return names, list(zip(*columns, strict=True)) if columns else [()] * n

    def sample_combos(
        self,
        n: int,
        combos: Any = None,
        engine: str | None = None,
        *,
        constants: Any = (),
        sync: bool = True,
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
        **case_runner_settings
            How to run; see :class:`headrace.sweeps.Runner`.

        Returns
        -------
        df : pandas.DataFrame
            Columns of arguments, constants, attributes and results; a row for each call.

        Raises
        ------
        StreamConfigError
            When results have axes, or names do not fit.
        SinkError
            When the disk takes no more. What was kept before stays.
        """
        self._again(engine)
        n = _count(n)
        settings = {name: value for name, value in case_runner_settings.items() if name not in ("to_df", "parse")}
        self.runner.labels.check_table()
        kept = self.ledger is not None and sync
        key = self.key
        if self.ledger is not None and kept:
            self._take_in()
            if self.ledger.note("seed") is None:
                self.ledger.set_note("seed", self.seed)
        first = self._reserve(n)
        names, columns = drawn({**self.default_combos, **parse_mapping(combos)}, key, first, n)
        points = self._points(names, columns, constants, n)
        numbered, runner = points, self.runner
        if takes_rng(self.fn):
            rows = list(zip(*columns, range(first, first + n), strict=True))
            numbered = Points(None, rows, points.constants, fn_args=(*names, ROW))
            runner = like(self.runner, WithRow(self.fn, key.child("point")))
        made = (self._kept if kept else self._run)(runner, points, numbered, first, settings)
        self.last_df = made
        return made

    def _points(self, names: tuple[str, ...], columns: list[list[Any]], constants: Any, n: int) -> Points:
        if not names:
            return Points(cases=[{}] * n, constants={**(self.runner.constants or {}), **parse_mapping(constants)})
        rows = list(zip(*columns, strict=True))
        found: Points = self.runner.points(None, rows, constants, names)
        return found

    def _run(self, runner: Any, points: Points, numbered: Points, first: int, settings: Mapping[str, Any]) -> Any:
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

    def _kept(self, runner: Any, points: Points, numbered: Points, first: int, settings: Mapping[str, Any]) -> Any:
        keys = [row_key(first + i) for i in range(len(points))]
        columns = self._columns(points)
        this = Round(runner, numbered, self.ledger, None, settings, keys=keys, fn=self.fn)
        try:
            this.run()
        finally:
            self.failures_of_last = this.failures
            self._show()
        values = this.values()
        if values:
            columns.take(list(values), list(values.values()))
        return self._frame(points, columns)

    def _reserve(self, n: int) -> int:
        if self.ledger is not None:
            point = self.ledger.first()
            if point is not None and len(point.key) != len(row_key(0)):
                raise StreamConfigError(
                    f"the sampler {self.data_name} is that of a Harvester, whose points have a grid, wanted rows, or a name that "
                    "is free.\n  Choose another data_name, or use Harvester."
                )
            return self.ledger.reserve(n)
        first, self._drawn = self._drawn, self._drawn + n
        return first

    def _show(self) -> None:
        """Write the file, if it is small enough to be written after each call; Ctrl-C waits for it."""
        if self.ledger is None or self._export is None:
            return
        size = self._export.path.stat().st_size if self._export.path.exists() else 0
        if max(self.ledger.totals.bytes, size) <= SMALL:
            self._export.show()

    def _again(self, engine: str | None) -> None:
        if engine is not None:
            self.engine = engine

    # --- adding, removing -----------------------------------------------------------------------

    def add_df(self, new_df: Any, sync: bool = True, engine: str | None = None) -> None:
        """Add rows.

        Parameters
        ----------
        new_df
            A ``pandas.DataFrame``, or a dict of columns.
        sync
            False to keep them in memory only.
        engine
            As for :class:`Sampler`, from now on.
        """
        pd = optional("pandas", "sweeps", "a Sampler")
        self._again(engine)
        df = new_df if isinstance(new_df, pd.DataFrame) else pd.DataFrame(new_df)
        if self.ledger is None or not sync:
            self._frames.append(df.reset_index(drop=True))
            return
        self._take_in()
        self._add(df)
        self._show()

    def _add(self, df: Any) -> None:
        assert self.ledger is not None
        names = [str(name) for name in df.columns]
        outputs = [name for name in names if name in (self.runner.var_names or ())]
        args = [name for name in names if name not in outputs]
        first = self._reserve(len(df))
        columns = {name: values_of(df[label]) for name, label in zip(names, df.columns, strict=True)}
        points = [
            Point(
                row_key(first + i),
                tuple(columns[name][i] for name in args),
                tuple(columns[name][i] for name in outputs),
            )
            for i in range(len(df))
        ]
        layout = {"args": args, "vars": outputs, "dims": {}, "coords": {}, "attrs": {}, "constants": {}, "order": {}}
        self.ledger.put(points, layout=layout, session={"host": None, "added": True})

    def delete_df(self, backup: bool = False) -> None:
        """Remove all rows, on disk too.

        Parameters
        ----------
        backup
            Move them to ``<name>.BAK-YYYYmmdd-HHMMSS`` instead.
        """
        if self.ledger is not None:
            remove_ledger(self.ledger, self._export, backup)
        self._begin()

    # --- files ----------------------------------------------------------------------------------

    def load_full_df(self, engine: str | None = None) -> None:
        """Read what is on disk anew; rows that are in memory only are given up."""
        self._again(engine)
        self._full, self._last_row = (-1, None), 0
        if self.ledger is not None:
            self._frames = []

    def save_full_df(self, new_full_df: Any = None, engine: str | None = None) -> None:
        """Write what is in memory only, and the file; or make ``new_full_df`` all that there is.

        Raises
        ------
        StreamConfigError
            When the sampler has no ``data_name``.
        """
        if self.ledger is None:
            raise StreamConfigError("save_full_df of a sampler in memory, wanted one with a data_name.")
        self._again(engine)
        if new_full_df is None:
            frames, self._frames = self._frames, []
            for frame in frames:
                self._add(frame)
        else:
            before = [point.key for point in self.ledger.rows(values=False)]
            self._frames = []
            self._add(new_full_df)
            self.ledger.drop(before)
            self._full, self._last_row = (-1, None), 0
        if self._export is not None:
            self._export.refresh()

    def export(self, path: str | os.PathLike[str] | None = None, engine: str | None = None) -> None:
        """Write all rows as a table.

        Parameters
        ----------
        path
            By default that of the sampler.
        engine
            As for :class:`Sampler`; by default it goes by the suffix.

        Raises
        ------
        StreamConfigError
            When there is no path.
        """
        if path is None:
            if self._export is None:
                raise StreamConfigError("export of a sampler without a file, wanted a path: export('foo.csv').")
            self._take_in()
            self._export.refresh()
            return
        from headrace.sweeps.tables import save_table

        df = self._table()
        save_table(optional("pandas", "sweeps", "a Sampler").DataFrame() if df is None else df, path, engine)

    def _write_to(self, path: Path) -> None:
        df = self._table()
        df = optional("pandas", "sweeps", "a Sampler").DataFrame() if df is None else df
        write_df(df, path, table_engine(path, self.engine))

    def _take_in(self) -> None:
        """Take in a table that was there before the ledger, or rows that somebody else has added since."""
        ledger = self.ledger
        if self._export is None or ledger is None:
            return

        def add(path: Path, half_written: bool) -> None:
            df = load_df(path, table_engine(path, self.engine))
            if len(ledger):
                self._take_changes(df, half_written)
            elif len(df):
                self._add(df)

        self._export.take_in(add)

    def _take_changes(self, df: Any, half_written: bool) -> None:
        """Take in the rows of a table that is not what was written: those after the ones that are known."""
        mine = self._table()
        rows = 0 if mine is None else len(mine)
        if half_written and len(df) <= rows:
            return
        if mine is not None and (len(df) < rows or not begins_with(df, mine)):
            raise DataError(
                f"{self.data_name} was changed by another program: its rows are not those of the ledger, with more after them."
                "\n  Move it away, and it is written again; save_full_df(df) makes it all that there is."
            )
        if len(df) > rows:
            self._add(df.iloc[rows:])

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the function returns."""
        return self.runner(*args, **kwargs)

    def __getstate__(self) -> dict[str, Any]:
        kept = ("runner", "data_name", "default_combos", "engine", "allow_pickle", "_seed")
        told = {name: self.__dict__[name] for name in kept}
        return {**told, "rows": self._table() if self.ledger is None else None, "drawn": self._drawn}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__dict__.update({name: value for name, value in state.items() if name not in ("rows", "drawn")})
        self.last_df, self.failures_of_last = None, []
        self._begin()
        self._drawn = state["drawn"]
        if state["rows"] is not None:
            self._frames = [state["rows"]]

    def __repr__(self) -> str:
        return f"<{__name__.partition('.')[0]}.Sampler>\n{self.runner!r}\n    data_name: {self.data_name}\n    engine: {self.engine}"


def _count(n: Any) -> int:
    if isinstance(n, bool) or not hasattr(n, "__index__") or int(n) < 0:
        raise StreamConfigError(f"a Sampler got n={n!r}, wanted how many rows, a whole number of at least 0.")
    return int(n)
