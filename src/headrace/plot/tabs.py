"""Parameters of a store in tabs, one for each scope."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from headrace.core.optional import optional
from headrace.plot.curves import draw_store, named_of
from headrace.plot.extras import installed
from headrace.trees.parameter import Parameter
from headrace.trees.store import ParameterStore


def plot_parameter_store_widget(store: ParameterStore, num_values: int | None = None) -> Any:
    """Return an ``ipywidgets.Tab`` with one tab of curves for each scope of a store; nothing is used up.

    Parameters at the top have no tab beside scopes: :func:`plot_parameter_store` and :func:`explore` show them too. Without
    scopes they share one.

    Parameters
    ----------
    store
        The parameters.
    num_values
        As :func:`plot_parameter` takes it.

    Raises
    ------
    StreamConfigError
        For what is no store, or a number of values below 2.
    MissingExtraError
        When matplotlib or ipywidgets, which anywidget brings, is not installed.

    Examples
    --------
    >>> import pytest
    >>> _ = pytest.importorskip("ipywidgets")
    >>> from headrace.plot import plot_parameter_store_widget
    >>> from headrace.trees import ParameterStore
    >>> store = ParameterStore({"ramp": {"height": {"schedule": [1.0, 1.5]}}, "step": {"length": 64}})
    >>> plot_parameter_store_widget(store).titles
    ('ramp', 'step')
    """
    everything = named_of("plot_parameter_store_widget", store)
    scopes = {
        name: list(found.items()) for name, found in store.parameters.items() if isinstance(found, dict) and found
    }
    if not scopes and everything:
        scopes = {"parameters": everything}
    widgets = installed("ipywidgets", "plot_parameter_store_widget")
    pages = [
        widgets.Image(value=_figure(named, num_values), format="png", layout={"max_width": "640px"})
        for named in scopes.values()
    ]
    return widgets.Tab(children=pages, titles=list(scopes))


def _figure(named: list[tuple[str, Parameter]], num_values: int | None) -> bytes:
    rows = len(named)
    make = optional("matplotlib.figure", "plot", "plot_parameter_store_widget").Figure
    figure = make(figsize=(6, 1.7 * rows + 0.5), layout="constrained")  # not pyplot's: nobody has to close it
    draw_store(named, figure.subplots(rows, 1, squeeze=False)[:, 0], num_values)
    file = BytesIO()
    figure.savefig(file, format="png", dpi=110)
    return file.getvalue()
