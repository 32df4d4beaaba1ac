"""A training with two workers that is killed -9 anywhere goes on from its last state: every sample comes once."""

from __future__ import annotations

import os
import pickle
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

import headrace as hr
from bridges import killed_loader
from bridges.pool import values
from support.counts import heavy
from support.require import require

require("torch")
DRIVER = Path(killed_loader.__file__)

pytestmark = [
    pytest.mark.filterwarnings("ignore:This DataLoader will create"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded"),
]


def started(kind: str, folder: Path) -> subprocess.Popen[str]:
    paths = [str(DRIVER.parents[1]), str(Path(hr.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    command = [sys.executable, str(DRIVER), kind, str(folder)]
    with (folder / "errors").open("a") as errors:
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, env=env, start_new_session=True
        )


def kill(kind: str, folder: Path, after: int, seconds: float) -> None:
    """Run until so many items have been delivered, and so many seconds longer; its workers must end as well."""
    run = started(kind, folder)
    assert run.stdout is not None
    for _ in range(after):
        assert run.stdout.readline() == "delivered\n", (folder / "errors").read_text()
    time.sleep(seconds)
    run.kill()
    run.wait()
    run.stdout.close()
    end = time.monotonic() + 20
    while left := living(run.pid):
        assert time.monotonic() < end, left
        time.sleep(0.02)


def living(session: int) -> list[str]:
    """The processes of a session that run, where /proc tells; not those that only wait to be asked for their exit."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, of, *_ = path.read_text().rpartition(")")[2].split()
        except (OSError, ValueError):  # gone meanwhile
            continue
        if int(of) == session and state != "Z":
            found.append(path.parent.name)
    return found


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", ["numbered", "members"])
def test_every_sample_comes_once(kind: str, tmp_path: Path) -> None:
    rng = random.Random(8)
    for _ in range(heavy(50)):
        kill(kind, tmp_path, rng.randint(1, killed_loader.EPOCH // 2), rng.random() * 0.004)
    (tmp_path / "stop").touch()
    last = started(kind, tmp_path)
    last.communicate(timeout=100)
    assert last.returncode == 0, (tmp_path / "errors").read_text()
    epochs, _ = pickle.loads((tmp_path / "progress").read_bytes())
    whole = killed_loader.loader(kind)
    for epoch in epochs:
        wanted = values(whole)
        assert epoch == wanted if kind == "numbered" else sorted(epoch) == sorted(wanted)
