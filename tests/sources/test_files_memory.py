from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from support.counts import heavy, soaking

MB = 1 << 20
ROOM = 300 * MB if soaking() else 24 * MB
READ = """
import json, resource, sys
import numpy as np
import headrace as hr
from headrace.core import same

import headrace.sources, headrace.mux
folder, room = sys.argv[1], int(sys.argv[2])
# Address space counts everything: heap, stacks and mappings. In the suite the room is added to what the interpreter has
# taken by now, under soak it is the whole process.
have = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
limit = room if room >= 300 << 20 else have + room
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
try:
    np.ones(limit, np.uint8)
except MemoryError:
    pass
else:
    raise SystemExit("the limit does not hold")
total = rows = 0
for row in hr.folder(folder):
    total += int(row["y"])
    rows += 1
drawn = sum(len(row["X"]) for row in hr.folder(folder, order="random", n=2000, max_open=8).seeded(1))
mux = hr.StochasticMux(hr.files(folder, order="random"), n_active=10, rate=8, seed=1)
mixed = sum(len(row["X"]) for row in mux(2000))
print(json.dumps([rows, total, drawn, mixed]))
"""


@pytest.mark.soak
@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="RLIMIT_AS means nothing here")
@pytest.mark.parametrize("archives", [1, 8])
def test_archives_larger_than_the_memory_there_is(archives: int, tmp_path: Path) -> None:
    """All rows in order, at random and through a mux: 1.2 GB in 300 MB of address space, in the suite about 48 MB in 24."""
    size = max(48 * MB, heavy(1200 * MB))
    width = 2000
    rows = size // archives // (8 * width)
    count = 0
    for k in range(archives):
        y = np.arange(count, count + rows)
        np.savez(tmp_path / f"part{k}.npz", X=np.broadcast_to(y[:, None] / 1.0, (rows, width)), y=y)
        count += rows
    assert sum(f.stat().st_size for f in tmp_path.iterdir()) > 1.9 * ROOM
    done = subprocess.run(
        [sys.executable, "-c", READ, str(tmp_path), str(ROOM)],
        capture_output=True,
        text=True,
        timeout=100,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [count, count * (count - 1) // 2, 2000 * width, 2000 * width]
