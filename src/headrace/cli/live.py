"""``headrace live SYSTEM``: a page in the browser that shows a system while it runs."""

from __future__ import annotations

import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path
from typing import Any, Final

from headrace.cli.system_target import find_system, system_argument

LOOK: Final = 0.1  # seconds


def arguments(parser: ArgumentParser) -> None:
    """Say what the command line may hold."""
    system_argument(parser)
    parser.add_argument("--port", type=int, default=0, metavar="N", help="by default one that is free")
    parser.add_argument(
        "--host", default="127.0.0.1", help="where to listen; by default this machine alone can come in"
    )
    parser.add_argument("--token", metavar="TEXT", help="what the address must hold; by default drawn anew")
    parser.add_argument("--rate", type=float, default=25.0, metavar="N", help="frames a second (default 25)")
    parser.add_argument(
        "--seconds", type=float, default=60.0, metavar="S", help="how far one can look back (default 60)"
    )
    parser.add_argument(
        "--record-to", default=".", metavar="FOLDER", help="where the page's Record button makes sessions"
    )
    parser.add_argument(
        "--range",
        action="append",
        type=_range,
        default=[],
        metavar="NAME=LOW:HIGH",
        help="the ends of a slider, such as band.order=1:8; may be given several times",
    )
    parser.add_argument("--no-open", action="store_true", help="open no browser: the address is printed")


def _range(text: str) -> tuple[str, tuple[float, float]]:
    name, _, ends = text.rpartition("=")
    try:
        low, high = map(float, ends.split(":"))
    except ValueError:
        low, high = 1.0, 0.0
    if not name or not low < high:
        raise ArgumentTypeError(f"{text!r} is no range, wanted NAME=LOW:HIGH, such as wave.frequency=0:20")
    return name, (low, high)


def main(args: Namespace) -> int:
    """Serve the page until Ctrl-C."""
    from headrace.cli import failed, tell, told_warnings
    from headrace.cli.ending import ended_by_signals
    from headrace.plot.page import Page

    system = find_system(args.system)
    _can_record(args.record_to)
    page = Page(
        system, host=args.host, port=args.port, token=args.token, rate=args.rate, seconds=args.seconds,
        record_to=args.record_to, ranges=dict(args.range),
    )  # fmt: skip
    error: BaseException | None = None
    with told_warnings(), ended_by_signals() as asked, page:  # the page first: it shows the first row, too
        system.start()
        try:
            print(page.url, flush=True)
            tell("Ctrl-C ends it.")
            if not args.no_open:
                _open(page.url)
            error = _until_the_end(system, page, asked)
        finally:
            try:
                system.stop()
            except Exception as failure:  # of the source, a signal, a feed
                error = failure
    if error is not None:
        return failed(error, 1, debug=args.debug)
    return 0


def _can_record(folder: str) -> None:
    """Make the folder of recordings. Raises HeadraceError when it cannot be: the button would say so too late."""
    from headrace.errors import StreamConfigError

    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StreamConfigError(
            f"--record-to got {folder!r}, where no folder can be made: {error.strerror or error}.\n"
            "  Name one that can be written to; by default it is the current one."
        ) from None


def _until_the_end(system: Any, page: Any, asked: list[int]) -> BaseException | None:
    """Tell when it ends or fails, which ends no page, until it is to end; return what it has failed with by then."""
    from headrace.cli import tell

    state = "running"
    while not asked:
        time.sleep(LOOK)
        if system.state != state:
            state = system.state
            told = {"running": "it runs again.", "failed": "it has failed; the page says with what."}
            tell(told.get(state, "it has ended; the page stays."))
    failure: BaseException | None = page.failure
    return failure


def _open(url: str) -> None:
    import webbrowser

    from headrace.cli import tell

    if not webbrowser.open(url):
        tell("no browser could be opened: open that address in one.")
