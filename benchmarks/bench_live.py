"""Live: buffers, clocks, systems, recordings, against Genki Signals.

`scripts/bench live [SECTION ...] [--json FILE]`. Rows are numbered as the bars of the issue; "-" are figures without a
bar. Each section has a file of its own, live_SECTION.py.
"""

from __future__ import annotations

from harness import main
from live_align import align
from live_buffers import buffers
from live_clocks import clocks
from live_page import page
from live_recording import recording
from live_systems import systems

SECTIONS = {f.__name__: f for f in (buffers, clocks, align, systems, recording, page)}

if __name__ == "__main__":
    main(SECTIONS, __doc__ or "")
