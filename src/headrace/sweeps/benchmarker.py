"""How the time that functions take grows with the size of what they are given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from headrace.core.functions import name_of_function
from headrace.errors import StreamConfigError
from headrace.stats import benchmark
from headrace.sweeps.harvester import Harvester
from headrace.sweeps.runner import Runner


class Benchmarker:
    """Times some functions at some sizes, and keeps what was timed.

    Parameters
    ----------
    kernels
        The functions that are compared.
    setup
        Called with a size; what it returns is handed to the functions. Without it they are handed the size.
    names
        What the functions are called; by default their own names.
    benchmark_opts
        For :func:`headrace.stats.benchmark`, as ``min_t`` or ``repeats``.
    data_name
        Where times are kept; see :class:`headrace.sweeps.Harvester`.

    Attributes
    ----------
    harvester : Harvester
        What has the times.

    Raises
    ------
    StreamConfigError
        When two functions have one name.

    Examples
    --------
    >>> timed = Benchmarker([sum, sorted], setup=range, names=["sum", "sort"], benchmark_opts={"min_t": 1e-4})
    >>> timed.run([10, 100], verbosity=0)
    >>> timed.ds["time"].dims, bool((timed.ds["time"] > 0).all())
    (('n', 'kernel'), True)
    """

    def __init__(
        self,
        kernels: Sequence[Callable[..., Any]],
        setup: Callable[[Any], Any] | None = None,
        names: Iterable[str] | None = None,
        benchmark_opts: Mapping[str, Any] | None = None,
        data_name: str | None = None,
    ) -> None:
        if not isinstance(kernels, Iterable) or not all(map(callable, kernels := list(kernels))):
            raise StreamConfigError(
                f"Benchmarker(kernels) got {kernels!r}, wanted several functions to compare.\n  One is a list, too: [sum]."
            )
        called = [name_of_function(kernel) for kernel in kernels] if names is None else list(names)
        if len(called) != len(kernels) or len(set(called)) != len(called):
            raise StreamConfigError(
                f"Benchmarker got {len(kernels)} functions with the names {called}, wanted a name of its own for each."
                "\n  Give names=[...], as many as functions."
            )
        self.kernels: dict[str, Callable[..., Any]] = dict(zip(called, kernels, strict=True))
        self.setup: Callable[[Any], Any] | None = setup
        self.benchmark_opts: dict[str, Any] = dict(benchmark_opts or {})
        self.harvester: Harvester = Harvester(
            Runner(_Timing(self.kernels, setup, self.benchmark_opts), "time", ("n", "kernel")), data_name
        )

    @property
    def names(self) -> list[str]:
        """What the functions are called."""
        return list(self.kernels)

    def run(self, ns: Any, kernels: str | Iterable[str] | None = None, **harvest_opts: Any) -> None:
        """Time functions at sizes; what was timed before is timed again, and replaced.

        Parameters
        ----------
        ns
            The sizes.
        kernels
            The names of some functions; by default all.
        **harvest_opts
            As for :meth:`headrace.sweeps.Harvester.harvest_combos`, as ``missing_only=True``.
        """
        asked = self.names if kernels is None else [kernels] if isinstance(kernels, str) else list(kernels)
        unknown = [name for name in asked if name not in self.kernels]
        if unknown:
            raise StreamConfigError(
                f"Benchmarker.run(kernels) got {unknown}, wanted some of {self.names}.\n  By default all are timed."
            )
        self.harvester.harvest_combos({"n": ns, "kernel": asked}, **{"overwrite": True, **harvest_opts})

    @property
    def ds(self) -> Any:
        """The times in seconds, as an ``xarray.Dataset`` with the axes ``n`` and ``kernel``."""
        return self.harvester.full_ds


class _Timing:
    """What a benchmarker sweeps."""

    def __init__(
        self,
        kernels: Mapping[str, Callable[..., Any]],
        setup: Callable[[Any], Any] | None,
        options: Mapping[str, Any],
    ) -> None:
        self.kernels, self.setup, self.options = kernels, setup, options

    def __call__(self, n: Any, kernel: str) -> float:
        return benchmark(self.kernels[kernel], self.setup, n, **self.options)
