"""``headrace describe X``: the composition as a tree."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from math import inf
from typing import Any

from headrace.cli.target import find_stream, stream_argument


def arguments(parser: ArgumentParser) -> None:
    """Say what the command line may hold."""
    stream_argument(parser)
    parser.add_argument("--members", type=int, default=8, metavar="N", help="members of one mux to show (default 8)")
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")


def main(args: Namespace) -> int:
    """Print the description."""
    from headrace.core import describe

    found = describe(find_stream(args.stream), members=args.members)
    if args.json:
        print(json.dumps(_plain(found), indent=2, ensure_ascii=False))
    else:
        print(f"{found}\nfingerprint {found.fingerprint}")
    return 0


def _plain(found: Any) -> dict[str, Any]:
    below = [{"label": label.strip(), **_plain(child)} for label, child in found.children]
    size = "endless" if found.size == inf else None if found.size is None else int(found.size)
    told = {name: value for name, value in found._asdict().items() if name not in ("children", "size", "remarks")}
    return {**told, "size": size, "remarks": list(found.remarks), "children": below}
