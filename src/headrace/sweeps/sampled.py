"""Rows of results that are kept: what there is, what is added and removed, and the table that shows it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from headrace.core.optional import optional
from headrace.errors import DataError, StreamConfigError
from headrace.store.ledger import DONE, FAILED, Ledger, Point
from headrace.store.swap import real
from headrace.store.tables import load_df, write_df
from headrace.sweeps.exports import SMALL, Export
from headrace.sweeps.failures import Failure
from headrace.sweeps.places import remove_ledger
from headrace.sweeps.rows import begins_with, frame_of_points, joined, row_key, values_of
from headrace.sweeps.tables import check_table_name, save_table, table_engine

_KEEP: Final = 64 << 20  # bytes of rows up to which the table stays in memory between two looks


class Sampled:
    """Rows of results of a runner, in memory or in a ledger on disk.

    Parameters
    ----------
    runner, data_name, full_df, engine, allow_pickle
        As for :class:`headrace.sweeps.Sampler`.
    """

    def __init__(
        self,
        runner: Any,
        data_name: str | os.PathLike[str] | None = None,
        full_df: Any = None,
        engine: str | None = None,
        *,
        allow_pickle: bool = False,
    ) -> None:
        if not hasattr(runner, "run_combos"):
            raise StreamConfigError(
                f"Sampler(runner) got {runner!r}, wanted a Runner.\n  Write Sampler(Runner(fn, var_names), ...)."
            )
        self.runner: Any = runner
        self.data_name: str | None = None if data_name is None else os.fspath(data_name)
        self.engine: str | None = engine
        self.allow_pickle: bool = allow_pickle
        self.last_df: Any = None
        self.failures_of_last: list[Failure] = []
        self._begin()
        if full_df is not None:
            self.add_df(full_df, sync=self.data_name is None)

    def _begin(self) -> None:
        self._export: Export | None = None
        self._frames: list[Any] = []
        self._drawn = 0
        self._forget()
        self.ledger: Ledger | None = None
        if self.data_name is not None:
            check_table_name(self.data_name, self.engine)
            path = real(self.data_name)
            alone = self.engine is None and not path.suffix and not path.is_file()
            where = path if alone else path.with_name(f"{path.name}.ledger")
            readonly = where.exists() and not os.access(where, os.W_OK)
            self.ledger = Ledger(where, readonly=readonly, allow_pickle=self.allow_pickle)
            if not alone:
                self._export = Export(path, self.ledger, self._write_to)

    def _forget(self) -> None:
        """Read all rows anew."""
        self._full: tuple[int, Any] = (-1, None)
        self._keys: list[bytes] = []  # of its rows
        self._last_row = 0

    # --- what there is --------------------------------------------------------------------------

    @property
    def fn(self) -> Any:
        """The function."""
        return self.runner.fn

    @fn.setter
    def fn(self, fn: Callable[..., Any]) -> None:
        self.runner.fn = fn

    @property
    def full_df(self) -> Any:
        """All rows, as a ``pandas.DataFrame``; None when there are none."""
        if self.ledger is not None:
            self._take_in()
            if self._export is not None:
                self._export.show()  # what a file cannot hold is here all the same
        df = self._table()
        return None if df is None else df.copy()  # it is looked at again

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
        done = [point.key for point in points if point.state == DONE]
        if after and len(known) + len(done) != totals.rows - totals.failed:  # some were replaced or removed
            points, after = list(self.ledger.rows()), 0
            done = [point.key for point in points if point.state == DONE]
        fresh = frame_of_points(points)
        made = fresh if not after else joined([known, fresh]) if fresh is not None else known
        before = self._keys if after else []
        self._keys = [*before, *sorted(done)]
        if before and done and min(done) < before[-1]:  # of another process, which began these rows earlier
            at = sorted(range(len(self._keys)), key=self._keys.__getitem__)
            made = made.iloc[at].reset_index(drop=True)
            self._keys.sort()
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
        self._forget()
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
            raise StreamConfigError(
                "save_full_df was called of a sampler in memory, wanted one with a data_name.\n  Use export('foo.csv')."
            )
        self._again(engine)
        if new_full_df is None:
            frames, self._frames = self._frames, []
            for frame in frames:
                self._add(frame)
        else:
            before = [point.key for point in self.ledger.rows(values=False)]
            self._frames = []
            first = self.ledger.totals.reserved
            self._add(new_full_df)
            self.ledger.drop(before)
            self.ledger.set_note("first", first)  # so that none of them counts as missing
            self._forget()
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
                raise StreamConfigError(
                    "a sampler was told to export, and has no file, wanted a path.\n  Say export('foo.csv')."
                )
            self._take_in()
            self._export.refresh()
            return
        check_table_name(path, engine)
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
            df = self._loaded(path)
            if len(ledger):
                self._take_changes(df, half_written)
            elif len(df):
                self._add(df)

        self._export.take_in(add)

    def _loaded(self, path: Path) -> Any:
        try:
            return load_df(path, table_engine(path, self.engine))
        except (OSError, ImportError, StreamConfigError):
            raise
        except Exception as error:  # whatever the readers of pandas raise
            raise DataError(
                f"{path} cannot be read as {table_engine(path, self.engine)}: {type(error).__name__}: {error}, wanted a table."
                "\n  Move it away, or say engine= where the suffix does not."
            ) from error

    def _take_changes(self, df: Any, half_written: bool) -> None:
        """Take in the rows of a table that is not what was written: those after the ones that are known."""
        mine = self._table()
        rows = 0 if mine is None else len(mine)
        if half_written and len(df) <= rows:
            return
        if mine is not None and (
            len(df) < rows or not (begins_with(df, mine) or begins_with(df, self._read_back(mine)))
        ):
            raise DataError(
                f"{self.data_name} was changed by another program: its rows are not those of the ledger, wanted those, with more after them."
                "\n  Move it away, and it is written again; save_full_df(df) makes it all that there is."
            )
        if len(df) > rows:
            self._add(df.iloc[rows:])

    def _read_back(self, df: Any) -> Any:
        """Return a table as the file has it: text loses types."""
        assert self._export is not None
        with TemporaryDirectory() as folder:
            path = Path(folder) / self._export.path.name
            write_df(df, path, table_engine(path, self.engine))
            return self._loaded(path)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the function returns."""
        return self.runner(*args, **kwargs)

    def __getstate__(self) -> dict[str, Any]:
        kept = ("runner", "data_name", "engine", "allow_pickle")
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
