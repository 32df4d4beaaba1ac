"""``headrace replay PATH``: say what a session holds, or give its blocks to a function when they came."""

from __future__ import annotations

import json
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from math import inf
from typing import Any


def arguments(parser: ArgumentParser) -> None:
    """Say what the command line may hold."""
    parser.add_argument("path", metavar="PATH", help="the folder of the session")
    parser.add_argument(
        "--speed", type=_speed, metavar="N", help="how much faster than it was (default 1); 'inf' waits for nothing"
    )
    parser.add_argument("--to", metavar="MODULE:FUNCTION", help="a function that is called with each block")
    parser.add_argument("--skip-damaged", action="store_true", help="leave out blocks that are not what was recorded")


def _speed(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not found > 0:
        raise ArgumentTypeError(f"{text!r} is no speed, wanted a number above 0, or inf")
    return found


def main(args: Namespace) -> int:
    """Tell, or replay."""
    from headrace.cli import failed
    from headrace.live.recording.session import Session

    damaged: Any = "skip" if args.skip_damaged else "raise"
    if args.to is None and args.speed is None:
        try:
            session = Session(args.path, damaged=damaged)
        except FileNotFoundError as error:
            return failed(error, 2, debug=args.debug)
        with session:
            print("\n".join(summary(session)))
        return 0
    return _replayed(args, damaged)


def _replayed(args: Namespace, damaged: Any) -> int:
    from headrace.cli import failed, tell
    from headrace.cli.ending import ended_by_signals
    from headrace.cli.system_target import find_function
    from headrace.live.recording.replay import replay

    give = _show() if args.to is None else find_function(args.to)
    blocks = rows = 0
    with replay(args.path, args.speed or 1.0, damaged=damaged).open() as cursor, ended_by_signals() as asked:
        try:
            for block in cursor:
                give(block)
                blocks, rows = blocks + 1, rows + block.n
                if asked:
                    break
        except Exception as error:
            if isinstance(error, BrokenPipeError) and args.to is None:  # of our own lines: who read them has enough
                raise
            code = failed(error, 1, debug=args.debug)
            tell(f"{blocks} blocks, {rows} rows had been given")
            return code
    print(f"{blocks} blocks, {rows} rows{', and stopped' if asked else ''}")
    return 128 + asked[0] if asked else 0


def _show() -> Any:
    def show(block: Any) -> None:
        when = "" if block.times is None or not block.n else f"  {float(block.times[0]):.3f}"
        print(f"rows {block.first} to {block.first + block.n}{when}  {', '.join(block)}", flush=True)

    return show


def summary(session: Any) -> list[str]:
    """Return the lines that tell what a session holds."""
    raw = session.raw
    lines = [f"{session.path}: {raw.n} rows"]
    times = raw.times
    if times is not None and raw.n > 1:
        seconds = float(times[raw.n - 1]) - float(times[0])
        even = (raw.n - 1) / seconds if seconds > 0 else inf
        lines[0] += f" in {seconds:.3f} s, {even:.6g} a second"
    lines += [f"  {name:24} {column.dtype} {tuple(column.shape)}" for name, column in raw.items()]
    lines += [f"  {name:24} in some of the blocks" for name in session.partial]
    if session.functions:
        lines.append(f"  signals: {', '.join(node.name for node in session.functions)}")
    marks = session.marks
    if marks:
        start = session.anchors[0].now if session.anchors else 0.0
        lines.append(f"  {len(marks)} mark{'s' * (len(marks) != 1)}:")
        for mark in marks[:MARKS]:
            value = "" if mark.value is None else f" = {json.dumps(mark.value)}"
            name = mark.name if mark.name.isprintable() else ascii(mark.name)  # a terminal would do as it says
            lines.append(f"    {mark.now - start:10.3f} s  row {mark.row:<9} {name}{value}")
        if len(marks) > MARKS:
            lines.append(f"    and {len(marks) - MARKS} more")
    told = {name: value for name, value in session.metadata.items() if name not in KNOWN}
    lines += [f"  {name}: {json.dumps(value)}" for name, value in told.items()]
    lines.append(f"  recorded {session.metadata.get('timestamp', 'at an unknown time')}")
    if session.failure is not None:
        lines.append(f"  it is not complete, for it failed with {session.failure}")
    elif session.complete is False:
        lines.append("  it was not closed: the end may be missing")
    lines += [f"  damaged: {each.size} bytes at {each.at}: {each.what}" for each in session.damage if not each.tail]
    return lines


MARKS = 20  # that are listed
KNOWN = frozenset(
    {
        "session_name", "system_user", "timestamp", "argv", "platform", "data_source", "sample_rate",
        "signal_functions", "headrace", "numpy", "fingerprint",
    }
)  # fmt: skip
