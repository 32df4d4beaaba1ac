"""What a harvester holds: a ledger, what waits to be written to it, and the file that shows it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from headrace.core.notes import warn
from headrace.core.optional import optional
from headrace.errors import DataError, StreamConfigError
from headrace.store.datasets import write as write_ds
from headrace.store.ledger import FAILED, Ledger, Point
from headrace.store.ledger_memory import MemoryLedger
from headrace.store.names import dataset_path
from headrace.sweeps.beside import (
    ATTRS,
    as_one,
    attrs_beside,
    dataset_there,
    gaps,
    joined_attrs,
    keep_arrays,
    with_attrs,
)
from headrace.sweeps.editing import add_dataset, as_dataset, same_args
from headrace.sweeps.exports import MANY, SMALL, Export
from headrace.sweeps.failures import Failure
from headrace.sweeps.growing import Growing
from headrace.sweeps.harvesting import Round
from headrace.sweeps.merging import merger
from headrace.sweeps.places import places_of
from headrace.sweeps.view import Frame, View
from headrace.sweeps.waiting import Waiting

_KEY: Final = 16  # bytes that a Harvester knows a point by: a Sampler's rows have eight


class Kept:
    """A ledger, in memory or on disk, results that wait to be written, and the dataset that shows it all.

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
        self._pending = Waiting()
        self._last: Round | None = None
        self._last_ds: Any = None
        self._ds: tuple[Any, Any, Any] = (None, None, None)
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

    def _full(self) -> Any:
        """Return the dataset of all results, which nobody changes; what users are given is another, of the same arrays."""
        now = (self.ledger.totals.commits, self._pending.totals.commits)
        if self._ds[0] != now:
            if self._edited():
                warn(
                    f"{self._who} has new results, and what was changed in full_ds before is not in it any more."
                    "\n  Say save_full_ds() after a change, before the next harvest."
                )
            made = self._dataset(self._done())
            if made is not None:
                keep_arrays(made)
                if self.chunks is not None:
                    optional("dask", "cluster", "Harvester(chunks=)")
                    made = made.chunk(self.chunks)
            self._ds = (now, made, None if made is None else made.copy())
        return self._ds[1]

    def _edited(self) -> bool:
        """Tell whether the user has changed the dataset that they were given."""
        _, made, given = self._ds
        return given is not None and not given.identical(made)

    def _done(self, *, values: bool = False) -> list[Point]:
        """Return the points with results, those that wait to be written among them."""
        if not len(self._pending):
            return self._view.done(values=values)
        both = MemoryLedger()
        for ledger in (self.ledger, self._pending):
            alike = groupby(ledger.rows(), lambda p: (id(p.layout), id(p.session), self._pending.rule_of(p)))
            for (_, _, rule), some in alike:
                points = list(some)
                both.put(points, layout=points[0].layout, session=points[0].session, merge=merger(rule, []))
        return View(both).done()

    def _dataset(self, done: list[Point]) -> Any:
        if not done:
            return None
        frame = Frame(done)
        held = done if all(point.value is not None for point in done) else self.ledger.rows()
        values = ((each.key, each.layout["vars"], each.value) for each in held if each.state != FAILED)
        made = as_one(lambda: frame.dataset(values), self._who, done)
        return with_attrs(made, self.ledger.note(ATTRS, {}))

    def _add(self, ds: Any, rule: bool | None, *, sync: bool, source: str | None = None, holes: bool = False) -> None:
        self._pending.rule = rule
        to = self.ledger if sync else self._pending
        add_dataset(to, ds, self.runner, self._args(), rule, self._who, source=source, holes=holes)

    def _changed(self) -> None:
        self._view.forget()
        self._show()

    def _replace(self, ds: Any) -> None:
        """Make a dataset all that there is."""
        known = self._args()
        known = known if known is not None and set(known) <= set(ds.dims) else None
        add_dataset(self.ledger, ds, self.runner, known, True, self._who, only=True)
        self.ledger.set_note(ATTRS, None)
        self._pending = Waiting()
        self._view.forget()
        self._ds = (None, None, None)
        self._note_attrs(ds)

    def _note_attrs(self, ds: Any) -> bool:
        """Note the attributes of a dataset that ours has not; return whether it holds more than ours can."""
        ours = self._full()
        if ours is None:
            return False
        more = attrs_beside(ds, ours)
        if more:
            noted = self.ledger.note(ATTRS, {})
            self.ledger.set_note(ATTRS, joined_attrs(noted, more), counts=True)
        return not set(ds.variables) <= set(ours.variables)

    def _write_to(self, path: Path) -> None:
        if self._is_light():
            made = as_one(self._growing.dataset, self._who, self._view.done)
            ds = with_attrs(made, self.ledger.note(ATTRS, {}))
        else:
            ds = self._dataset(self._view.done())
        if ds is None:
            ds = optional("xarray", "sweeps", "a harvest").Dataset()
        write_ds(ds, path, self.engine, allow_pickle=self.allow_pickle)

    def _write_pending(self, rule: bool | None = None) -> None:
        """Write what was harvested without ``sync``; ``rule`` is for what came without one and differs."""
        if len(self._pending):
            self._pending.write(self.ledger, self._who, rule, lambda args: same_args(self.ledger, args, self._who))

    def _take_in(self, rule: bool | None) -> None:
        """Take in a dataset that was there before the ledger, or that somebody else has written since."""
        if self.ledger.readonly:
            return
        if self._export is None:
            source = self._source if self.data_name is not None else None
            # Not whether there is a ledger: one that was killed here has been begun, and has nothing in it.
            if source is not None and source.exists() and not self.ledger.totals.commits:
                ds = dataset_there(source, self.allow_pickle)
                if len(ds.data_vars):
                    warn(f"{source} is taken into the ledger {self.data_name}; it stays as it is.")
                    self._add(ds, rule, sync=True, holes=True)
                    self._note_attrs(ds)
            return
        export = self._export

        def add(path: Path, half_written: bool) -> bool:
            ds = dataset_there(path, self.allow_pickle)
            if not len(ds.data_vars):
                return False
            before = self._full() if export.fresh and not half_written else None
            self._add(ds, False if half_written else rule, sync=True, source=str(path), holes=True)
            if before is not None:
                told.extend(gaps(before, ds, path))
            return self._note_attrs(ds)

        told: list[str] = []
        export.take_in(add)
        for text in told:  # only now, when it is known that it was taken in
            warn(text)

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

    def _show(self, rule: bool | None = None) -> None:
        """Write the file, if it is small enough to be written after each harvest; Ctrl-C waits for it."""
        if self._export is None or self.ledger.readonly:
            return
        try:
            self._take_in(rule)  # what somebody has written there while we harvested
        except DataError as error:
            warn(f"{self._export.path} was changed by another program meanwhile, and is left as it is: {error}")
            return
        if self._is_light():
            self._export.show(self._is_small)
        else:
            self._growing.forget()

    def _is_light(self) -> bool:
        """Tell whether the points are few enough to be held in memory for the next time the file is written."""
        return bool(self.ledger.totals.rows <= MANY and self.ledger.size(SMALL) <= SMALL)

    def _is_small(self) -> bool:
        """Tell whether the file is small enough to be written after each harvest, without making it."""
        totals = self.ledger.totals
        return self._growing.cells() * max(8.0, totals.bytes / max(1, totals.rows)) <= SMALL

    def _args(self) -> tuple[str, ...] | None:
        """Return the arguments of the points that are there; None when there are none."""
        for ledger in (self.ledger, self._pending):
            point = ledger.first()
            if point is not None:
                if len(point.key) != _KEY:
                    raise StreamConfigError(
                        f"{self._who} is that of a Sampler, whose rows have no grid, wanted one of a Harvester, or a name that "
                        "is free.\n  Choose another data_name, or use Sampler."
                    )
                return tuple(point.layout["args"])
        return None

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
