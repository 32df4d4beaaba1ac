"""The benchmark of signals runs, and what it states about exports holds. How fast anything is, is not asked here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from support.require import require

ROOT = Path(__file__).parents[2]


def test_exports_are_within_their_bars(tmp_path: Path) -> None:
    for module in ("scipy", "onnx", "onnxruntime", "torch"):
        require(module)
    path = os.pathsep.join([str(ROOT / "src"), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, str(ROOT / "benchmarks" / "bench_signals.py"), "exports", "--quick"]
    done = subprocess.run(
        [*command, "--json", str(tmp_path / "found.json")],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": path},
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / "found.json").read_text())["rows"]
    judged = [row for row in rows if row["row"] == "3"]
    for kind in ("Integrate", "LowPassFilter", "Spectrogram"):
        for target in ("onnx", "torch"):
            for dtype in ("float64", "float32"):
                (row,) = [row for row in judged if row["case"] == f"{kind}, {target}, {dtype}"]
                assert row["met"], row
