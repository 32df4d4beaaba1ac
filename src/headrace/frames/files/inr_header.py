"""The header of an INRIMAGE-4 file: text in multiples of 256 bytes, then samples.

The order of the samples is V fastest, then X, then Y, then Z; X counts columns, Y rows, Z planes, V the values of a
pixel. See "INRIMAGE-4", INRIA; CImg, iso2mesh and CGAL read it likewise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from headrace.errors import DataError, StreamConfigError

MAGIC = b"#INRIMAGE-4#{"
END = b"##}\n"
STEP = 256
_LONGEST = 1 << 16  # bytes of header beyond which a file is not believed
Order = Literal["standard", "classic"]
LITTLE = ("decm", "alpha", "pc")
BIG = ("sun", "sgi")
_UNSCALED = re.compile(r"2\s*\*\*\s*[-+]?0+")
_KINDS = {"float": ("f", (4, 8)), "unsigned fixed": ("u", (1, 2, 4, 8)), "signed fixed": ("i", (1, 2, 4, 8))}
DIMS = ("XDIM", "YDIM", "ZDIM", "VDIM")


@dataclass(frozen=True)
class InrHeader:
    """What stands before the samples.

    Attributes
    ----------
    dims : dict
        XDIM, YDIM, ZDIM and VDIM.
    dtype : dtype
        Of the samples, with their byte order.
    offset : int
        The byte at which they begin.
    """

    dims: dict[str, int]
    dtype: np.dtype[Any]
    offset: int

    @property
    def nbytes(self) -> int:
        """Bytes of samples."""
        return self.dtype.itemsize * prod(self.dims.values())


def read_inr_header(path: Path) -> InrHeader:
    """Return the header of a file.

    Raises
    ------
    DataError
        When it is none, names a type that is not known or a scale, or there are fewer bytes than it says.

    Examples
    --------
    >>> from pathlib import Path
    >>> text = inr_header({"XDIM": 3, "YDIM": 2, "ZDIM": 1, "VDIM": 1}, np.dtype("u1"))
    >>> _ = Path("tiny.inr").write_bytes(text + bytes(6))
    >>> read_inr_header(Path("tiny.inr")).dims
    {'XDIM': 3, 'YDIM': 2, 'ZDIM': 1, 'VDIM': 1}
    """
    with open(path, "rb") as file:
        head = file.read(STEP)
        if not head.startswith(MAGIC):
            raise _wrong(path, f"bytes that begin with {head[:13]!r}", f"an INRIMAGE-4 file, {MAGIC!r}")
        while END not in head and len(head) < _LONGEST and (more := file.read(STEP)):
            head += more
        length = file.seek(0, 2)
    end = head.find(END)
    if end < 0:
        raise _wrong(path, "a header without an end", "the line '##}'")
    offset = -(-(end + len(END)) // STEP) * STEP
    keys = _keys(path, head[len(MAGIC) : end])
    found = InrHeader(_dims(path, keys), _dtype(path, keys), offset)
    if offset + found.nbytes > length:
        raise _wrong(
            path, f"{max(0, length - offset)} bytes of samples", f"{found.nbytes}, as its header says: it is cut short"
        )
    return found


def _keys(path: Path, text: bytes) -> dict[str, str]:
    keys = {}
    for line in text.decode("latin-1").splitlines():
        if line.strip() and not line.startswith("#"):
            name, equals, value = line.partition("=")
            if not equals:
                raise _wrong(path, f"the line {line!r} in its header", "KEY=value")
            keys[name.strip()] = value.strip()
    return keys


def _dims(path: Path, keys: dict[str, str]) -> dict[str, int]:
    found = {}
    for name in DIMS:
        told = keys.get(name, "1" if name in ("ZDIM", "VDIM") else "nothing")
        if not told.isascii() or not told.isdecimal() or len(told) > 15:
            raise _wrong(path, f"{name}={told}", "a whole number")
        found[name] = int(told)
    return found


def _dtype(path: Path, keys: dict[str, str]) -> np.dtype[Any]:
    kind = keys.get("TYPE", "nothing")
    bits = keys.get("PIXSIZE", "nothing").removesuffix("bits").strip()
    cpu = keys.get("CPU", "decm")
    if kind not in _KINDS:
        packed = (
            ": how packed samples lie is described nowhere, so they have to be unpacked" if kind == "packed" else ""
        )
        raise _wrong(path, f"TYPE={kind}", f"one of {', '.join(_KINDS)}{packed}")
    if "fixed" in kind and not _UNSCALED.fullmatch(keys.get("SCALE", "2**0")):
        raise _wrong(path, f"SCALE={keys['SCALE']}", "SCALE=2**0: samples are given as they are stored, not scaled")
    code, sizes = _KINDS[kind]
    if bits not in {str(8 * n) for n in sizes}:
        raise _wrong(
            path, f"PIXSIZE={keys.get('PIXSIZE', 'nothing')}", f"{', '.join(f'{8 * n} bits' for n in sizes)} for {kind}"
        )
    if cpu not in LITTLE + BIG:
        raise _wrong(path, f"CPU={cpu}", f"one of {', '.join(LITTLE + BIG)}")
    return np.dtype(f"{'<' if cpu in LITTLE else '>'}{code}{int(bits) // 8}")


def _wrong(path: Path, got: str, wanted: str) -> DataError:
    return DataError(
        f"InrImageStreamer({str(path)!r}) got {got}, wanted {wanted}.\n  Its header is text: look at it with head -c 256."
    )


def inr_header(dims: dict[str, int], dtype: np.dtype[Any], cpu: str = "decm") -> bytes:
    r"""Return the 256 bytes before samples of this type.

    Parameters
    ----------
    dims
        XDIM, YDIM, ZDIM and VDIM.
    dtype
        Of the samples; its byte order is that of ``cpu``.
    cpu
        ``"decm"``, ``"alpha"`` or ``"pc"`` for the low byte first, ``"sun"`` or ``"sgi"`` for the high one.

    Raises
    ------
    StreamConfigError
        When there are no such samples in the format.

    Examples
    --------
    >>> head = inr_header({"XDIM": 3, "YDIM": 2, "ZDIM": 1, "VDIM": 1}, np.dtype("f4"))
    >>> len(head), head[:13], head[-4:]
    (256, b'#INRIMAGE-4#{', b'##}\n')
    """
    names = {code: name for name, (code, sizes) in _KINDS.items() if dtype.itemsize in sizes}
    if dtype.kind not in names:
        raise StreamConfigError(
            f"InrImageStreamWriter(dtype=) got {dtype}, wanted float32, float64 or an integer type of 8 to 64 bits.\n"
            "  Truth values and float16 go into 'uint8' and 'float32'."
        )
    if cpu not in LITTLE + BIG:
        raise StreamConfigError(
            f"InrImageStreamWriter(cpu=) got {cpu!r}, wanted one of {', '.join(LITTLE + BIG)}.\n"
            "  decm, alpha and pc have the low byte first, sun and sgi the high one."
        )
    lines = [f"{name}={dims[name]}" for name in DIMS]
    lines += [f"TYPE={names[dtype.kind]}", f"PIXSIZE={8 * dtype.itemsize} bits", "SCALE=2**0", f"CPU={cpu}"]
    text = MAGIC + b"\n" + "\n".join(lines).encode() + b"\n"
    return text.ljust(STEP - len(END), b"\n") + END


def check_order_of(who: str, order: Any) -> Order:
    """Return ``order``, or raise StreamConfigError when it is no order of samples."""
    if order not in get_args(Order):
        raise StreamConfigError(
            f"{who}(order=) got {order!r}, wanted 'standard' or 'classic'.\n"
            "  'standard' is that of the format, 'classic' the one that convis reads."
        )
    checked: Order = order
    return checked
