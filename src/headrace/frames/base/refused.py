"""What writers raise when the disk takes no more."""

from __future__ import annotations

import errno
from pathlib import Path

from headrace.errors import SinkError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # what a system says of a disk that takes no more


def refused(who: str, path: Path, error: OSError) -> SinkError:
    """Return the error of a writer whose file cannot be written to, to be raised from that of the system.

    Examples
    --------
    >>> from pathlib import Path
    >>> print(refused("NumpyWriter", Path("/data/a.npy"), OSError(28, "No space left on device")))
    NumpyWriter could not write to '/data/a.npy': No space left on device, wanted a disk that takes it.
      What was written before is kept. Make room, or see to the disk, and write on, or close().
    """
    return SinkError(
        f"{who} could not write to {str(path)!r}: {error.strerror or error}, wanted a disk that takes it.\n"
        "  What was written before is kept. Make room, or see to the disk, and write on, or close()."
    )
