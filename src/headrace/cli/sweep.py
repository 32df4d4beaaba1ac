"""``headrace sweep MODULE:FN --combo a=1,2,3 --out foo``: a function over a parameter space, kept point by point."""

from __future__ import annotations

import re
import shlex
import signal
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from headrace.cli.target import find_object
from headrace.cli.values import HELP, assigned, cases_in, scalar, values

SUFFIXES = {"h5": ".h5", "nc": ".nc", "zarr": ".zarr", "ledger": ""}


def arguments(parser: ArgumentParser) -> None:
    """Say what the command line may hold."""
    parser.add_argument("function", metavar="X", help="module:attribute or file.py:attribute: a function, or a runner or harvester of one")  # fmt: skip
    parser.add_argument("--combo", action="append", default=[], metavar="NAME=VALUES", help=f"values of an argument; one of these for each, every combination is run. {HELP}; '...' all that are known")  # fmt: skip
    parser.add_argument("--cases", metavar="FILE", help="a csv file with names of arguments in its first line; each row is run, with every combination")  # fmt: skip
    parser.add_argument("--constant", action="append", default=[], metavar="NAME=VALUE", help="the same in every call")
    parser.add_argument("--out", metavar="OUT", help="what is kept, and where: foo, foo.h5 or foo.zarr")
    parser.add_argument("--format", choices=tuple(SUFFIXES), help="what OUT is shown as, where it has no suffix (by default it is a ledger alone)")  # fmt: skip
    parser.add_argument("--returns", metavar="NAMES", help="names of what the function returns, with their axes: loss,weights[layer,unit] (by default its own name); '-' where it returns a dict or dataset")  # fmt: skip
    there = parser.add_mutually_exclusive_group()
    there.add_argument("--resume", "--missing-only", action="store_true", dest="resume", help="go on with a harvest that is there: run only points without a result")  # fmt: skip
    there.add_argument(
        "--overwrite", action="store_true", help="run points anew that have a result, and keep the new one"
    )
    parser.add_argument("--workers", type=int, metavar="N", help="run in N processes, or N workers of the executor")
    parser.add_argument("--executor", metavar="NAME", help="where calls run: serial, threads, processes, joblib, dask, ray, mpi")  # fmt: skip
    parser.add_argument(
        "--shuffle", nargs="?", type=int, const=1, default=0, metavar="SEED", help="run in a random order"
    )
    parser.add_argument("--seed", type=int, metavar="S", help="the root of what the function's rng draws (default 0)")
    parser.add_argument("--on-error", choices=("raise", "keep", "nan"), help="whether a call that fails ends the sweep (by default), or is told at the end")  # fmt: skip
    parser.add_argument("--allow-pickle", action="store_true", help="keep results and settings that only a pickle can carry")  # fmt: skip
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def main(args: Namespace) -> int:
    """Run the sweep."""
    from headrace.cli import failed, tell, told_warnings

    with told_warnings(), _terminated():
        harvester = _harvester(args)
        combos = {name: values(text) for name, text in assigned(args.combo, "--combo").items()}
        cases = None if args.cases is None else cases_in(args.cases)
        if not combos and cases is None:
            from headrace.errors import StreamConfigError

            raise StreamConfigError(
                "sweep got no --combo and no --cases, wanted points to run.\n  Write --combo a=1,2,3."
            )
        constants = {name: scalar(text) for name, text in assigned(args.constant, "--constant").items()}
        before = _kept(harvester)
        if before and not args.resume and not args.overwrite:
            tell(
                f"{harvester.data_name} has {before} points already.\n"
                "  --resume runs only what is missing, also beyond them; --overwrite runs everything that is asked for anew."
            )
            return 2
        try:
            harvester.harvest_combos(
                combos,
                cases=cases,
                constants=constants,
                missing_only=args.resume,
                overwrite=True if args.overwrite else None,
                verbosity=0 if args.quiet else 1,
                **_how(args),
            )
            if Path(harvester.data_name).suffix in set(SUFFIXES.values()) - {""}:
                harvester.export()  # what could not be written was warned of: here it ends in an error
        except Exception as error:
            code = failed(error, _code_of(error), debug=args.debug)
            if code != 2 and _kept(harvester):
                tell(_how_to_go_on(args, harvester))
            return code
        except SystemExit as leaving:
            told = "\n".join(["", *getattr(leaving, "__notes__", ())])
            tell(f"the function left Python (sys.exit({leaving.code!r})), which ended the sweep.{told}")
            if _kept(harvester):
                tell(_how_to_go_on(args, harvester))
            return 1
        except KeyboardInterrupt as stopped:
            tell(f"stopped. {_how_to_go_on(args, harvester)}")
            return 143 if isinstance(stopped, _Terminated) else 130
        print(_told(harvester, before))
        return 0


