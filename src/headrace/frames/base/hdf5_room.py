"""Room on the disk for what an HDF5 file is about to write.

HDF5 keeps what it is given in memory, and writes when it likes: over the chunk that is there, too. Where the disk is full
by then the file is lost, with frames of earlier days in it, and the library may end the process. So the bytes are set
aside before HDF5 is given any: where they cannot be, the file is as it was, and can be closed.
"""

from __future__ import annotations

import errno
import os
import shutil
from math import prod
from typing import Any

from headrace.core.refused import FULL, refused

CACHE = 4 << 20  # bytes of chunks that HDF5 keeps before it writes
WINDOW = 16 << 20  # bytes that may be set aside beyond what is written
STEP = 1 << 20  # bytes set aside at a time, where there are as many
SLACK = 24 << 10  # for the tables of a file, about


class Room:
    """The room that is set aside in an open HDF5 file.

    Parameters
    ----------
    file
        The ``h5py.File``, open for writing.
    who
        What messages begin with.
    name
        The file, as messages say it.

    Raises
    ------
    SinkError
        When there is not even room for the tables of the file.
    """

    def __init__(self, file: Any, who: str, name: str) -> None:
        self._file, self._who, self._name = file, who, name
        self._end = 0  # bytes of the file that are set aside, from its beginning on
        self._pending = 0  # bytes at most that HDF5 may still want for what it was given
        self._chunks: dict[str, int] = {}  # of each dataset the chunk that is counted in them, and may grow
        self.ask(0)

    def rows(self, n: int, *datasets: Any) -> None:
        """Set room aside for ``n`` rows more of each dataset, all in chunks.

        Raises
        ------
        SinkError
            When there is none; HDF5 has not been given anything then.
        """
        if self._pending > WINDOW:
            self.settle()
        more, anew = (sum(each) for each in zip(*(self._wanted(n, data) for data in datasets), strict=True))
        self.ask(more, anew)
        for data in datasets:
            self._chunks[data.name] = (data.shape[0] + n - 1) // data.chunks[0]

    def _wanted(self, n: int, data: Any) -> tuple[int, int]:
        """Return the bytes that more rows of a dataset want, and those where all that waits is written first."""
        have, chunk = data.shape[0], data.chunks[0]
        row = prod(data.chunks[1:]) * data.dtype.itemsize * max(1, _cover(data))
        first, last = have // chunk, (have + n - 1) // chunk
        begun = have - first * chunk  # rows of the first chunk, which is written anew with them
        if data.compression is None:
            begun, n = 0, (last - first + 1) * chunk
        table = (last - first + 1) * (chunk * row // 500 + 1024)  # what gzip cannot shrink, and a line in the table
        anew = (begun + n) * row + table
        if self._chunks.get(data.name) != first or chunk * row > CACHE:  # a larger one is written anew each time
            return anew, anew
        return (n if data.compression else n - chunk) * row + table, anew

    def ask(self, nbytes: int, anew: int | None = None) -> None:
        """Set ``nbytes`` aside; ``anew`` are those that are wanted where all that waits is written first."""
        try:
            self._reserve(nbytes)
        except OSError as error:
            if error.errno not in FULL:
                raise
            try:
                self.settle()  # compressed it may be much less than was set aside
                nbytes = nbytes if anew is None else anew
                self._reserve(nbytes)
            except OSError as again:
                raise refused(self._who, self._name, again, wanted=f"room for {nbytes + SLACK} bytes") from again
        self._pending += nbytes

    def settle(self) -> None:
        """Have HDF5 write all it was given."""
        self._file.flush()
        self._end, self._pending, self._chunks = 0, 0, {}  # HDF5 gives room back that it does not use

    def _reserve(self, nbytes: int) -> None:
        wanted = self._file.id.get_filesize() + self._pending + nbytes + SLACK
        if wanted <= self._end:
            return
        handle = self._file.id.get_vfd_handle()
        if not hasattr(os, "posix_fallocate"):
            if shutil.disk_usage(os.path.dirname(os.path.abspath(self._file.filename))).free < wanted - self._end:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return
        if nbytes:
            try:
                os.posix_fallocate(handle, self._end, wanted + STEP - self._end)
            except OSError:
                pass  # just what is wanted, then
            else:
                self._end = wanted + STEP
                return
        os.posix_fallocate(handle, self._end, wanted - self._end)
        self._end = wanted

    def close(self) -> None:
        """Have the file written and closed, and give back what was set aside."""
        try:
            self.settle()
            size, path = self._file.id.get_filesize(), self._file.filename
        finally:
            self._file.close()
        if os.path.getsize(path) > size:
            os.truncate(path, size)


def _cover(data: Any) -> int:
    """Return how many chunks a row of a dataset is spread over."""
    return prod(-(-n // each) for n, each in zip(data.shape[1:], data.chunks[1:], strict=True))
