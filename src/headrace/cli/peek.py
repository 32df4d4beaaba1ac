"""``headrace peek X``: the first items, with shapes, dtypes and values."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from headrace.cli.target import find_stream, stream_argument


def arguments(parser: ArgumentParser) -> None:
    """Say what the command line may hold."""
    stream_argument(parser)
    parser.add_argument("--n", type=int, default=3, metavar="N", help="how many items (default 3)")
    parser.add_argument("--seed", type=int, metavar="S", help="replace the seed of the stream")
    parser.add_argument("--at", type=int, default=0, metavar="K", help="begin with item K, counted from 0")


def main(args: Namespace) -> int:
    """Print the items."""
    from headrace.cli import failed
    from headrace.errors import StreamConfigError

    if args.n < 0 or args.at < 0:
        raise StreamConfigError("--n and --at want whole numbers of at least 0.")
    stream = find_stream(args.stream)
    if args.seed is not None:
        stream = stream.seeded(args.seed)
    with stream.open() as cursor:
        try:
            cursor.skip(args.at)
        except Exception as error:  # the user's
            return failed(error, 1, debug=args.debug)
        for number in range(args.at, args.at + args.n):
            try:
                item = next(cursor)
            except StopIteration:
                break
            except Exception as error:  # the user's, as against that of a pipe closed by the reader of this
                return failed(error, 1, debug=args.debug)
            print("\n".join([f"item {number}", *shown_lines(item)]), flush=True)
        if cursor.position < args.at + args.n:
            print(f"the stream ended after {cursor.position} items")
    return 0


def shown_lines(item: Any) -> list[str]:
    """Return one line per leaf of an item: name, type, shape, value."""
    from headrace.core.items import leaves

    rows = [(path, *_leaf(leaf)) for path, leaf in leaves(item)]
    wide = [max((len(row[k]) for row in rows), default=0) for k in range(2)]
    return ["  " + f"{path:{wide[0]}}  {kind:{wide[1]}}  {value}".strip() for path, kind, value in rows]


def _leaf(leaf: Any) -> tuple[str, str]:
    import numpy as np

    if isinstance(leaf, np.ndarray):
        with np.printoptions(threshold=6, edgeitems=3, precision=4, linewidth=10**6):
            value = " ".join(str(leaf.reshape(-1)).split())
        return f"{leaf.dtype} {leaf.shape}", value
    kind = str(leaf.dtype) if isinstance(leaf, np.generic) else type(leaf).__name__
    text = repr(leaf.item() if isinstance(leaf, np.generic) else leaf)
    return kind, text if len(text) <= 60 else f"{text[:57]}..."
