"""Live: buffers, clocks, systems, recordings, against Genki Signals.

`scripts/bench live [SECTION ...] [--json FILE]`. Rows are numbered as the bars of the issue; "-" are figures without a
bar. Each section has a file of its own, live_SECTION.py.
"""

from __future__ import annotations

from harness import main
from live_buffers import buffers
from live_recording import recording
from live_systems import systems

SECTIONS = {f.__name__: f for f in (buffers, systems, recording)}

if __name__ == "__main__":
    main(SECTIONS, __doc__ or "")
