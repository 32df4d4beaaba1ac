"""What a browser may say, what it may not, and anything in between."""

from __future__ import annotations

import json
import random

from headrace.plot.page.messages import LARGEST, Message

GOOD = {
    '{"what": "drawn", "frame": 12}': Message("drawn", frame=12),
    '{"what": "view", "seconds": 2.5, "pixels": 900}': Message("view", seconds=2.5, pixels=900),
    '{"what": "set", "path": "a.b", "value": 0.5}': Message("set", path="a.b", value=0.5),
    '{"what": "set", "path": "a.b", "value": true}': Message("set", path="a.b", value=True),
    '{"what": "start"}': Message("start"),
    '{"what": "stop"}': Message("stop"),
    '{"what": "record"}': Message("record", name="session"),
    '{"what": "record", "name": "monday_1"}': Message("record", name="monday_1"),
    '{"what": "stop recording"}': Message("stop recording"),
    '{"what": "mark", "name": "door, left"}': Message("mark", name="door, left"),
}
BAD = [
    "",
    "drawn",
    "[]",
    "7",
    "null",
    '{"what": null}',
    '{"what": ["start"]}',
    '{"what": "leave"}',
    '{"frame": 1}',
    '{"what": "drawn", "frame": -1}',
    '{"what": "drawn", "frame": 1.0}',
    '{"what": "drawn", "frame": true}',
    '{"what": "drawn"}',
    '{"what": "view", "seconds": 1e999, "pixels": 900}',
    '{"what": "view", "seconds": NaN, "pixels": 900}',
    '{"what": "view", "seconds": 10, "pixels": 1000000000}',
    '{"what": "view", "seconds": 0, "pixels": 900}',
    '{"what": "set", "path": "", "value": 1}',
    '{"what": "set", "path": "a", "value": Infinity}',
    '{"what": "set", "path": "a", "value": 1' + 400 * "0" + "}",
    '{"what": "set", "path": "a", "value": "1"}',
    '{"what": "set", "path": "a"}',
    '{"what": "record", "name": "../up"}',
    '{"what": "record", "name": ".hidden"}',
    '{"what": "record", "name": "a/b"}',
    '{"what": "record", "name": "a\\\\b"}',
    '{"what": "record", "name": "a\\nb"}',
    '{"what": "record", "name": ""}',
    '{"what": "record", "name": ' + json.dumps("x" * 65) + "}",
    '{"what": "mark", "name": "\\u0000"}',
    '{"what": "mark", "name": "\\ud800"}',
    '{"what": "mark", "name": 3}',
    "[" * 4000,
    '{"what": ' * 400,
    '{"what": "start", "more": "' + "x" * LARGEST + '"}',
]


def mutated(rng: random.Random) -> str:
    """A message of the page with some of it changed, cut, doubled or moved."""
    text = rng.choice([*GOOD, *BAD[:30]])
    for _ in range(rng.randint(1, 6)):
        at, end = sorted((rng.randint(0, len(text)), rng.randint(0, len(text))))
        noise = "".join(
            chr(rng.choice((rng.randint(0, 127), rng.randint(128, 0xD7FF)))) for _ in range(rng.randint(0, 4))
        )
        text = rng.choice([text[:at] + noise + text[at:], text[:at] + text[end:], text[:end] + text[at:], text[:at] + noise + text[end:]])  # fmt: skip
        if rng.random() < 0.2:
            text = text.replace(rng.choice("0123456789"), rng.choice(["-", "1e9", "9" * 30, "null", "[]", "{}", '"']))
    return text
