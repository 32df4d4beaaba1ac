"""The benchmarks run, and their arithmetic is right. How fast anything is, is not asked here."""

from __future__ import annotations

import importlib.util
import json
import math
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support.require import require

FOLDER = Path(__file__).parents[2] / "benchmarks"
SOURCE = FOLDER.parent / "src"
SECTIONS = ("ops", "mux", "start", "batch", "ordered", "state", "memory", "import")


TRANSPORT = ("throughput", "first", "overlap", "closing")

# Whom the benchmarks import, and what brings them. torch and torchdata come by scripts/bench, Genki Signals by BENCH_PATH.
PEERS = {
    "cv2": "opencv-python-headless",
    "datasets": "datasets",
    "decord": "decord",
    "ezmsg": "ezmsg-sigproc",
    "grain": "grain",
    "imageio": "imageio",
    "joblib": "joblib",
    "pescador": "pescador",
    "pipefunc": "pipefunc",
    "spdl": "spdl",
    "streamgen": "streamgen",
    "xyzpy": "xyzpy",
}


def run(*arguments: str, room: str = "streams") -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(SOURCE), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, str(FOLDER / f"bench_{room}.py"), *arguments]
    env = {**os.environ, "PYTHONPATH": path}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=env, timeout=100)


@pytest.mark.parametrize("module", PEERS)
def test_a_peer_is_installed_by_the_extra_bench(module: str) -> None:
    """Where one is missing a benchmark quotes old figures, or leaves a row out: nobody would see that it is never there."""
    text = "\n".join(path.read_text() for path in FOLDER.glob("*.py"))
    assert re.search(rf"(import |from |\"){module}[\". \n]", text), "no benchmark uses it any more"
    project = tomllib.loads((FOLDER.parent / "pyproject.toml").read_text())["project"]
    names = {re.split(r"[><=;\[ ]", each)[0] for each in project["optional-dependencies"]["bench"]}
    assert PEERS[module] in names


def test_every_section_runs_and_gives_figures(tmp_path: Path) -> None:
    """What is not a time is judged: a restored run goes on, a memory-mapped argument stays on its file."""
    done = run(*SECTIONS, "--quick", "--json", str(tmp_path / "found.json"))
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "found.json").read_text())
    assert {"clock", "generator M/s", "copy GB/s", "two processes"} <= set(found)
    rows = found["rows"]
    assert list(dict.fromkeys(row["section"] for row in rows)) == list(SECTIONS)
    assert all(row["case"] in done.stdout for row in rows)
    for row in rows:
        judged = row["ratio"] is not None or row["spread"] is not None or row["row"] == "-"
        assert judged or row["bar"] == "-", row
        assert row["ratio"] is None or row["ratio"] > 0, row
        assert all(map(math.isfinite, row["spread"] or ())), row
        assert (row["met"] is None) == (row["bar"] == "-" or "none yet" in row["ours"]), row
    facts = [row for row in rows if "goes on after restore" in row["case"] or "memmap" in row["case"]]
    assert len(facts) >= 3
    assert all(row["met"] for row in facts), facts


def test_a_section_runs_alone(tmp_path: Path) -> None:
    done = run("batch", "--quick", "--json", str(tmp_path / "found.json"))
    assert done.returncode == 0, done.stderr
    assert {row["section"] for row in json.loads((tmp_path / "found.json").read_text())["rows"]} == {"batch"}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="its bare processes are forked")
def test_every_section_of_transport_runs_and_gives_figures(tmp_path: Path) -> None:
    """Each pass of it checks the order and the content of what arrives, too."""
    done = run("--quick", "--json", str(tmp_path / "found.json"), room="transport")
    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / "found.json").read_text())["rows"]
    assert {row["section"] for row in rows} == set(TRANSPORT)
    sizes = ("1 KB", "32 KB", "1 MB", "16 MB")
    cases = [f"{size}, {how}: scaled" for size in sizes for how in ("unread", "every byte read")]
    assert {row["case"] for row in rows} >= set(cases)
    for row in rows:
        assert all(map(math.isfinite, row["spread"])), row
        assert row["ratio"] is None or row["ratio"] > 0, row
        assert (row["met"] is None) == (row["bar"] == "-"), row


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="descriptors are counted there")
def test_every_section_of_live_runs_and_gives_figures(tmp_path: Path) -> None:
    """But for the page, which wants a browser; what is not a time is judged."""
    sections = ("align", "buffers", "clocks", "systems", "recording")
    done = run(*sections, "--quick", "--json", str(tmp_path / "found.json"), room="live")
    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / "found.json").read_text())["rows"]
    assert {row["section"] for row in rows} == set(sections)
    for row in rows:
        assert all(map(math.isfinite, row["spread"] or ())), row
        assert row["met"] is None or row["bar"] != "-", row
    facts = [row for row in rows if row["row"] == "3"]
    assert len(facts) == 3
    assert all(row["met"] for row in facts), facts


FRAMES = {
    "reading": "av",
    "seeking": "av",
    "writing": "av",
    "images": "PIL.Image",
    "sequences": "numpy",
    "digits": "numpy",
}


