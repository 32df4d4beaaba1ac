"""A function with the names of its arguments and results: runs it over settings, into a dataset."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from headrace.core.functions import name_of_function
from headrace.errors import StreamConfigError
from headrace.sweeps.adaptive import Refinement, refine
from headrace.sweeps.arguments import check_arguments, check_swept_once
from headrace.sweeps.failures import Failure
from headrace.sweeps.labels import Labels, dataset_of, frame_of
from headrace.sweeps.parse import Combos, parse_combos, parse_fn_args, parse_mapping
from headrace.sweeps.place import Columns
from headrace.sweeps.points import Points
from headrace.sweeps.progress import Progress
from headrace.sweeps.run import How, Take, Task, run_points, sweep
from headrace.sweeps.stream import Sweep, portable
from headrace.sweeps.variables import check_axes, parse_var_dims, parse_var_names

if TYPE_CHECKING:
    from headrace.parallel.executors import Outcome

_IGNORED = frozenset(("parse",))  # settings of old that make no difference


class Runner:
    """A function with names for what it takes and gives.

    Parameters
    ----------
    fn
        Called with keywords. A parameter ``rng`` is filled with a generator of each point's own.
    var_names
        Names of its results: one for the whole of what it returns, several for the parts of it, None where it returns a
        dict, a Dataset or a DataArray.
    fn_args
        Names of its arguments; by default those of its signature.
    var_dims
        Names of the axes of results that are arrays; ``...`` keeps a value as it is.
    var_coords
        Values along those axes.
    constants
        Further arguments, told in the dataset; functions among them are not. None of them can be swept as well.
    resources
        Further arguments, not told.
    attrs
        What else the dataset says of itself.
    **default_runner_settings
        How it is run unless a run says otherwise: ``parallel``, ``executor``, ``num_workers``, ``shuffle``,
        ``verbosity``, ``desc``, ``on_error``, ``fail_fast``, ``seed``, ``to_df``; see :func:`headrace.sweeps.combo_runner`.

    Attributes
    ----------
    fn
        The function.
    last_ds
        What the last run gave, with holes where an error ended it; None before the first.
    failures : list of Failure
        The calls of the last run that failed, where ``on_error`` said to go on.
    settings : dict
        The default settings.

    Raises
    ------
    StreamConfigError
        When names do not fit each other, or a setting is not known.

    Examples
    --------
    >>> runner = Runner(lambda a, b: a + b, "sum", verbosity=0)
    >>> runner.run_combos({"a": [1, 2], "b": [10, 20]})["sum"].values
    array([[11, 21],
           [12, 22]])
    >>> runner(1, 2)
    3
    """

    fn: Callable[..., Any]

    def __init__(
        self,
        fn: Callable[..., Any],
        var_names: Any,
        fn_args: Any = None,
        var_dims: Any = None,
        var_coords: Any = None,
        constants: Any = None,
        resources: Any = None,
        attrs: Any = None,
        **default_runner_settings: Any,
    ) -> None:
        if not callable(fn):
            raise StreamConfigError(
                f"Runner(fn) got {fn!r}, wanted a function.\n  Write Runner(fn, var_names), the function first."
            )
        self.fn = fn
        self._var_names: tuple[Any, ...] | None = parse_var_names(var_names)
        self._fn_args: tuple[str, ...] | None = None
        self._var_dims: dict[Any, Any] | None = None
        self._var_coords: dict[str, Any] | None = None
        self._constants: dict[str, Any] | None = None
        self._resources: dict[str, Any] | None = None
        self.fn_args = fn_args
        self.var_dims = var_dims
        self.var_coords = var_coords
        self.constants = constants
        self.resources = resources
        self.attrs: dict[str, Any] = parse_mapping(attrs)
        self.settings: dict[str, Any] = {k: v for k, v in default_runner_settings.items() if k not in _IGNORED}
        self.last_ds: Any = None
        self.failures: list[Failure] = []
        self._how({})
        check_axes(parse_var_names(self._var_names), self._var_dims or {}, self._var_coords or {})

    # --- names ----------------------------------------------------------------------------------

    @property
    def fn_args(self) -> Any:
        """Names of the arguments."""
        return self._fn_args

    @fn_args.setter
    def fn_args(self, given: Any) -> None:
        self._fn_args = parse_fn_args(self.fn, given)

    @fn_args.deleter
    def fn_args(self) -> None:
        self._fn_args = None

    @property
    def var_names(self) -> Any:
        """Names of the results."""
        return self._var_names

    @var_names.setter
    def var_names(self, given: Any) -> None:
        names = parse_var_names(given)
        known = self._var_dims or {}
        self._var_names = names
        self._var_dims = {name: known.get(name, ()) for name in names}

    @var_names.deleter
    def var_names(self) -> None:
        self._var_names = None

    @property
    def var_dims(self) -> Any:
        """Names of the axes of results, by variable."""
        return self._var_dims

    @var_dims.setter
    def var_dims(self, given: Any) -> None:
        self._var_dims = parse_var_dims(given, self._var_names)

    @var_dims.deleter
    def var_dims(self) -> None:
        self._var_dims = None

    @property
    def var_coords(self) -> Any:
        """Values along the axes of results."""
        return self._var_coords

    @var_coords.setter
    def var_coords(self, given: Any) -> None:
        self._var_coords = parse_mapping(given)

    @var_coords.deleter
    def var_coords(self) -> None:
        self._var_coords = None

    @property
    def constants(self) -> Any:
        """Further arguments, told in the dataset."""
        return self._constants

    @constants.setter
    def constants(self, given: Any) -> None:
        self._constants = parse_mapping(given)

    @constants.deleter
    def constants(self) -> None:
        self._constants = None

    @property
    def resources(self) -> Any:
        """Further arguments, not told."""
        return self._resources

    @resources.setter
    def resources(self, given: Any) -> None:
        self._resources = parse_mapping(given)

    @resources.deleter
    def resources(self) -> None:
        self._resources = None

    @property
    def labels(self) -> Labels:
        """What results are called."""
        names = parse_var_names(self._var_names)
        dims = self._var_dims or dict.fromkeys(names, ())
        check_axes(names, dims, self._var_coords or {})
        return Labels(names, dims, self._var_coords or {}, self.attrs)

    # --- running --------------------------------------------------------------------------------

    def points(
        self,
        combos: Any = None,
        cases: Any = None,
        constants: Any = None,
        fn_args: Any = None,
        *,
        without: Collection[str] = (),
    ) -> Points:
        """Return the settings of a sweep, with this runner's constants and those given beside them.

        Parameters
        ----------
        combos, cases, constants, fn_args
            As for :meth:`run_cases`.
        without
            Names of constants to leave out.

        Raises
        ------
        StreamConfigError
            When the function cannot be called with these arguments, or one varies and is a constant, too.
        """
        names = self._fn_args if fn_args is None else fn_args
        fixed = {**(self._constants or {}), **parse_mapping(constants)}
        for name in without:
            fixed.pop(name, None)
        points = Points(combos, cases, fixed, fn_args=names)
        resources = self._resources or {}
        check_swept_once(self.fn, points.names, constants=fixed, resources=resources)
        if len(points):
            check_arguments(self.fn, {**resources, **fixed, **dict.fromkeys(points.names)})
        return points

    def run(self, points: Points, progress: Progress | None = None, **settings: Any) -> Iterator[tuple[int, Outcome]]:
        """Yield (number of the point, outcome) as calls are done: see :func:`headrace.sweeps.run.run_points`."""
        how, _ = self._how(settings)
        return run_points(self.fn, points, resources=self._resources, how=how, progress=progress)

    def labelled(self, points: Points, values: Any) -> Any:
        """Return results as a Dataset.

        Parameters
        ----------
        points
            Where they belong.
        values
            A result for each point, or a mapping from numbers of points; what is not there is missing.
        """
        columns = self.labels.columns(points, points.constants)
        _fill(columns, values)
        return dataset_of(points, columns, self.labels, points.constants)

    def tabulated(self, points: Points, values: Any) -> Any:
        """Return results as a DataFrame, a row for each point; as for :meth:`labelled`."""
        columns = self.labels.columns(points, points.constants, table=True)
        _fill(columns, values)
        return frame_of(points, columns, self.labels, points.constants)

    def run_combos(self, combos: Any, constants: Any = (), *, cases: Any = None, **runner_settings: Any) -> Any:
        """Run every combination of some values.

        Parameters
        ----------
        combos
            Values of arguments: a mapping, or pairs.
        constants
            Further arguments for this run; they win over the runner's own.
        cases
            Settings that are run as they are, each with every combination.
        **runner_settings
            How to run; they win over the runner's own.

        Returns
        -------
        dataset
            Also kept as ``last_ds``. A DataFrame for ``to_df=True``.

        Raises
        ------
        StreamConfigError, DataError
            As for :func:`headrace.sweeps.combo_runner_to_ds`.
        """
        return self._run(combos, cases, constants, None, runner_settings)

    def run_cases(
        self, cases: Any, constants: Any = (), fn_args: Any = None, *, combos: Any = None, **runner_settings: Any
    ) -> Any:
        """Run some cases, as :meth:`run_combos` runs combinations.

        Parameters
        ----------
        cases
            Dicts, or tuples for ``fn_args``.
        fn_args
            Names of the values of a case; by default the runner's.
        constants, combos, **runner_settings
            As for :meth:`run_combos`.
        """
        return self._run(combos, cases, constants, fn_args, runner_settings)

    def _run(self, combos: Any, cases: Any, constants: Any, fn_args: Any, settings: Mapping[str, Any]) -> Any:
        how, to_df = self._how(settings)
        pairs = parse_combos(combos)
        self.failures = []
        if Refinement.needed(pairs):
            points, columns = self._refined(pairs, cases, constants, fn_args, how, to_df)
        else:
            points = self.points(pairs, cases, constants, fn_args)
            columns = self._columns(points, to_df)
            try:
                self._sweep(points, how, columns.take)
            except BaseException as error:
                self._keep_some(points, columns, to_df, error)
                raise
        self.last_ds = self._arranged(points, columns, to_df)
        return self.last_ds

    def _arranged(self, points: Points, columns: Columns, to_df: bool) -> Any:
        return (frame_of if to_df else dataset_of)(points, columns, self.labels, points.constants)

    def _keep_some(self, points: Points, columns: Columns, to_df: bool, error: BaseException) -> None:
        """Keep what came before an error, Ctrl-C too: it may have taken hours."""
        done = int(columns.done.sum())
        if done:
            with suppress(Exception):  # what was raised first is told
                self.last_ds = self._arranged(points, columns, to_df)
                error.add_note(f"  the results of the {done} of {len(points)} calls before it are in last_ds.")

    def _columns(self, points: Points, table: bool) -> Columns:
        return self.labels.columns(points, points.constants, table=table)

    def _sweep(self, points: Points, how: How, take: Take) -> None:
        task = Task(self.fn, {**(self._resources or {}), **points.constants}, how.key)
        self.failures += sweep(task, points, how, take, owned=True)

    def _refined(
        self, combos: Combos, cases: Any, constants: Any, fn_args: Any, how: How, table: bool
    ) -> tuple[Points, Columns]:
        def run(some: Combos) -> tuple[Points, list[Any]]:
            points = self.points(some, cases, constants, fn_args)
            self._columns(points, table)  # finds what does not fit before anything is run
            found: dict[int, Any] = {}
            self._sweep(points, how, lambda places, came: found.update(zip(places, came, strict=True)))
            return points, [found[i] for i in range(len(points))]

        whole, arrange = refine(combos, run)
        points = self.points(whole, cases, constants, fn_args)
        columns = self._columns(points, table)
        columns.take(range(len(points)), arrange(points))
        return points, columns

    def _how(self, settings: Mapping[str, Any]) -> tuple[How, bool]:
        merged = {**self.settings, **{k: v for k, v in settings.items() if k not in _IGNORED}}
        to_df = bool(merged.pop("to_df", False))
        return How.of(merged, f"Runner of {name_of_function(self.fn)}"), to_df

    def stream(self, combos: Any = None, cases: Any = None, *, constants: Any = None, seed: Any = None) -> Sweep:
        """Return the sweep as a stream of ``(settings, result)``, in the order of the settings.

        Point i of the sweep is item i: it shards, resumes, shuffles and runs in the background as any stream. It takes
        the runner as it is now. For results as they finish: ``| hr.background("process", workers=4, ordered=False)``.

        Parameters
        ----------
        combos, cases, constants
            As for :meth:`run_combos`.
        seed
            The root of random numbers; by default the runner's, so that results are those of :meth:`run_combos`.

        Examples
        --------
        >>> import headrace as hr
        >>> stream = Runner(lambda a: a * a, "square").stream({"a": [1, 2, 3]})
        >>> list(stream), stream[2]
        ([({'a': 1}, 1), ({'a': 2}, 4), ({'a': 3}, 9)], ({'a': 3}, 9))
        """
        how, _ = self._how({} if seed is None else {"seed": seed})
        points = self.points(combos, cases, constants)
        made = Sweep(portable(self.fn), points, {**(self._resources or {}), **points.constants})
        return made.seeded(how.seed)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the function returns."""
        return self.fn(*args, **kwargs)

    # --- as a value -----------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "last_ds": None, "failures": []}  # bookkeeping stays behind

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _by_name(self) or super().__reduce_ex__(protocol)

    def __repr__(self) -> str:
        lines = [
            f"<{_package()}.Runner>",
            f"    fn: {self.fn!r}",
            f"    fn_args: {self._fn_args}",
            f"    var_names: {self._var_names}",
            f"    var_dims: {self._var_dims}",
        ]
        if self._constants:
            lines.append(f"    constants: {list(self._constants)}")
        if self._resources:
            lines.append(f"    resources: {list(self._resources)}")
        return "\n".join(lines)


def _package() -> str:
    return __name__.partition(".")[0]


def _fill(columns: Any, values: Any) -> None:
    if isinstance(values, Mapping):
        columns.take(list(values), list(values.values()))
    else:
        listed = list(values)
        columns.take(range(len(listed)), listed)


def _by_name(labelled: Any) -> str | None:
    """Return the name under which a decorated function is found in its module: pickles then name it, like a function."""
    import sys

    found: Any = sys.modules.get(labelled.__dict__.get("__module__", ""))
    name = labelled.__dict__.get("__qualname__")
    for part in str(name).split("."):
        found = getattr(found, part, None)
    return name if found is labelled else None
