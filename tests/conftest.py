"""What every test shares: hypothesis profiles and the list of what did not run.

No fixture here seeds anything: a test that needs a seed says which, and hidden randomness shall show.
"""

from __future__ import annotations

import gc
import importlib.metadata
import os
import re
import shutil
import tempfile
import tomllib
from collections import Counter
from multiprocessing.util import Finalize
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, settings

from support.counts import SHARE, soaking

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).parents[1]

os.environ.setdefault("MPLBACKEND", "Agg")  # no test opens a window

# A shared two-core machine is slow at odd moments: neither a deadline nor `too_slow` says anything about the code.
_calm: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("ci", derandomize=True, max_examples=50, **_calm)
settings.register_profile("dev", max_examples=50, **_calm)
settings.register_profile("soak", max_examples=2500, **_calm)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def _in_memory() -> str | None:
    """A folder in memory for what tests write, where there is one with room, and whose programs may be run.

    A third of some rooms' time was the disk's: each commit of each ledger waits for it. What would be lost with the
    machine's power is looked at nowhere; scripts/soak stays on the disk, and so does who sets TMPDIR.
    """
    shared = Path("/dev/shm")
    if soaking() or "TMPDIR" in os.environ or not os.access(shared, os.W_OK | os.X_OK):
        return None
    told = os.statvfs(shared)
    free = re.search(r"^MemAvailable: +(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
    room = min(told.f_bavail * told.f_frsize, int(free[1]) * 1024 if free else 0)
    if told.f_flag & os.ST_NOEXEC or room < 6 << 30:
        return None
    # Without "headrace" in its name, which tests look for there.
    return tempfile.mkdtemp(prefix="hr-tests-", dir=shared)


# Before pytest looks for its own folder; workers of xdist, and whatever a test starts, have it from the environment.
if IN_MEMORY := _in_memory():
    os.environ["TMPDIR"] = tempfile.tempdir = IN_MEMORY
    # Not by a fork, and after what multiprocessing keeps there, which it removes with priority -100.
    Finalize(None, shutil.rmtree, (IN_MEMORY,), {"ignore_errors": True}, exitpriority=-200)


def pytest_collection_finish() -> None:
    """Let the collector of memory leave alone what the suite itself is made of.

    Some thousand modules and tests stay to the end. To walk over them takes half a second each time that a test tidies
    up, and every process that a test forks would copy the pages that the collector marks.
    """
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what did not run, and leave it for scripts/test, which says it last."""
    lines = [*_skipped(terminalreporter), *_heavy(), *_absent()]
    terminalreporter.section("did not run")
    terminalreporter.write("\n".join(lines) + "\n")
    if path := os.environ.get("HEADRACE_DID_NOT_RUN"):
        Path(path).write_text("\n".join(lines) + "\n")


def _skipped(reporter: pytest.TerminalReporter) -> list[str]:
    lines: Counter[str] = Counter()
    for report in reporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        lines[f"skipped: {_file(report.nodeid)}: {reason.removeprefix('Skipped: ')}"] += 1
    for report in reporter.stats.get("xfailed", []):
        lines[f"known to fail: {report.nodeid}: {getattr(report, 'wasxfail', '')}"] += 1
    said = [line if n == 1 else f"{line} ({n} tests)" for line, n in sorted(lines.items())]
    if deselected := len(reporter.stats.get("deselected", [])):
        said.append(f"deselected by the command line: {deselected} tests")
    return said or ["skipped: nothing"]


def _file(nodeid: str) -> str:
    """Tests of one file that skip for one reason share a line."""
    return nodeid.partition("::")[0]


def _heavy() -> list[str]:
    return [] if soaking() else [f"heavy counts: 1/{SHARE} of each ran; scripts/soak ROOM runs them whole"]


def _absent() -> list[str]:
    """The optional packages that are not here, by extra: what only they could show was not shown."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    have = {re.sub(r"[-_.]+", "-", d.name).lower() for d in importlib.metadata.distributions() if d.name}
    lines = []
    for extra, requirements in project["optional-dependencies"].items():
        names = [re.split(r"[\s;<>=!~\[(]", r, maxsplit=1)[0] for r in requirements if not r.startswith("headrace[")]
        absent = [name for name in names if re.sub(r"[-_.]+", "-", name).lower() not in have]
        if absent:
            lines.append(f"not installed, extra {extra}: {', '.join(absent)}")
    return lines
