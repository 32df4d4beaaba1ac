"""What keeps results on disk, with the arguments and defaults of xyzpy."""

from __future__ import annotations

from typing import Any

from headrace.compat.xyzpy import later
from headrace.sweeps import harvester as native_harvester
from headrace.sweeps import sampler as native_sampler

__all__ = ["Harvester", "Sampler"]


class Harvester(native_harvester.Harvester):
    """A runner whose results are kept, and shown as one dataset.

    As :class:`headrace.sweeps.Harvester`, but a name without suffix gets that of the engine. Beside the file is a folder
    ``<file>.ledger``: it is what nothing is lost from, the file is written from it.

    Examples
    --------
    >>> import headrace.compat.xyzpy as xyz
    >>> harvester = xyz.Harvester(xyz.Runner(lambda a: a * a, "square", verbosity=0), "squares.h5")
    >>> harvester.harvest_combos({"a": [1, 2]})
    >>> harvester.harvest_combos({"a": [2, 3]}, missing_only=True)
    >>> xyz.load_ds("squares.h5")["square"].values
    array([1, 4, 9])
    """

    def __init__(
        self,
        runner: Any,
        data_name: Any = None,
        chunks: Any = None,
        engine: str | None = "h5netcdf",
        full_ds: Any = None,
        **more: Any,
    ) -> None:
        engine = "h5netcdf" if engine is None else engine
        more.setdefault("allow_pickle", engine == "joblib")  # whose files are pickles
        super().__init__(runner, data_name, chunks, engine, full_ds, **more)

    def Crop(
        self,
        name: Any = None,
        parent_dir: Any = None,
        save_fn: Any = None,
        batchsize: Any = None,
        num_batches: Any = None,
    ) -> Any:
        """Say that crops come later."""
        raise later.not_yet("Harvester.Crop", later.CROPS)

    def cultivate(
        self,
        combos: Any = None,
        cases: Any = None,
        constants: Any = None,
        name: Any = None,
        parent_dir: Any = None,
        batchsize: Any = None,
        num_batches: Any = None,
        missing_only: bool = True,
        shuffle: bool | int = True,
        subprocess: Any = "auto",
        num_workers: int | None = None,
        num_threads: Any = None,
        gpus: Any = None,
        affinities: Any = None,
        log: Any = False,
        raise_errors: bool = True,
        verbosity: int = 1,
        on_existing: str = "ask",
        on_error: str = "ask",
        clean_up: Any = None,
        **grow_kwargs: Any,
    ) -> Any:
        """Run what has no result yet, keep each result at once, and return all that there is.

        Nothing is written to a folder of batches first, since nothing needs it: what is said of that (``name``,
        ``parent_dir``, ``batchsize``, ``num_batches``, ``on_existing``, ``on_error``, ``clean_up``) makes no difference.

        Parameters
        ----------
        combos, cases, constants, missing_only, shuffle, num_workers, verbosity, **grow_kwargs
            As for :meth:`headrace.sweeps.Harvester.harvest_combos`.
        raise_errors
            Whether the first error ends it; else failed calls are kept apart, in ``failures``.

        Returns
        -------
        full_ds

        Raises
        ------
        HeadraceError
            For what comes with crops: ``subprocess=True``, ``num_threads``, ``gpus``, ``affinities``, ``log``.
        """
        asked = {"subprocess": subprocess is True, "num_threads": num_threads, "gpus": gpus, "affinities": affinities}
        for option, value in {**asked, "log": log}.items():
            if value not in (None, False):
                raise later.not_yet(f"cultivate({option}=)", later.CROPS)
        self.harvest_combos(
            combos,
            cases=cases,
            constants={} if constants is None else constants,
            missing_only=missing_only,
            shuffle=shuffle,
            num_workers=num_workers,
            on_error="raise" if raise_errors else "keep",
            verbosity=verbosity,
            **grow_kwargs,
        )
        return self.full_ds

    def __repr__(self) -> str:
        return f"<xyzpy.Harvester>\nRunner: {self.runner!r}\nSync file -->\n    {self.data_name}    [{self.engine}]"


class Sampler(native_sampler.Sampler):
    """A runner at random settings, whose results are rows of a table.

    As :class:`headrace.sweeps.Sampler`, but without an engine the table is a pickle.

    Examples
    --------
    >>> import headrace.compat.xyzpy as xyz
    >>> sampler = xyz.Sampler(xyz.Runner(lambda a: a * a, "square", verbosity=0), default_combos={"a": [1, 2]})
    >>> len(sampler.sample_combos(5)), list(sampler.full_df.columns)
    (5, ['a', 'square'])
    """

    def __init__(
        self,
        runner: Any,
        data_name: Any = None,
        default_combos: Any = None,
        full_df: Any = None,
        engine: str | None = "pickle",
        **more: Any,
    ) -> None:
        super().__init__(runner, data_name, default_combos, full_df, "pickle" if engine is None else engine, **more)

    def Crop(
        self,
        name: Any = None,
        parent_dir: Any = None,
        save_fn: Any = None,
        batchsize: Any = None,
        num_batches: Any = None,
    ) -> Any:
        """Say that crops come later."""
        raise later.not_yet("Sampler.Crop", later.CROPS)

    def __repr__(self) -> str:
        return f"<xyzpy.Sampler>\nRunner: {self.runner!r}\nSync file -->\n    {self.data_name}    [{self.engine}]"
