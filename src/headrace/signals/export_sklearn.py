"""A graph as a transformer of scikit-learn: each sample is a window of rows."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from headrace.core.optional import optional
from headrace.errors import StreamConfigError
from headrace.signals.base import Array
from headrace.signals.order import nearest

ROWS = ("all", "last")


def to_sklearn(graph: Any, inputs: Any = None, outputs: Any = None, *, rows: str = "all") -> Any:
    """Return a graph as a transformer: of samples ``(samples, features)`` it makes ``(samples, new features)``.

    A sample is a window: one row after the other, each with the numbers of all inputs. What the graph makes of it, from a
    fresh start, are the new features, in the same order, output by output. So samples do not depend on each other, and the
    windows may be shuffled, split and cross-validated. Parameters of nodes are those of the transformer,
    ``graph__node.parameter``, for grid searches.

    Parameters
    ----------
    graph
        The graph.
    inputs
        The columns that a row consists of: names; or, by name, the shape of a row. By default all that are read, one number
        a row.
    outputs
        The columns that come out; by default the graph's outputs, or all that it computes. Complex numbers are two features.
    rows
        ``"all"``, or ``"last"``: only the last row of each output.

    Raises
    ------
    StreamConfigError
        When an input or output is not there.
    MissingExtraError
        When scikit-learn is not installed.

    Examples
    --------
    >>> import headrace.signals as s
    >>> sklearn = __import__("pytest").importorskip("sklearn")
    >>> sums = to_sklearn(s.Graph([s.Integrate("x", name="y")]))
    >>> sums.fit_transform([[0.0, 2.0, 2.0], [1.0, 1.0, 1.0]]).tolist()
    [[0.0, 1.0, 3.0], [0.0, 1.0, 2.0]]
    """
    optional("sklearn", "sklearn", "to_sklearn")
    if rows not in ROWS:
        raise StreamConfigError(
            f"to_sklearn(rows=) got {rows!r}, wanted one of {', '.join(map(repr, ROWS))}.\n  Name one of these."
        )
    made = transformer_class()(graph, inputs, outputs, rows)
    made._inputs()
    made._outputs()
    return made


@lru_cache(1)
def transformer_class() -> Any:
    """Return the class, which needs scikit-learn to be made."""
    from sklearn.base import BaseEstimator, TransformerMixin
    from sklearn.utils.validation import check_is_fitted, validate_data

    class GraphTransformer(TransformerMixin, BaseEstimator):  # type: ignore[misc, unused-ignore]
        """A graph of signals over windows: see :func:`to_sklearn`."""

        __module__ = __name__
        __qualname__ = "GraphTransformer"

        def __init__(self, graph: Any, inputs: Any = None, outputs: Any = None, rows: str = "all") -> None:
            self.graph, self.inputs, self.outputs, self.rows = graph, inputs, outputs, rows

        def _inputs(self) -> dict[str, tuple[int, ...]]:
            given = self.graph.reads if self.inputs is None else self.inputs
            given = (given,) if isinstance(given, str) else given
            shapes = {name: _shape(each) for name, each in given.items()} if isinstance(given, Mapping) else {}
            found: dict[str, tuple[int, ...]] = shapes or dict.fromkeys(given, ())
            for name in self.graph.reads:
                if name not in found:
                    raise StreamConfigError(
                        f"to_sklearn(inputs=) lacks {name!r}, which is read. {nearest(name, found)}"
                    )
            return found

        def _outputs(self) -> tuple[str, ...]:
            names = [node.name for node in self.graph.nodes]
            wanted = self.outputs
            if wanted is None:
                wanted = self.graph.outputs if self.graph.outputs is not None else names
            wanted = (wanted,) if isinstance(wanted, str) else tuple(wanted)
            known = [*self._inputs(), *names]
            for name in wanted:
                if name not in known:
                    raise StreamConfigError(f"to_sklearn(outputs=) got {name!r}. {nearest(name, known)}")
            return wanted

        def fit(self, X: Any, y: Any = None) -> Any:
            """Look at how long windows are; nothing is learnt."""
            X = validate_data(self, X, dtype=[np.float64, np.float32])
            width = sum(int(np.prod(shape, dtype=int)) for shape in self._inputs().values())
            if X.shape[1] % width:
                raise ValueError(
                    f"Windows of {X.shape[1]} features are no whole rows: a row has {width}.\n"
                    "  Say the shape of a row of each input with inputs=."
                )
            self.sizes_ = {name: part.size for name, part in self._computed(X[:1])[0].items()}
            return self

        def transform(self, X: Any) -> Array:
            """Return what the graph makes of each window, ``(samples, new features)``."""
            check_is_fitted(self)
            X = validate_data(self, X, reset=False, dtype=[np.float64, np.float32])
            found = self._computed(X)
            return np.stack([np.concatenate(list(each.values()), dtype=X.dtype, casting="same_kind") for each in found])

        def _computed(self, X: Array) -> list[dict[str, Array]]:
            shapes, wanted, graph = self._inputs(), self._outputs(), self.graph
            sizes = [int(np.prod(shape, dtype=int)) for shape in shapes.values()]
            ends = np.cumsum([0, *sizes])
            rows = X.reshape(len(X), -1, ends[-1])
            columns = {
                name: np.ascontiguousarray(rows[:, :, lo:hi]).reshape(*rows.shape[:2], *shape)
                for (name, shape), lo, hi in zip(shapes.items(), ends[:-1], ends[1:], strict=True)
            }
            if graph.outputs is not None:
                graph = type(graph)(**{**graph.params(), "outputs": None})
            start = graph.init({name: each[0, :0] for name, each in columns.items()})
            found = []
            for k in range(len(X)):
                block, _ = graph.step(start, {name: each[k] for name, each in columns.items()})
                found.append({name: self._flat(np.asarray(block[name])) for name in wanted})
            return found

        def _flat(self, column: Array) -> Array:
            if self.rows == "last":
                column = column[-1:]
            if column.dtype.kind == "c":
                column = np.stack([column.real, column.imag], -1)
            return column.ravel()

        def get_feature_names_out(self, input_features: Any = None) -> Array:
            """Return names of the new features: ``output_k``."""
            check_is_fitted(self)
            return np.array([f"{n}_{k}" for n, size in self.sizes_.items() for k in range(size)], dtype=object)

        def set_params(self, **params: Any) -> Any:
            """Set parameters; of nodes as ``graph__node.parameter``."""
            nodes = {name.removeprefix("graph__"): params.pop(name) for name in list(params) if name[:7] == "graph__"}
            super().set_params(**params)
            if nodes:
                self.graph = self.graph.set_params(**nodes)
            return self

    globals()["GraphTransformer"] = GraphTransformer  # where a pickle looks for it
    return GraphTransformer


def _shape(given: Any) -> tuple[int, ...]:
    if hasattr(given, "shape"):
        return tuple(given.shape[1:])
    return (given,) if isinstance(given, int) else tuple(given)


def __getattr__(name: str) -> Any:
    if name == "GraphTransformer":
        return transformer_class()
    raise AttributeError(name)
