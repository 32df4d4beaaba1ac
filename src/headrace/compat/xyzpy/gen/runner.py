"""The runner, with the attributes and the results of xyzpy."""

from __future__ import annotations

from typing import Any

from headrace.compat.xyzpy import later
from headrace.sweeps import runner as native
from headrace.sweeps.place import Columns
from headrace.sweeps.points import Points

__all__ = ["Runner"]


class Runner(native.Runner):
    """A function with names for what it takes and gives.

    As :class:`headrace.sweeps.Runner`, but where the function returns data arrays, with ``var_names=None``, a run gives
    a data array.

    Examples
    --------
    >>> import headrace.compat.xyzpy as xyz
    >>> runner = xyz.Runner(lambda a, b: a + b, var_names="sum", constants={"b": 10})
    >>> runner.run_combos({"a": [1, 2]}, verbosity=0)["sum"].values
    array([11, 12])
    """

    @property
    def default_runner_settings(self) -> dict[str, Any]:
        """How it is run unless a run says otherwise."""
        return self.settings

    def Crop(
        self,
        name: Any = None,
        parent_dir: Any = None,
        save_fn: Any = None,
        batchsize: Any = None,
        num_batches: Any = None,
    ) -> Any:
        """Say that crops come later."""
        raise later.not_yet("Runner.Crop", later.CROPS)

    def _arranged(self, points: Points, columns: Columns, to_df: bool) -> Any:
        made = super()._arranged(points, columns, to_df)
        array = None if to_df or not self.labels.own_names else _array_in(columns)
        if array is None:
            return made
        found = made[array.name if array.name is not None else "result"].rename(array.name)
        found.attrs.update(made.attrs)
        return found

    def __repr__(self) -> str:
        return "\n".join(["<xyzpy.Runner>", *super().__repr__().split("\n")[1:]])


def _array_in(columns: Columns) -> Any:
    """Return the first result, where all that came are data arrays."""
    held = columns.columns[0].data
    found = [held[i] for i in columns.done.nonzero()[0]] if held is not None else []
    return (
        found[0]
        if found and not any(hasattr(each, "data_vars") or not hasattr(each, "dims") for each in found)
        else None
    )
