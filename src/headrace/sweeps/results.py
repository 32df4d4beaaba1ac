"""Results that are kept: what there is, what is added and removed, and the files that show it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from headrace.core.notes import warn
from headrace.core.optional import optional
from headrace.errors import StreamConfigError
from headrace.store.datasets import load_ds, save_ds
from headrace.store.datasets import write as write_ds
from headrace.store.ledger import FAILED, Ledger, Point
from headrace.store.ledger_memory import MemoryLedger
from headrace.store.names import dataset_path
from headrace.sweeps.editing import add_dataset, as_dataset, dropped, expanded
from headrace.sweeps.exports import MANY, SMALL, Export, places_of, remove_ledger
from headrace.sweeps.failures import Failure
from headrace.sweeps.growing import Growing
from headrace.sweeps.harvesting import Round
from headrace.sweeps.ingest import points_of
from headrace.sweeps.merging import Conflict, check_overwrite, merger, raise_conflicts
from headrace.sweeps.parse import parse_mapping
from headrace.sweeps.tables import is_table, save_table
from headrace.sweeps.view import Frame, View, failures_of, table_of, timings_of


class Results:
    """Results of a runner, in memory or in a ledger on disk.

    Parameters
    ----------
    runner, data_name, chunks, engine, full_ds, allow_pickle
        As for :class:`headrace.sweeps.Harvester`.
    """

    def __init__(
        self,
        runner: Any,
        data_name: str | os.PathLike[str] | None = None,
        chunks: Any = None,
        engine: str | None = None,
        full_ds: Any = None,
        *,
        allow_pickle: bool = False,
    ) -> None:
        if not hasattr(runner, "run_combos"):
            raise StreamConfigError(f"Harvester(runner) got {runner!r}, wanted a Runner: Runner(fn, var_names).")
        self.runner: Any = runner
        self.data_name: str | None = None if data_name is None else os.fspath(data_name)
        self.chunks: Any = chunks
        self.engine: str | None = engine
        self.allow_pickle: bool = allow_pickle
        self.failures_of_last: list[Failure] = []
        self._begin()
        if full_ds is not None:
            self._add(as_dataset(full_ds), None, sync=self.data_name is None)

    def _begin(self) -> None:
        self._export: Export | None = None
        self._pending = MemoryLedger()
        self._last: Round | None = None
        self._last_ds: Any = None
        self._ds: tuple[Any, Any] = (None, None)
        self.ledger: Ledger | MemoryLedger
        if self.data_name is None:
            self.ledger = MemoryLedger()
        else:
            shown, where, self._source = places_of(self.data_name, self.engine)
            readonly = where.exists() and not os.access(where, os.W_OK)
            self.ledger = Ledger(where, readonly=readonly, allow_pickle=self.allow_pickle)
            if shown is not None:
                self._export = Export(shown, self.ledger, self._write_to)
        self._view = View(self.ledger)
        self._growing = Growing(self.ledger)

    # --- what there is --------------------------------------------------------------------------

    @property
    def fn(self) -> Any:
        """The function."""
        return self.runner.fn

    @fn.setter
    def fn(self, fn: Callable[..., Any]) -> None:
        self.runner.fn = fn

    @property
    def last_ds(self) -> Any:
        """What the last harvest gave, as a dataset; None before the first."""
        if self._last is not None:
            done, self._last = self._last, None
            self._last_ds = self.runner.last_ds = self.runner.labelled(done.points, done.values())
        return self._last_ds

    @property
    def full_ds(self) -> Any:
        """All results as a labelled dataset, with NaN, NaT or None where there are none; None when there are none at all.

        Raises
        ------
        DataError
            When its grid has more than 10^8 places: use :attr:`table`.
        """
        self._take_in(None)
        if self._export is not None:
            self._export.refresh()
        return self._full()

    def _full(self) -> Any:
        now = (self.ledger.totals.commits, self._pending.totals.commits)
        if self._ds[0] != now:
            made = self._dataset(self._done())
            if made is not None and self.chunks is not None:
                optional("dask", "cluster", "Harvester(chunks=)")
                made = made.chunk(self.chunks)
            self._ds = (now, made)
        return self._ds[1]

    def _done(self, *, values: bool = False) -> list[Point]:
        """Return the points with results, those that wait to be written among them."""
        if not len(self._pending):
            return self._view.done(values=values)
        both = MemoryLedger()
        for ledger in (self.ledger, self._pending):
            for point in ledger.rows():
                both.put([point], layout=point.layout, session=point.session, merge=merger(self._rule, []))
        return View(both).done()

    _rule: bool | None = None  # what results that wait do to those that are there

    def _dataset(self, done: list[Point]) -> Any:
        if not done:
            return None
        frame = Frame(done)
        held = done if all(point.value is not None for point in done) else self.ledger.rows()
        return frame.dataset((each.key, each.layout["vars"], each.value) for each in held if each.state != FAILED)

    @property
    def done(self) -> Any:
        """Where there are results, as an ``xarray.DataArray`` of booleans: a result that is NaN is one.

        Raises
        ------
        DataError
            When its grid has more than 10^8 places.
        """
        self._take_in(None)
        done = self._done()
        return Frame([*done, *self._failed_points()]).mask([point.key for point in done])

    @property
    def table(self) -> Any:
        """All results as a ``pandas.DataFrame``: a row for each point, in the order in which they came, every type exact."""
        self._take_in(None)
        return table_of(self._done(values=True))

    def _failed_points(self) -> list[Point]:
        return [point for point in self._view.points().values() if point.state == FAILED]

    @property
    def failures(self) -> Any:
        """The points whose last call failed, as a ``pandas.DataFrame``: arguments, error, message, traceback."""
        return failures_of(self._view.points().values())

    @property
    def timings(self) -> Any:
        """Where each point comes from, as a ``pandas.DataFrame``: seconds, moment, host, process, code, constants, seed."""
        return timings_of(self._view.points(values=False).values())

    # --- adding, removing -----------------------------------------------------------------------

    def add_ds(
        self,
        new_ds: Any,
        sync: bool = True,
        overwrite: bool | None = None,
        chunks: Any = None,
        engine: str | None = None,
    ) -> None:
        """Add the results that are in a dataset, or a data array.

        Parameters
        ----------
        new_ds
            With an axis for each argument. Places where every variable is NaN, NaT or None are no results.
        sync, overwrite, chunks, engine
            As for :meth:`harvest_combos`.

        Raises
        ------
        DataError
            When results differ and ``overwrite`` is None; nothing is added then. Also when axes do not fit.
        """
        self._again(chunks, engine)
        rule = check_overwrite(overwrite)
        self._take_in(rule)
        if sync:
            self._write_pending()
        self._add(as_dataset(new_ds), rule, sync=sync)
        if sync:
            self._show()

    def _add(self, ds: Any, rule: bool | None, *, sync: bool) -> None:
        self._rule = rule
        add_dataset(self.ledger if sync else self._pending, ds, self.runner, self._args(), rule, self._who)

    def expand_dims(self, name: str, value: Any, engine: str | None = None) -> None:
        """Give all results one more argument, which has been ``value`` so far; written at once.

        Raises
        ------
        StreamConfigError
            When there is such an argument already.
        """
        self._again(None, engine)
        self._take_in(None)
        self._write_pending()
        if name in (self._args() or ()):
            raise StreamConfigError(
                f"{self._who} got the new argument {name!r}, and has it already, wanted another name."
            )

        expanded(self.ledger, name, value)
        self._changed()

    def drop_sel(
        self, labels: Any = None, *, errors: str = "raise", engine: str | None = None, **labels_kwargs: Any
    ) -> None:
        """Remove all results at some values of arguments; written at once.

        Parameters
        ----------
        labels, **labels_kwargs
            For each argument, a value or several.
        errors
            ``"raise"`` or ``"ignore"`` for values that are not there.

        Raises
        ------
        KeyError
            When a value is not there.
        """
        self._again(None, engine)
        self._take_in(None)
        self._write_pending()
        wanted = {**parse_mapping(labels), **labels_kwargs}
        dropped(self.ledger, wanted, errors == "raise", self._who)
        self._changed()

    def _changed(self) -> None:
        self._view.forget()
        self._show()

    def delete_ds(self, backup: bool = False) -> None:
        """Remove all results, on disk too.

        Parameters
        ----------
        backup
            Move them to ``<name>.BAK-YYYYmmdd-HHMMSS`` instead.
        """
        if isinstance(self.ledger, Ledger):
            remove_ledger(self.ledger, self._export, backup)
        self._begin()

    # --- files ----------------------------------------------------------------------------------

    def load_full_ds(self, chunks: Any = None, engine: str | None = None) -> None:
        """Read what is on disk anew; results that wait to be written are given up."""
        self._again(chunks, engine)
        self._pending = MemoryLedger()
        self._view.forget()
        self._ds = (None, None)

    def save_full_ds(self, new_full_ds: Any = None, engine: str | None = None) -> None:
        """Write what waits to be written, and the file; or make ``new_full_ds`` all that there is.

        Raises
        ------
        StreamConfigError
            When the harvester has no ``data_name``.
        """
        if self.data_name is None:
            raise StreamConfigError("save_full_ds of a harvester in memory, wanted one with a data_name.")
        self._again(None, engine)
        self._take_in(None)
        if new_full_ds is None:
            self._write_pending()
        else:
            before = {point.key for point in self.ledger.rows(values=False)}
            self._pending = MemoryLedger()
            ds = as_dataset(new_full_ds)
            self._add(ds, True, sync=True)
            stay = {point.key for point in points_of(ds, self._args() or ())}
            self.ledger.drop(before - stay)
            self._view.forget()
        if self._export is not None:
            self._export.refresh()

    def export(self, path: str | os.PathLike[str] | None = None, engine: str | None = None) -> None:
        """Write all results as a dataset, or, by the suffix of ``path``, as a table (``.csv``, ``.parquet``, ``.pkl``...).

        Parameters
        ----------
        path
            By default that of the harvester.
        engine
            As for :func:`headrace.store.save_ds`, or :func:`headrace.store.save_df`; by default it goes by the suffix.

        Raises
        ------
        StreamConfigError
            When there is no path.
        """
        self._take_in(None)
        self._write_pending()
        if path is None:
            if self._export is None:
                raise StreamConfigError(
                    f"{self._who} was told to export, and has no file, wanted a path.\n  Say export('foo.h5')."
                )
            self._export.refresh()
            return
        if is_table(path, engine):
            save_table(self.table, path, engine)
            return
        ds = self._full()
        save_ds(
            optional("xarray", "sweeps", "export").Dataset() if ds is None else ds,
            path,
            engine,
            allow_pickle=self.allow_pickle,
        )

    def _write_to(self, path: Path) -> None:
        ds = self._growing.dataset() if self._is_light() else self._dataset(self._view.done())
        if ds is None:
            ds = optional("xarray", "sweeps", "a harvest").Dataset()
        write_ds(ds, path, self.engine, allow_pickle=self.allow_pickle)

    def _write_pending(self) -> None:
        """Write what was harvested without ``sync``."""
        if not len(self._pending):
            return
        conflicts: list[Conflict] = []
        for point in self._pending.rows():
            self.ledger.put([point], layout=point.layout, session=point.session, merge=merger(self._rule, conflicts))
        self._pending = MemoryLedger()
        raise_conflicts(conflicts, self._who)

    def _take_in(self, rule: bool | None) -> None:
        """Take in a dataset that was there before the ledger, or that somebody else has written since."""
        if self.ledger.readonly:
            return
        if self._export is None:
            source = self._source if self.data_name is not None else None
            if source is not None and not self.ledger.exists and source.exists():
                warn(f"{source} is taken into the ledger {self.data_name}; it stays as it is.")
                self._add(load_ds(source, allow_pickle=self.allow_pickle), rule, sync=True)
            return

        def add(path: Path, half_written: bool) -> None:
            ds = load_ds(path, allow_pickle=self.allow_pickle)
            if len(ds.data_vars):
                self._add(ds, False if half_written else rule, sync=True)

        self._export.take_in(add)

    @property
    def _who(self) -> str:
        return "a harvest" if self.data_name is None else f"the harvest {self.data_name}"

    def _again(self, chunks: Any, engine: str | None) -> None:
        if chunks is not None:
            self.chunks = chunks
        if engine is not None and engine != self.engine:
            self.engine = engine
            if self._export is not None:
                dataset_path(self._export.path, engine)  # raises for one that there is not

    def _show(self) -> None:
        """Write the file, if it is small enough to be written after each harvest; Ctrl-C waits for it."""
        if self._export is None or self.ledger.readonly:
            return
        if self._is_light():
            self._export.show(self._is_small)
        else:
            self._growing.forget()

    def _is_light(self) -> bool:
        """Tell whether the points are few enough to be held in memory for the next time the file is written."""
        totals = self.ledger.totals
        return bool(totals.bytes <= SMALL and totals.rows <= MANY)

    def _is_small(self) -> bool:
        """Tell whether the file is small enough to be written after each harvest, without making it."""
        totals = self.ledger.totals
        return self._growing.cells() * max(8.0, totals.bytes / max(1, totals.rows)) <= SMALL

    def _args(self) -> tuple[str, ...] | None:
        """Return the arguments of the points that are there; None when there are none."""
        for ledger in (self.ledger, self._pending):
            point = ledger.first()
            if point is not None:
                return tuple(point.layout["args"])
        return None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the function returns."""
        return self.runner(*args, **kwargs)

    def __getstate__(self) -> dict[str, Any]:
        kept = ("runner", "data_name", "chunks", "engine", "allow_pickle")
        told = {name: self.__dict__[name] for name in kept}
        return {**told, "ledger": self.ledger if self.data_name is None else None}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        held = state["ledger"]
        self.__dict__.update({name: value for name, value in state.items() if name != "ledger"})
        self.failures_of_last = []
        self._begin()
        if held is not None:
            self.ledger = held
            self._view = View(held)

    def __repr__(self) -> str:
        return f"<{__name__.partition('.')[0]}.Harvester>\n{self.runner!r}\n    data_name: {self.data_name}\n    engine: {self.engine}"
