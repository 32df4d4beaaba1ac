"""``headrace run X --to OUT``: the items of a stream as a dataset, through kills and interruptions."""

from __future__ import annotations

import shlex
from argparse import ArgumentParser, ArgumentTypeError, BooleanOptionalAction, Namespace
from math import inf
from typing import Any

from headrace.cli.ending import ended_by_signals
from headrace.cli.target import find_stream, stream_argument

_STOPPING = "headrace: stopping after this item; once more stops at once.\n"


def arguments(parser: ArgumentParser) -> None:
    """Say what the command line may hold."""
    stream_argument(parser)
    parser.add_argument("--to", required=True, metavar="OUT", help="the folder to write")
    parser.add_argument(
        "--format",
        choices=("npz", "zarr", "parquet"),
        help="by default that of OUT's suffix: .zarr, .parquet, else a folder of npz files",
    )
    parser.add_argument("--limit", type=_rows, metavar="N", help="rows in the dataset; 'inf' takes a limit away")
    parser.add_argument("--seed", type=int, metavar="S", help="replace the seed of the stream")
    again = parser.add_mutually_exclusive_group()
    again.add_argument("--resume", action="store_true", help="go on with an unfinished dataset, or to a larger limit")
    again.add_argument("--no-resume", action="store_true", help="save no state: for a stream that cannot be resumed")
    parser.add_argument("--part", type=int, metavar="ROWS", help="rows in a file (by default about 16 MB of them)")
    parser.add_argument(
        "--shard",
        type=_shard,
        metavar="I/N",
        help="write parts I, I + N, I + 2 N, ... only: N processes make one dataset; items must have numbers",
    )
    parser.add_argument(
        "--batches",
        action=BooleanOptionalAction,
        help="whether items are batches, to be stored row by row (by default, if they are of type Batch)",
    )
    parser.add_argument(
        "--save-every",
        type=float,
        default=5.0,
        metavar="SECONDS",
        help="what a kill costs at most (default 5; 0 saves after every item); with --shard it is a part",
    )
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def _rows(text: str) -> float:
    try:
        return inf if text in ("inf", "none") else int(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no number of rows") from None


def _shard(text: str) -> tuple[int, int]:
    try:
        i, n = map(int, text.split("/"))
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no shard, wanted I/N, such as 0/8") from None
    return i, n


def main(args: Namespace) -> int:
    """Write the dataset."""
    from headrace.cli import failed, tell, told_warnings
    from headrace.cli.progress import Progress

    with told_warnings(), ended_by_signals(_STOPPING) as asked:
        job = _job(args)
        before, was_complete = job.kept, job.complete
        progress = Progress(lambda: job.total, before, quiet=args.quiet)
        try:
            saved = job.run(progress, lambda: asked)
        except Exception as error:  # the user's, or the disk's
            progress.close()
            code = failed(error, 1, debug=args.debug)
            tell(_how_to_go_on(args, job.kept))
            return code
        except KeyboardInterrupt:
            progress.close()
            tell(f"stopped at once. {_how_to_go_on(args, job.kept)}")
            return 130
        progress.close()
    if args.shard is not None and job.whole:
        print(_shard_told(args, job, was_complete))
        return 0
    if not saved.complete:
        tell(f"stopped. {_how_to_go_on(args, saved.rows)}")
        return 128 + asked[0]
    if was_complete:
        print(f"{args.to} is complete already: {saved.rows} rows")
    else:
        print(f"{args.to} is complete: {saved.rows} rows" + (f", {before} of them from before" if before else ""))
    return 0


def _job(args: Namespace) -> Any:
    """Return the run of a whole dataset, or of one shard: either is asked the same."""
    from headrace.store import Saving, Sharding
    from headrace.store.claims import refuse_resumable

    stream = find_stream(args.stream)
    alike = {
        "limit": args.limit,
        "seed": args.seed,
        "resume": args.resume,
        "kind": args.format,
        "part": args.part,
        "batches": args.batches,
    }
    if args.shard is None:
        return Saving(stream, args.to, resumable=not args.no_resume, every=args.save_every, **alike)
    if args.no_resume:
        raise refuse_resumable()
    return Sharding(stream, args.to, args.shard, **alike)


def _shard_told(args: Namespace, job: Any, was_complete: bool) -> str:
    i, n = args.shard
    if was_complete:
        return f"{args.to} is complete already: {job.rows} rows"
    if job.complete:
        return f"{args.to} is complete: {job.rows} rows, {job.kept} of them by shard {i}/{n}"
    return f"shard {i}/{n} of {args.to} is complete: {job.kept} rows; other shards are not"


def _how_to_go_on(args: Namespace, rows: int) -> str:
    kept = f"{rows} rows are kept in {args.to}"
    if args.no_resume:
        return f"{kept}; read them with headrace.store.read(path, partial=True)."
    again = [*args.argv, *([] if args.resume else ["--resume"])]
    return f"{kept}. Go on with:\n  headrace {shlex.join(again)}"
