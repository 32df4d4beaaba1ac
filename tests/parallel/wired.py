"""Items that a socket carries, and as what they come out at the other end."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace import Batch
from headrace.core import same
from headrace.core.items import leaves
from headrace.parallel.decode import decode
from headrace.parallel.encode import encode
from headrace.parallel.flatten import Flattener
from headrace.parallel.header import OWN


def sent(items: list[Any]) -> list[Any]:
    """The items as they come out at the other end, sent in as many messages as it takes."""
    flatten = Flattener()
    flat, found = [flatten(item) for item in items], []
    while flat:
        frames, n = encode(flat)
        found += decode([bytearray(frame) for frame in frames])
        flat = flat[n:]
    return found


def kinds(item: Any) -> Any:
    """What kind each part is: `same` takes every mapping for a dict."""
    if isinstance(item, dict):
        return type(item), [(type(name), kinds(part)) for name, part in item.items()]
    if isinstance(item, list | tuple):
        return type(item), [kinds(part) for part in item]
    return type(item), getattr(item, "dtype", None), getattr(item, "shape", None)


def check_alike(a: Any, b: Any) -> None:
    assert same(a, b)
    assert kinds(a) == kinds(b)
    for _, leaf in leaves(b):
        if isinstance(leaf, np.ndarray):
            assert leaf.flags.writeable
            assert leaf.flags.aligned


STRUCTURE = np.dtype([("a", "<i2"), ("b", [("c", ">f4", (2, 2)), ("d", "S3")]), ("e", "<U2"), ("f", "M8[25us]")])
PADDED = np.dtype({"names": ["b", "a"], "formats": ["<i4", "u1"], "offsets": [8, 1], "itemsize": 16})
ALIGNED = np.dtype([("a", "u1"), ("b", "<f8")], align=True)

ITEMS: dict[str, Any] = {
    "C": np.arange(6.0).reshape(2, 3),
    "Fortran": np.asfortranarray(np.arange(24).reshape(2, 3, 4)),
    "strided": np.arange(20)[::3],
    "backwards": np.arange(20)[::-2],
    "a column": np.arange(20).reshape(4, 5)[:, 1],
    "broadcast": np.broadcast_to(np.float32(3), (3, 2)),
    "0-d": np.array(5),
    "0-d structure": np.zeros((), STRUCTURE),
    "empty": np.zeros((0, 3), ">c8"),
    "empty in another direction": np.zeros((3, 0, 2), bool),
    "bool": np.array([True, False]),
    "half": np.arange(3, dtype=np.float16),
    "long double": np.arange(3, dtype=np.longdouble),
    "complex": np.array([1 + 2j, complex("nan")]),
    "big-endian": np.arange(3, dtype=">i4"),
    "dates": np.array(["2020-02-29", "NaT"], "M8[ns]"),
    "times": np.array([1, -1], ">m8[25s]"),
    "bare dates": np.array(["NaT"], "M8"),
    "unicode": np.array(["", "añb", "\U0001f600"]),
    "big-endian unicode": np.array(["ab"], ">U3"),
    "bytes": np.array([b"a\0b", b""]),
    "void": np.array([b"abc"], "V3"),
    "structure": np.zeros((2, 2), STRUCTURE),
    "gaps": np.ones(3, PADDED),
    "titles": np.ones(3, [(("a title", "a"), "i4"), ("b", "U2")]),
    "aligned": np.ones(3, ALIGNED),
    "no fields": np.zeros(3, np.dtype([])),
    "texts of no length": np.zeros(3, [("a", "U0"), ("b", "i4")])["a"],
    "large": np.arange(OWN, dtype=np.int64),
    "large Fortran": np.asfortranarray(np.random.default_rng(1).random((200, 300))),
    "several large": {str(k): np.full(OWN, k, np.uint8) for k in range(5)},
    "just below large": (np.zeros(OWN - 1, np.uint8), np.ones(OWN + 1, np.uint8)),
    "None": None,
    "bools": (True, False),
    "integers": (0, -1, 2**63 - 1, -(2**63), 2**63, -(2**200)),
    "floats": (0.0, -0.0, float("inf"), float("nan"), 5e-324),
    "a complex": complex(1, float("-inf")),
    "texts": ("", "a\0", "ünï", "\ud800", "\U0001f600"),
    "octets": (b"", b"\0\xff"),
    "numpy scalars": (np.float32(1.5), np.int8(-1), np.bool_(True), np.complex64(1j), np.longdouble(2)),
    "numpy dates": (np.datetime64("2020-01-01T12", "h"), np.timedelta64(3, "D"), np.datetime64("NaT")),
    "numpy texts": (np.str_("a\0"), np.bytes_(b"b\0")),
    "a row of a structure": np.ones(2, STRUCTURE)[1],
    "no items": {},
    "empty branches": {"a": {}, "b": (), "c": [], "d": {"e": ((), {})}},
    "order": {"z": 1, "a": 2, 5: 3, "5": 4, -(2**63): 5},
    "lists": [[1, 2.5, "a", None], [], [np.zeros(2), {"X": 1}], [True], [1, 2**70], ["a", "bc"], [b"x"], [None] * 3],
    "a list of numpy texts": [np.str_("a"), np.str_("")],
    "batch": Batch(X=np.zeros((3, 2)), Y=Batch(a=np.arange(3)), Z=["a", "b", "c"]),
    "names": {"": 1, "a.b": 2, "ünï": 3},
}  # fmt: skip
