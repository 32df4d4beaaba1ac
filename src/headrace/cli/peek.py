"""``headrace peek X``: the first items, or those from any number on, with shapes, dtypes and values."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Any

from headrace.cli.target import find_stream, stream_argument

if TYPE_CHECKING:
    from headrace.core import Cursor, Stream

MANY = 10_000  # items to be passed one by one of which a person is told


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
    _check_size(stream, args.at)
    with stream.open() as cursor:
        try:
            passed = _pass(cursor, args.at)
        except Exception as error:  # the user's
            return failed(error, 1, debug=args.debug)
        if passed < args.at:
            raise _beyond(stream, args.at, passed)
        for number in range(args.at, args.at + args.n):
            try:
                item = next(cursor)
            except StopIteration:
                if number and number == args.at:  # the size was not known before
                    raise _beyond(stream, args.at, passed) from None
                break
            except Exception as error:  # the user's, as against that of a pipe closed by the reader of this
                return failed(error, 1, debug=args.debug)
            print("\n".join([f"item {number}", *shown_lines(item)]), flush=True)
        if cursor.position < args.at + args.n:
            print(f"the stream ended after {cursor.position} items")
    return 0


def _check_size(stream: Stream[Any], at: int) -> None:
    """Raise where the size alone says that there is no such item."""
    try:
        size = stream.size
    except Exception:  # of a file that is not there: the first item says so better
        return
    if size is not None and 0 < at >= size:
        raise _beyond(stream, at, int(size))


def _beyond(stream: Stream[Any], at: int, size: int) -> Exception:
    from headrace.errors import AddressError

    there = f"a number from 0 to {size - 1}" if size else "a stream with items: it has none"
    return AddressError(f"{stream.node_name} got --at {at}, wanted {there}.\n  Ask for a smaller number.")


def _pass(cursor: Cursor[Any], at: int) -> int:
    """Pass the items before ``at``: at once where they have numbers, else one by one, saying so when there are many."""
    from headrace.cli import tell

    if cursor.stream.access != "index" and at >= MANY:
        tell(f"the items of {cursor.stream.node_name} have no numbers: passing {at} of them one by one.")
    return cursor.skip(at)


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
