"""The section `page` of bench_live: what a browser draws of 10 channels at 10 kHz, and what that costs the server.

The system and its page run in a process of their own, whose CPU time is the server's: the source and the decimation
among it. Wants Chromium and the extra `live`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from harness import Bench

TESTS = Path(__file__).parents[1] / "tests"
RATE, CHANNELS, FPS = 10_000, 10, 25
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def serve(columns: str) -> None:
    """The server's process: prints its address, then for each line it reads what it has counted by then."""
    from headrace.live import System
    from headrace.live.devices.threaded import Threaded
    from headrace.plot.page import Page

    class Waves(Threaded):
        """100 blocks a second, each a part of waves that are there already: a driver that costs next to nothing."""

        def run(self, stopping: threading.Event) -> None:
            n = RATE // 100
            t = np.arange(100 * n) / RATE
            made = np.stack([np.sin(2 * np.pi * (3 + 7 * k) * t) for k in range(CHANNELS)], axis=1)
            made += 0.2 * np.random.default_rng(0).normal(size=made.shape)
            split = [np.ascontiguousarray(each) for each in made.T]
            at, due = 0, self.clock.now()
            while self.clock.wait_until(due, stopping):
                cut = slice(at % len(made), at % len(made) + n)
                times = {"timestamp": self.clock.wall() + np.arange(n) / RATE}
                if columns == "one":
                    self.put_block({**times, "x": made[cut]})
                else:
                    self.put_block({**times, **{f"x{k}": each[cut] for k, each in enumerate(split)}})
                at, due = at + n, due + n / RATE

    system = System(Waves(rate=RATE))
    with system, Page(system, rate=FPS) as page:
        print(page.url, flush=True)
        for line in sys.stdin:
            if line.strip() == "end":
                break
            counts: dict[str, Any] = {"cpu": time.process_time(), "wall": time.perf_counter(), **page.stats()}
            consumer = system.stats()["consumers"]["page"]
            print(json.dumps({**counts, "lost": consumer["dropped"], "rows": consumer["produced"]}), flush=True)


def watched(columns: str, seconds: float) -> dict[str, float]:
    """What one browser draws, and what its server takes, over some seconds."""
    sys.path.insert(0, str(TESTS))
    from support.chromium import Chromium

    command = [sys.executable, str(Path(__file__)), columns]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None

        def ask() -> dict[str, Any]:
            server.stdin.write("counts\n")
            server.stdin.flush()
            found: dict[str, Any] = json.loads(server.stdout.readline())
            return found

        url = server.stdout.readline().strip()
        assert url, "the server does not start"
        with Chromium(size=(1280, 1600)) as browser:
            browser.open(url)
            browser.until("Number(document.querySelector('#page td:nth-child(2)')?.textContent) > 5")
            time.sleep(min(2.0, seconds))
            before = ask()
            time.sleep(seconds)
            after = ask()
        server.stdin.write("end\n")
        server.stdin.close()
    past = after["wall"] - before["wall"]
    new = {name: after["viewers"][0][name] - before["viewers"][0][name] for name in before["viewers"][0]}
    return {
        "sent": new["sent"] / past, "drawn": new["drawn"] / past, "of sent": new["drawn"] / max(1, new["sent"]),
        "bytes": new["bytes"] / past, "cpu": (after["cpu"] - before["cpu"]) / past, "lost": after["lost"],
        "rows": (after["rows"] - before["rows"]) / past,
    }  # fmt: skip


def page(bench: Bench) -> None:
    """10 channels at 10 kHz in headless Chromium"""
    absent = [name for name in ("starlette", "uvicorn", "websockets") if find_spec(name) is None]
    if absent or not any(map(shutil.which, PROGRAMS)):
        bench.says("7", "page", f"not here: {', '.join(absent) or 'chromium'}", None, "chromium and the extra live")
        return
    seconds = bench.size(10, 1)
    for columns, case in (("ten", "10 columns"), ("one", "a column of 10")):
        rounds = [watched(columns, seconds) for _ in range(min(3, bench.rounds))]
        found = {name: np.array([each[name] for each in rounds]) for name in rounds[0]}
        load = f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores"
        sent = float(np.median(found["sent"]))
        bench.says("-", f"{case}: frames sent a second", f"{sent:.1f}", None, f"{FPS} at most", note=load)
        drawn = float(np.median(found["drawn"]))
        bench.says("7", f"{case}: frames drawn a second", f"{drawn:.1f}", drawn >= 0.9 * FPS, f">= {0.9 * FPS}")
        part = float(np.median(found["of sent"]))
        bench.says("7", f"{case}: drawn of those sent", f"{part:.3f}", part >= 0.9, ">= 0.9")
        bench.within("7", f"{case}: server, of a core", 100 * found["cpu"], 25, "%")
        bench.within("7", f"{case}: sent to the browser", found["bytes"] / 1e6, 2, "MB/s")
        lost = int(found["lost"].sum())
        rows = float(np.median(found["rows"]))
        bench.says("7", f"{case}: rows lost at {rows:.0f} a second", str(lost), lost == 0, "0")


if __name__ == "__main__":
    serve(sys.argv[1])
