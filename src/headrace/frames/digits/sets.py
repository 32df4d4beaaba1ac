"""The digits of a set, in memory, and what their files have to be."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from headrace.errors import DataError, StreamConfigError
from headrace.frames.base.layout import Array
from headrace.frames.base.shared import shared
from headrace.frames.digits.idx import read_idx


class DigitSet:
    """Images in memory, and their labels once they are asked for, shared by the passes over them.

    Attributes
    ----------
    images : array
        uint8 ``(n, rows, cols)``.
    """

    images: Array

    def __init__(self, who: str, images: Path, labels: Path | None) -> None:
        self.images = read_idx(images, who)
        check_images(who, images, self.images.shape, self.images.dtype)
        self._files = who, images, labels

    @cached_property
    def labels(self) -> Array:
        """Return the labels, int64 ``(n,)``; raises StreamConfigError where there are none."""
        who, images, path = self._files
        if path is None:
            raise no_labels(who, images)
        found = read_idx(path, who).astype(np.int64)
        check_labels(who, images, len(self.images), path, found.shape)
        return found


def digit_set(who: str, images: Path, labels: Path | None) -> DigitSet:
    """Return the digits of two files, read once as long as anyone has them."""
    paths = [path for path in (images, labels) if path is not None]
    return shared(lambda: DigitSet(who, images, labels), paths, len(paths))


def check_images(who: str, path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Raise DataError when a file does not hold images."""
    if len(shape) != 3 or dtype != np.uint8 or 0 in shape:
        raise DataError(
            f"{who} got {str(path)!r} with {dtype} of shape {shape}, wanted images: uint8, (n, rows, columns), at least one.\n"
            "  write_idx(path, images.astype('uint8')) makes such a file."
        )


def check_labels(who: str, images: Path, n: int, path: Path, shape: tuple[int, ...]) -> None:
    """Raise DataError when a file does not hold a label for each of ``n`` images."""
    if shape != (n,):
        raise DataError(
            f"{who} got {str(path)!r} with labels of shape {shape}, wanted one for each of the {n} images in {str(images)!r}.\n"
            "  Take both files from one set."
        )


def no_labels(who: str, images: Path) -> StreamConfigError:
    """Return the error of labels that are asked for where there are none."""
    return StreamConfigError(
        f"{who} got {str(images)!r} without a file of labels beside it, wanted both, since labels are asked for.\n"
        f"  Put it into {str(images.parent)!r}, or do without labels: get(n) gives the frames."
    )
