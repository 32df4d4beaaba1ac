"""What writers raise when the disk takes no more."""

from __future__ import annotations

import errno
import os

from headrace.errors import SinkError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # what a system says of a disk that takes no more


def refused(
    who: str,
    path: str | os.PathLike[str],
    error: OSError,
    *,
    wanted: str = "a disk that takes it",
    kept: str = "What was written before is kept",
    then: str = "write on, or close()",
) -> SinkError:
    """Return the error of a writer whose file cannot be written to, to be raised from that of the system.

    Parameters
    ----------
    who
        What the message begins with.
    path
        The file.
    error
        What the system said.
    wanted
        What was wanted of the disk.
    kept
        What there is still.
    then
        What to do when there is room.

    Examples
    --------
    >>> print(refused("NumpyWriter", "/data/a.npy", OSError(28, "No space left on device")))
    NumpyWriter could not write to '/data/a.npy': No space left on device, wanted a disk that takes it.
      What was written before is kept. Make room, or see to the disk, and write on, or close().
    """
    return SinkError(
        f"{who} could not write to {os.fspath(path)!r}: {error.strerror or error}, wanted {wanted}.\n"
        f"  {kept}. Make room, or see to the disk, and {then}."
    )