@pytest.mark.parametrize("section", FRAMES)
def test_every_section_of_frames_runs_and_gives_figures(section: str, tmp_path: Path) -> None:
    """What is not a time is judged: each frame that is asked for by number is that one."""
    require(FRAMES[section])
    done = run(section, "--quick", "--json", str(tmp_path / "found.json"), room="frames")
    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / "found.json").read_text())["rows"]
    assert {row["section"] for row in rows} == {section}
    for row in rows:
        assert all(map(math.isfinite, row["spread"] or ())), row
        assert row["ratio"] is None or row["ratio"] > 0, row
        assert row["met"] is None or row["bar"] != "-", row
    assert all(row["met"] for row in rows if row["bar"] == "0"), rows


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="bytes written are read from /proc")
def test_every_section_of_sweeps_runs_and_gives_figures(tmp_path: Path) -> None:
    sections = ("serial", "sampler", "missing", "sparse", "parallel", "harvest")
    done = run(*sections, "--quick", "--json", str(tmp_path / "found.json"), room="sweeps")
    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / "found.json").read_text())["rows"]
    assert list(dict.fromkeys(row["section"] for row in rows)) == list(sections)
    for section in sections:
        assert any(row["bar"] != "-" for row in rows if row["section"] == section), section
    assert all(math.isfinite(value) for row in rows for value in row["spread"] or ())
    facts = [row for row in rows if row["spread"] is None and row["row"] != "-" and row["bar"].isdigit()]
    assert all(row["met"] for row in facts), facts


def test_an_unknown_section_is_refused_with_those_there_are() -> None:
    done = run("mixx")
    assert done.returncode == 2
    assert "mixx" in done.stderr
    assert all(section in done.stderr for section in SECTIONS)


# --- the harness ------------------------------------------------------------------------------------


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch) -> Any:
    spec = importlib.util.spec_from_file_location("benchmark_harness", FOLDER / "harness.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "benchmark_harness", module)
    spec.loader.exec_module(module)
    return module


def lasting(harness: Any, cpu: float, wall: float, n: int = 10) -> Any:
    return lambda _seconds: harness.Lap(n, cpu * n, wall * n)


def test_costs_are_per_unit_for_both_clocks(harness: Any) -> None:
    bench = harness.Bench(rounds=3, clock="cpu")
    costs = bench.costs(a=lasting(harness, 2e-6, 5e-6), b=None)
    assert costs["a"].shape == (2, 3)
    np.testing.assert_allclose(costs["a"][0], 2e-6, rtol=1e-3)
    np.testing.assert_allclose(costs["a"][1], 5e-6, rtol=1e-3)
    assert costs["b"] is None


def test_rounds_are_interleaved(harness: Any) -> None:
    order = []

    def side(name: str) -> Any:
        def go(_seconds: float) -> Any:
            order.append(name)
            return harness.Lap(1, 1.0, 1.0)

        return go

    harness.Bench(rounds=2, clock="cpu").costs(a=side("a"), b=side("b"), c=side("c"))
    rounds = [order[i : i + 3] for i in range(0, len(order), 3)]
    assert len(rounds) == 2 * harness.TURNS
    assert all(sorted(turn) == ["a", "b", "c"] for turn in rounds)
    assert {turn[0] for turn in rounds} == {"a", "b", "c"}


@pytest.mark.parametrize(("bar", "met"), [(1.9, True), (2.1, False)])
def test_a_ratio_above_one_means_that_we_are_faster(harness: Any, bar: float, met: bool) -> None:
    bench = harness.Bench(rounds=2, clock="cpu")
    bench.faster("2", "case", np.full((2, 2), 1e-6), np.full((2, 2), 2e-6), bar)
    (row,) = bench.rows
    assert row.ratio == pytest.approx(2)
    assert row.met is met


def test_a_peer_that_is_not_there_is_quoted_scaled_and_marked(harness: Any) -> None:
    bench = harness.Bench(rounds=1, clock="cpu")
    bench.scale = 0.5  # half as fast as the machine that the figures come from
    bench.faster("2", "case", np.full((2, 1), 1e-6), None, 1.5, quoted=1e6)
    (row,) = bench.rows
    assert row.ratio == pytest.approx(2)
    assert row.met
    assert "not this run" in row.note


def test_absolute_figures_are_scaled_by_the_reference_loop(harness: Any) -> None:
    bench = harness.Bench(rounds=1, clock="cpu")
    slow = np.full((2, 1), 2 / harness.GENERATOR)  # a generator at half the speed: so is everything else
    assert bench.scaled(np.full((2, 1), 0.16), slow) == pytest.approx(0.08)
    bench.within("1", "case", bench.scaled(np.full((2, 1), 0.16), slow), 0.1, "us")
    bench.within("1", "case", np.full((2, 1), 0.16), 0.1, "us")
    assert [row.met for row in bench.rows] == [True, False]


def test_a_verdict_that_the_other_clock_does_not_share_is_marked(
    harness: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    bench = harness.Bench(rounds=1, clock="cpu")
    bench.within("1", "case", np.array([[1.0], [3.0]]), 2.0, "us")
    assert "yes !wall" in capsys.readouterr().out


def test_a_stream_that_ends_while_it_is_timed_is_an_error(harness: Any) -> None:
    side = harness.drawing(range(3000), warm=0)
    with pytest.raises(StopIteration):
        side(0.5)


def test_a_pass_of_another_length_is_an_error(harness: Any) -> None:
    with pytest.raises(AssertionError, match="wanted 5"):
        harness.passing(lambda: range(4), 5)
