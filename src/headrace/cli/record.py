"""``headrace record SYSTEM PATH``: keep what a system's source says in a session, keys that are pressed as marks."""

from __future__ import annotations

import json
import shutil
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from time import monotonic
from typing import Any, Final

from headrace.cli.ending import ended_by_signals
from headrace.cli.system_target import find_system, system_argument

LOOK: Final = 0.1  # seconds
TOLD: Final = 1.0  # seconds between two lines of a terminal
BEHIND: Final = 1.0  # seconds that the disk may be behind without a word
END: Final = "ctrl-d"


def arguments(parser: ArgumentParser) -> None:
    """Say what the command line may hold."""
    system_argument(parser)
    parser.add_argument("path", metavar="PATH", help="the folder of the session; it must not exist")
    parser.add_argument("--seconds", type=_seconds, metavar="S", help="how long; by default until Ctrl-C")
    parser.add_argument(
        "--meta",
        action="append",
        type=_meta,
        default=[],
        metavar="NAME=VALUE",
        help="what is to be known of it: JSON, or a text; may be given several times",
    )
    parser.add_argument("--quiet", action="store_true", help="show nothing while it records")


def _seconds(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not found > 0:
        raise ArgumentTypeError(f"{text!r} is no time, wanted seconds, more than 0")
    return found


def _meta(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ArgumentTypeError(f"{text!r} is no metadata, wanted NAME=VALUE, such as subject=7")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def main(args: Namespace) -> int:
    """Record."""
    from headrace.cli import failed, tell, told_warnings
    from headrace.cli.keys import Keys

    system = find_system(args.system)
    marks, error, began = 0, None, False
    with told_warnings(), ended_by_signals() as asked:
        recorder = system.record(args.path, **dict(args.meta))  # first: a path that is taken starts no sensor
        try:
            with system, Keys() as keys:
                began = True
                how = "press keys to mark, Ctrl-C ends" if keys.there else "Ctrl-C ends"
                if not args.quiet:
                    tell(f"recording to {args.path}; {how}")
                marks = _until_the_end(system, recorder, keys, args, asked)
        except Exception as failure:  # of the source, a signal, the disk
            error = failure
            if not began:
                system.stop_recording()
                shutil.rmtree(args.path)
                raise
    if error is not None:
        code = failed(error, 1, debug=args.debug)
        tell(f"{recorder.rows} rows are kept in {args.path}")
        return code
    dropped = _dropped(system)
    told = f", {marks} mark{'s' * (marks != 1)}" if marks else ""
    lost = f"; {dropped} rows were dropped before they could be recorded" if dropped else ""
    print(f"{args.path}: {recorder.rows} rows{told}{lost}")
    return 128 + asked[0] if asked and args.seconds is not None else 0


def _until_the_end(system: Any, recorder: Any, keys: Any, args: Namespace, asked: list[int]) -> int:
    """Keep marks and tell how it goes until it is to end; return how many marks there are."""
    began = told = monotonic()
    marks, shown = 0, False
    while not asked and system.is_active and system.recording_failure is None:
        left = LOOK if args.seconds is None else min(LOOK, args.seconds - (monotonic() - began))
        if left <= 0:
            break
        pressed = keys.read(left)
        for key in pressed:
            if key == END:
                asked.append(0)
                break
            if system.recording_failure is not None:
                break
            mark = system.mark(key)
            marks += 1
            _line(args, f"mark {key!r} at row {mark.row}", keep=True)
        if keys.there and monotonic() - told >= TOLD:
            told, shown = monotonic(), True
            late = system.stats()["consumers"].get("recording", {}).get("lag", 0.0)
            behind = f", the disk is {late:.0f} s behind" if late >= BEHIND else ""
            _line(args, f"{recorder.rows} rows, {told - began:.0f} s, {_dropped(system)} dropped{behind}")
    if shown:
        _line(args, "")
    if asked == [0]:  # as asked for by a key
        asked.clear()
    return marks


def _line(args: Namespace, text: str, *, keep: bool = False) -> None:
    """Show a line in place of the last one."""
    if not args.quiet:
        print(f"\r\x1b[K{text}", end="\n" if keep else "", file=sys.stderr, flush=True)


def _dropped(system: Any) -> int:
    return int(system.stats()["source"].get("dropped", 0))
