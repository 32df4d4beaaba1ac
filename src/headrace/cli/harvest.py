"""``headrace harvest status foo``: what a sweep has kept; ``headrace harvest export foo foo.h5``: the same in a file."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

MANY = 6  # values of an argument that are shown


def arguments(parser: ArgumentParser) -> None:
    """Say what the command line may hold."""
    what = parser.add_subparsers(metavar="WHAT", dest="what", required=True)
    status = what.add_parser("status", help="points, failures, arguments, when and where they were run")
    status.add_argument("harvest", metavar="FOO", help="what sweep was told as --out")
    status.add_argument("--failures", type=int, default=3, metavar="N", help="failures to show (default 3)")
    status.add_argument("--json", action="store_true", help="print JSON, for programs")
    export = what.add_parser("export", help="all results as a dataset or table")
    export.add_argument("harvest", metavar="FOO", help="what sweep was told as --out")
    export.add_argument("file", metavar="FILE", help="foo.h5, foo.nc, foo.zarr: a dataset; foo.csv, foo.parquet, ...: a table")  # fmt: skip
    check = what.add_parser("check", help="read all of it, and name what a disk has damaged")
    check.add_argument("harvest", metavar="FOO", help="what sweep was told as --out")
    check.add_argument("--salvage", action="store_true", help="keep what is whole, and let go of the rest: run it again with --resume")  # fmt: skip
    for each in (status, export, check):
        each.add_argument("--allow-pickle", action="store_true", help="load values that only a pickle can carry")


def main(args: Namespace) -> int:
    """Print, or write."""
    from headrace.cli import told_warnings

    with told_warnings():
        return {"export": _export, "status": _status, "check": _check}[args.what](args)


def _ledger(args: Namespace) -> Any:
    """Return the ledger, to be read: nothing is written, whoever else is harvesting, on whichever host."""
    from headrace.store.ledger import Ledger
    from headrace.sweeps.places import places_of

    _, where, _ = places_of(args.harvest, None)
    found = Ledger(where, readonly=True, allow_pickle=args.allow_pickle)
    if not found.exists:
        raise _absent(args.harvest)
    return found


def _absent(name: str) -> Exception:
    from headrace.errors import StreamConfigError

    return StreamConfigError(
        f"there is no harvest {name}, wanted what a sweep has written.\n  A harvest foo.h5 has a folder foo.h5.ledger."
    )


def _harvester(args: Namespace) -> Any:
    """Return a harvester of what is there: its points know what they are called."""
    from headrace.sweeps import Harvester, Runner

    runner = Runner(_nothing, None)
    found = Harvester(runner, args.harvest, allow_pickle=args.allow_pickle)
    if not found.ledger.exists:
        raise _absent(args.harvest)
    point = found.ledger.first()
    if point is not None and point.layout["vars"] is not None:  # for what else is in its file
        runner.var_names = point.layout["vars"]
        runner.var_dims = point.layout["dims"]
    return found


def _nothing() -> None:
    """Stand in for the function: nothing is run here."""


def _export(args: Namespace) -> int:
    harvester = _harvester(args)
    harvester.export(args.file)
    totals = harvester.ledger.totals
    file = Path(args.file)
    if not file.suffix:  # it got that of a dataset
        from headrace.store.names import dataset_path

        file = file.with_name(dataset_path(file).name)
    print(f"{file} has the {totals.rows - totals.failed} points of {args.harvest}")
    return 0


def _check(args: Namespace) -> int:
    found = _harvester(args).salvage() if args.salvage else _ledger(args).damages()
    for damage in found:
        where = "" if damage.settings is None else f" at {', '.join(f'{k}={v!r}' for k, v in damage.settings.items())}"
        print(f"row {damage.row}{where}: {damage.what}")
    if not found:
        print(f"{args.harvest} is whole")
    elif args.salvage:
        print(f"{args.harvest} has what was whole; --resume runs the rest again")
        return 0
    return int(bool(found))


def _status(args: Namespace) -> int:
    told = status_of(_ledger(args), args.failures)
    if args.json:
        import json

        print(json.dumps(told, indent=2, ensure_ascii=False, default=str))
    else:
        print("\n".join([args.harvest, *_lines(told)]))
    return 0


def status_of(ledger: Any, failures: int) -> dict[str, Any]:
    """Return what is known of a harvest as plain values."""
    from headrace.sweeps.view import Frame, View, failures_of, timings_of

    totals = ledger.totals
    there = list(View(ledger).points(values=False).values())
    times = timings_of(there)
    table = failures_of(ledger.get([point.key for point in there if point.state]).values())
    frame = Frame(there)
    names = list(
        dict.fromkeys(name for layout in frame.layouts for name in layout["vars"] or ["(named by the function)"])
    )
    told: dict[str, Any] = {
        "points": int(totals.rows - totals.failed),
        "failed": int(totals.failed),
        "cells": frame.points.cells if there else 0,
        "arguments": {name: list(axis) for name, axis in frame.points.axes.items()},
        "results": names,
        "bytes": int(ledger.size(1 << 62)),
    }
    if len(times):
        told["seconds"] = float(times["seconds"].sum())
        told["first"], told["last"] = (str(each) + "Z" for each in (times["at"].min(), times["at"].max()))
        told["hosts"] = sorted({str(each) for each in times["host"] if each is not None})
        told["functions"] = sorted(
            {f"{fn} {str(code)[:8]}" for fn, code in zip(times["fn"], times["code"], strict=True)}
        )
    shown = table.iloc[-failures:] if failures else table.iloc[:0]
    told["failures"] = [{k: row[k] for k in row if k != "traceback"} for row in shown.to_dict("records")]
    return told


def _lines(told: dict[str, Any]) -> list[str]:
    whole = told["cells"]
    missing = (
        f", {whole - told['points']} of {whole} places of the grid have no result" if whole > told["points"] else ""
    )
    lines = [f"  points     {told['points']}{missing}"]
    if told["failed"]:
        lines.append(f"  failed     {told['failed']}")
    for k, (name, axis) in enumerate(told["arguments"].items()):
        shown = ", ".join(map(_short, axis if len(axis) <= MANY else [*axis[: MANY - 2], ..., axis[-1]]))
        count = f"{len(axis)} values" if len(axis) != 1 else "1 value"
        lines.append(f"  {'arguments' if not k else '':10} {name}: {count}: {shown}")
    lines.append(f"  results    {', '.join(map(str, told['results']))}")
    lines.append(f"  size       {_size(told['bytes'])}")
    if "seconds" in told:
        lines.append(
            f"  took       {told['seconds']:.3g} s of calls, from {told['first'][:19]} to {told['last'][:19]} UTC"
        )
        lines.append(f"  by         {'; '.join(told['functions'])} on {', '.join(told['hosts'])}")
    for row in told["failures"]:
        settings = ", ".join(f"{k}={_short(v)}" for k, v in row.items() if k not in ("error", "message"))
        lines.append(f"  failed at  {settings}: {row['error']}: {_short(str(row['message']), 100)}")
    return lines


def _short(value: Any, most: int = 24) -> str:
    text = "..." if value is ... else value if isinstance(value, str) and most > 24 else repr(value)
    return text if len(text) <= most else f"{text[: most - 3]}..."


def _size(n: int) -> str:
    return f"{n / 1e6:.1f} MB" if n >= 1e5 else f"{n / 1e3:.1f} kB"
