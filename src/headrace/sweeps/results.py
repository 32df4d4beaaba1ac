"""Results that are kept: what there is, what is added and removed, and the files that show it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from headrace.core.optional import optional
from headrace.errors import StreamConfigError
from headrace.store.datasets import save_ds
from headrace.store.ledger import FAILED, Ledger, Point
from headrace.store.ledger_salvage import Damage
from headrace.sweeps.editing import as_dataset, dropped, expanded
from headrace.sweeps.kept import Kept
from headrace.sweeps.merging import check_overwrite
from headrace.sweeps.parse import parse_mapping
from headrace.sweeps.places import remove_ledger
from headrace.sweeps.tables import check_suffix, is_table, save_table
from headrace.sweeps.view import Frame, failures_of, table_of, timings_of
from headrace.sweeps.waiting import Waiting


class Results(Kept):
    """Results of a runner, in memory or in a ledger on disk.

    Parameters
    ----------
    runner, data_name, chunks, engine, full_ds, allow_pickle
        As for :class:`headrace.sweeps.Harvester`.
    """

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

        Its arrays are read-only, as it is the same until something is harvested. What is added to it, a variable or an
        attribute, is kept by :meth:`save_full_ds`.

        Raises
        ------
        DataError
            When its grid has more than 10^8 places: use :attr:`table`.
        """
        self._take_in(None)
        self._full()
        if self._export is not None:
            self._export.show()  # what a file cannot hold is here all the same
        return self._ds[2]

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
            self._write_pending(rule)
        self._add(as_dataset(new_ds), rule, sync=sync)
        if sync:
            self._show(rule)

    def expand_dims(self, name: str, value: Any, engine: str | None = None) -> None:
        """Give all results one more argument, which has been ``value`` so far; written at once.

        Raises
        ------
        StreamConfigError
            When there is such an argument already, or a result or an axis of this name.
        """
        self._again(None, engine)
        self._take_in(None)
        self._write_pending()
        expanded(self.ledger, name, value, self._who)
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

    def delete_ds(self, backup: bool = False) -> None:
        """Remove all results, on disk too: the ledger and the dataset, and nothing else that is in its folder.

        Parameters
        ----------
        backup
            Move them to ``<name>.BAK-YYYYmmdd-HHMMSS`` instead.

        Raises
        ------
        SinkError
            When what has the name is neither a ledger nor a dataset; nothing is removed then.
        """
        if isinstance(self.ledger, Ledger):
            remove_ledger(self.ledger, self._export, backup)
        self._begin()

    # --- files ----------------------------------------------------------------------------------

    def load_full_ds(self, chunks: Any = None, engine: str | None = None) -> None:
        """Read what is on disk anew; results that wait to be written are given up.

        Raises
        ------
        OSError
            When the dataset is there and may not be written to: what is harvested could not be shown in it.
        """
        self._again(chunks, engine)
        if self._export is not None and self._export.path.exists() and not os.access(self._export.path, os.W_OK):
            raise PermissionError(13, "there is a dataset that may not be written to", str(self._export.path))
        self._pending = Waiting()
        self._view.forget()
        self._ds = (None, None, None)

    def save_full_ds(self, new_full_ds: Any = None, engine: str | None = None) -> None:
        """Write what waits to be written, what was changed in ``full_ds``, and the file.

        Parameters
        ----------
        new_full_ds
            Make this all that there is, in one step; by default ``full_ds``, where that was changed.
        engine
            As for :meth:`harvest_combos`.

        Raises
        ------
        StreamConfigError
            When the harvester has no ``data_name``.
        """
        if self.data_name is None:
            raise StreamConfigError("save_full_ds of a harvester in memory, wanted one with a data_name.")
        self._again(None, engine)
        edited = new_full_ds is None and self._edited()
        if new_full_ds is None:
            self._take_in(None)
            self._write_pending()
        if edited or new_full_ds is not None:
            self._replace(as_dataset(self._ds[2] if edited else new_full_ds))
        if self._export is not None:
            self._export.refresh(over=True)

    def salvage(self) -> list[Damage]:
        """Keep what is whole of a ledger that a disk has damaged, and let go of the rest, which can be run again.

        Returns
        -------
        damages : list of Damage
            What was lost: ``settings`` where these can still be read, and ``what`` was wrong; [] when all is well.

        Raises
        ------
        DamageError
            When nothing can be read at all.
        SinkError
            When the disk takes no more.

        Notes
        -----
        The database that was there is kept, as ``ledger.db.damaged-...`` in the folder of the ledger. To have lost points
        anew: ``harvest_combos(..., missing_only=True)``.
        """
        found: list[Damage] = self.ledger.salvage()
        if found:
            self._changed()
        return found

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
        if isinstance(self.ledger, Ledger) and not self.ledger.readonly and self.ledger.exists:
            self.ledger.tidy()  # arrays that nothing speaks of any more
        if path is None:
            if self._export is None:
                raise StreamConfigError(
                    f"{self._who} was told to export, and has no file, wanted a path.\n  Say export('foo.h5')."
                )
            self._export.refresh()
            return
        check_suffix(path, engine)
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

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the function returns."""
        return self.runner(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<{__name__.partition('.')[0]}.Harvester>\n{self.runner!r}\n    data_name: {self.data_name}\n    engine: {self.engine}"
