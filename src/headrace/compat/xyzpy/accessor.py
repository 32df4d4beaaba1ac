"""``.xyz`` on datasets and data arrays, there once ``headrace.compat.xyzpy`` is imported."""

from __future__ import annotations

from typing import Any

from headrace.compat.xyzpy import plot as plots
from headrace.core.optional import optional
from headrace.store.arrange import post_fix, trimna

__all__ = ["XYZPY", "register"]


class XYZPY:
    """What xyzpy adds to a dataset or data array.

    Examples
    --------
    >>> import xarray as xr
    >>> import headrace.compat.xyzpy
    >>> ds = xr.Dataset({"y": ("x", [1.0, float("nan")])}, {"x": [3, 4]})
    >>> ds.xyz.trimna().x.values, list(ds.xyz.post_fix("old").data_vars)
    (array([3]), ['y_old'])
    """

    def __init__(self, xarray_obj: Any) -> None:
        self._obj: Any = xarray_obj

    def trimna(self) -> Any:
        """Return it without the labels at which there is nothing."""
        return trimna(self._obj)

    def post_fix(self, postfix: str) -> Any:
        """Return it with ``_postfix`` behind the name of each variable."""
        return post_fix(self._obj, postfix)

    def plot(self, *args: Any, **kwargs: Any) -> Any:
        """Say that plots come later."""
        return plots.infiniplot(self._obj, *args, **kwargs)

    def infiniplot(self, *args: Any, **kwargs: Any) -> Any:
        """Say that plots come later."""
        return plots.infiniplot(self._obj, *args, **kwargs)

    def lineplot(self, *args: Any, **kwargs: Any) -> Any:
        """Say that plots come later."""
        return plots.lineplot(self._obj, *args, **kwargs)

    def ilineplot(self, *args: Any, **kwargs: Any) -> Any:
        """Say that plots come later."""
        return plots.ilineplot(self._obj, *args, **kwargs)

    def scatter(self, *args: Any, **kwargs: Any) -> Any:
        """Say that plots come later."""
        return plots.scatter(self._obj, *args, **kwargs)

    def iscatter(self, *args: Any, **kwargs: Any) -> Any:
        """Say that plots come later."""
        return plots.iscatter(self._obj, *args, **kwargs)

    def histogram(self, *args: Any, **kwargs: Any) -> Any:
        """Say that plots come later."""
        return plots.histogram(self._obj, *args, **kwargs)

    def heatmap(self, *args: Any, **kwargs: Any) -> Any:
        """Say that plots come later."""
        return plots.heatmap(self._obj, *args, **kwargs)

    def iheatmap(self, *args: Any, **kwargs: Any) -> Any:
        """Say that plots come later."""
        return plots.iheatmap(self._obj, *args, **kwargs)

    def LinePlot(self, *args: Any, **kwargs: Any) -> Any:
        """Say that plots come later."""
        return plots.LinePlot(self._obj, *args, **kwargs)

    def Scatter(self, *args: Any, **kwargs: Any) -> Any:
        """Say that plots come later."""
        return plots.Scatter(self._obj, *args, **kwargs)

    def Histogram(self, *args: Any, **kwargs: Any) -> Any:
        """Say that plots come later."""
        return plots.Histogram(self._obj, *args, **kwargs)

    def HeatMap(self, *args: Any, **kwargs: Any) -> Any:
        """Say that plots come later."""
        return plots.HeatMap(self._obj, *args, **kwargs)


def register() -> None:
    """Put ``.xyz`` on datasets and data arrays; where xyzpy itself has, xarray warns that this one takes its place."""
    xr = optional("xarray", "sweeps", "headrace.compat.xyzpy")
    for kind, add in ((xr.Dataset, xr.register_dataset_accessor), (xr.DataArray, xr.register_dataarray_accessor)):
        if getattr(kind, "xyz", None) is not XYZPY:
            add("xyz")(XYZPY)
