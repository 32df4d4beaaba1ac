"""``headrace bench X``: how fast a stream is, which side waits for the other, what a perfect loader would gain."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from typing import Any

from headrace.cli.target import find_object, find_stream, stream_argument


def arguments(parser: ArgumentParser) -> None:
    """Say what the command line may hold."""
    stream_argument(parser)
    parser.add_argument("--seconds", type=float, default=5.0, metavar="S", help="how long to draw (default 5)")
    parser.add_argument("--seed", type=int, metavar="S", help="replace the seed of the stream")
    consumer = parser.add_mutually_exclusive_group()
    consumer.add_argument(
        "--consumer", metavar="F", help="module:function or file.py:function, called with each item: a training step"
    )
    consumer.add_argument(
        "--step",
        type=float,
        metavar="MS",
        help="stand in for a consumer that is busy elsewhere, MS milliseconds an item",
    )


def main(args: Namespace) -> int:
    """Print the report."""
    from headrace.cli import failed
    from headrace.errors import StreamConfigError
    from headrace.parallel.measure import measure

    if args.step is not None and args.step < 0:
        raise StreamConfigError(f"--step got {args.step:g}, wanted milliseconds, 0 or more.")
    stream = find_stream(args.stream)
    if args.seed is not None:
        stream = stream.seeded(args.seed)
    consumer = _consumer(args)
    try:
        found = measure(stream, args.seconds, consumer)
    except StreamConfigError:
        raise
    except Exception as error:  # the user's
        return failed(error, 1, debug=args.debug)
    print(found)
    return 0


def _consumer(args: Namespace) -> Callable[[Any], object] | None:
    if args.consumer is not None:
        found: Callable[[Any], object] = find_object(args.consumer, "function")  # measure() looks at what it is
        return found
    if args.step is not None:
        from time import sleep

        return lambda item: sleep(args.step / 1000)
    return None
