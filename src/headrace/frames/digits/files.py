"""Where digits lie: the files of MNIST and of what has its names, found, verified and downloaded."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import md5
from os.path import isfile
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple, get_args
from urllib.request import urlopen

from headrace.core.anew import written_anew
from headrace.errors import DataError, StreamConfigError

Split = Literal["test", "train"]
Opener = Callable[[str], IO[bytes]]
MIRROR = "https://ossci-datasets.s3.amazonaws.com/mnist/"
_STEMS = {"train": "train", "test": "t10k"}
_IMAGES, _LABELS = "images-idx3-ubyte", "labels-idx1-ubyte"
_SUMS = {
    "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
}
_FOLDERS = ("", "raw", "MNIST/raw")
_LARGEST = 1 << 28  # bytes of a download: a server that never ends is left


class DigitFiles(NamedTuple):
    """The files of one split; labels are None where there are none."""

    images: Path
    labels: Path | None


def find_digits(
    who: str,
    folder: Any,
    split: Split = "test",
    check: bool = True,
    download: bool = False,
    opener: Opener | None = None,
) -> DigitFiles:
    """Return the files of a split, below a folder. There need be no labels.

    Parameters
    ----------
    who
        The name that messages begin with.
    folder
        Where they lie: there, or in ``raw`` or ``MNIST/raw`` below it; ``.gz`` or not.
    split
        ``"test"`` or ``"train"``.
    check
        Compare what has MNIST's ``.gz`` names with the md5 sums of its files.
    download
        Fetch what is missing into the folder, verified.
    opener
        Opens an address for reading; by default :func:`urllib.request.urlopen`.

    Raises
    ------
    StreamConfigError
        When there is no such split, or there are no images of it.
    DataError
        When a sum is another.
    """
    if not isinstance(split, str) or split not in get_args(Split):
        raise StreamConfigError(
            f"{who}(split=) got {split!r}, wanted 'test' or 'train'.\n  MNIST has 10000 digits to test and 60000 to train."
        )
    try:
        root = Path(folder)
    except TypeError:
        raise StreamConfigError(
            f"{who}(data_folder) got {folder!r}, wanted the path of a folder.\n  It is a text or a Path."
        ) from None
    found: list[Path | None] = []
    for kind in (_IMAGES, _LABELS):
        name = f"{_STEMS[split]}-{kind}"
        path = _located(root, name)
        if path is None and download:
            path = _fetched(who, root / f"{name}.gz", opener)
        elif path is None and kind == _IMAGES:
            raise StreamConfigError(
                f"{who}(data_folder) got {str(root)!r}, which has no {name!r}, with or without .gz, wanted the idx files of "
                f"{split} digits.\n  They may also lie in raw/ or MNIST/raw/ below it; download=True fetches MNIST's."
            )
        elif check and path is not None and path.name in _SUMS:
            _verify(who, path, path.read_bytes())
        found.append(path)
    images, labels = found
    assert images is not None
    return DigitFiles(images, labels)


def _located(root: Path, name: str) -> Path | None:
    for below in _FOLDERS:
        for ending in ("", ".gz"):
            path = root / below / (name + ending)
            if isfile(path):  # not in a folder that may not be looked into, either
                return path
    return None


def _verify(who: str, path: Path, data: bytes) -> None:
    found = md5(data, usedforsecurity=False).hexdigest()
    if found != _SUMS[path.name]:
        raise DataError(
            f"{who} got {str(path)!r} with the md5 sum {found}, wanted {_SUMS[path.name]}, that of MNIST's file of this name.\n"
            "  Download it again; for other digits under MNIST's names pass check=False.\n"
            f"  file: {path}"
        )


def _fetched(who: str, path: Path, opener: Opener | None) -> Path:
    """Download one file: it appears under its name once it is whole and verified."""
    address = MIRROR + path.name
    if opener is not None and not callable(opener):
        raise StreamConfigError(
            f"{who}(opener=) got {opener!r}, wanted a function of an address.\n  It returns a file that is open for reading."
        )
    try:
        answer = (opener or _over_the_network)(address)
        if not (hasattr(answer, "read") and hasattr(answer, "__exit__")):
            raise StreamConfigError(
                f"{who}(opener=) got {answer!r:.60} from it, wanted a file that is open for reading.\n  io.BytesIO makes one of bytes."
            )
        with answer:
            data = answer.read(_LARGEST)
    except OSError as error:
        raise DataError(
            f"{who}(download=True) got no answer from {address}: {error}; wanted {path.name!r}.\n  Put the file into {path.parent} yourself."
        ) from error
    _verify(who, path, data)
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_anew(path, who) as part:
        part.write_bytes(data)
    return path


def _over_the_network(address: str) -> IO[bytes]:
    answer: IO[bytes] = urlopen(address, timeout=60)
    return answer