def _harvester(args: Namespace) -> Any:
    """Return the harvester that a command line asks for."""
    from headrace.errors import StreamConfigError
    from headrace.sweeps import Harvester, Runner

    found = find_object(args.function, "function")
    runner = found.runner if isinstance(found, Harvester) else found
    where = args.out or (found.data_name if isinstance(found, Harvester) else None)
    if where is None:
        raise StreamConfigError(
            "sweep got no --out, wanted where results are kept.\n  Write --out foo, or --out foo.h5."
        )
    if args.format is not None:
        suffix = SUFFIXES[args.format]
        if Path(where).suffix not in ("", suffix):
            raise StreamConfigError(
                f"--format {args.format} and --out {where} say two things, wanted one.\n  Leave out --format."
            )
        where = str(Path(where).with_suffix(suffix)) if suffix else where
    if not isinstance(runner, Runner):
        if not callable(runner) or isinstance(runner, type):
            raise StreamConfigError(
                f"{args.function} is a {type(runner).__name__}, wanted a function.\n  A runner or harvester of one will do, too."
            )
        own = args.function.rpartition(":")[2].rpartition(".")[2]
        names, dims = names_of(own if args.returns is None else args.returns)
        runner = Runner(runner, names, var_dims=dims)
    elif args.returns is not None:
        raise StreamConfigError(
            f"sweep got --returns and {args.function}, which has names for its results, wanted one of them."
            "\n  Leave out --returns."
        )
    return Harvester(runner, where, allow_pickle=args.allow_pickle)


def names_of(text: str) -> tuple[Any, dict[str, Any]]:
    """Return the names of results, and of the axes that some of them have.

    Raises
    ------
    StreamConfigError
        When it cannot be read.

    Examples
    --------
    >>> names_of("loss"), names_of("loss,weights[layer,unit]"), names_of("-")
    (('loss', {}), (['loss', 'weights'], {'weights': ('layer', 'unit')}), (None, {}))
    """
    if text == "-":
        return None, {}
    found = [part.strip() for part in re.split(r",(?![^\[]*\])", text)]
    dims: dict[str, Any] = {}
    names = []
    for part in found:
        match = re.fullmatch(r"(\w+)(?:\[([\w, ]+)\])?", part)
        if match is None:
            from headrace.errors import StreamConfigError

            raise StreamConfigError(
                f"--returns got {text!r}, wanted names of results, or '-' where they come with their names."
                "\n  Such as --returns loss,weights[layer,unit]."
            )
        names.append(match[1])
        if match[2]:
            dims[match[1]] = tuple(dim.strip() for dim in match[2].split(","))
    return (names if len(names) > 1 else names[0]), dims


def _how(args: Namespace) -> dict[str, Any]:
    """Return the settings that were given: what was not is the runner's."""
    how = {
        "num_workers": args.workers,
        "executor": args.executor,
        "shuffle": args.shuffle or None,
        "seed": args.seed,
        "on_error": args.on_error,
    }
    return {name: value for name, value in how.items() if value is not None}


def _kept(harvester: Any) -> int:
    """Return how many points have a result."""
    totals = harvester.ledger.totals
    return int(totals.rows - totals.failed)


def _told(harvester: Any, before: int) -> str:
    there, where = _kept(harvester), harvester.data_name
    failed = len(harvester.failures_of_last)
    told = f", {before} of them from before" if before else ""
    if failed:
        calls = "1 call" if failed == 1 else f"{failed} calls"
        return f"{where}: {there} points{told}; {calls} failed: see headrace harvest status {shlex.quote(where)}"
    if before and there == before:
        return f"{where}: {there} points, nothing was missing"
    return f"{where}: {there} points{told}"


def _how_to_go_on(args: Namespace, harvester: Any) -> str:
    kept = f"{_kept(harvester)} points are kept in {harvester.data_name}"
    again = [*(word for word in args.argv if word != "--overwrite"), *([] if args.resume else ["--resume"])]
    return f"{kept}. Go on with:\n  headrace {shlex.join(again)}"


def _code_of(error: Exception) -> int:
    from headrace.errors import StreamConfigError

    return 2 if isinstance(error, StreamConfigError) else 1


class _Terminated(KeyboardInterrupt):
    """SIGTERM came: what was run is kept, as for Ctrl-C."""


@contextmanager
def _terminated() -> Iterator[None]:
    def handle(number: int, frame: FrameType | None) -> None:
        raise _Terminated

    try:
        before = signal.signal(signal.SIGTERM, handle)
    except ValueError:  # not in the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
