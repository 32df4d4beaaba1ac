"""The demonstration: it runs, what it says is so, it leaves no process and nobody else's folder is touched."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from hashlib import blake2b
from html.parser import HTMLParser
from importlib.util import module_from_spec, spec_from_file_location
from math import sqrt
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

import pytest

import headrace as hr
from headrace.cli import main
from headrace.cli._demo.shares import shares
from support.require import require

require("sklearn")
require("matplotlib")

ROOT = Path(__file__).parents[2]
SEED = 3


def run_python(*words: str, cwd: Path, timeout: float = 110) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words], cwd=cwd, capture_output=True, text=True, timeout=timeout, check=False
    )


# --- the whole of it ----------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_demonstration_does_what_it_says(tmp_path: Path) -> None:
    """One test, since it takes half a minute: an earlier run is replaced, and every claim holds."""
    out = tmp_path / "shown"
    (out / "killed").mkdir(parents=True)
    (out / "killed" / "part-000099.npz").write_text("of an earlier demonstration")
    (out / "headrace-demo.json").write_text("{}")
    (out / "notes.txt").write_text("mine")

    done = run_python("-m", "headrace", "demo", "--out", "shown", "--seed", str(SEED), cwd=tmp_path, timeout=290)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", "no bars, no warnings without a terminal"
    for step in range(1, 7):
        assert f"[{step}/6]" in done.stdout
    assert "Everything is as it should be." in done.stdout

    assert (out / "notes.txt").read_text() == "mine"
    assert not (out / "killed" / "part-000099.npz").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["shown"]
    told = json.loads((out / "headrace-demo.json").read_text())
    check_archives(out)
    check_learning(out, told)
    check_data_sets(out, told)
    check_report(out / "report.html")


def check_archives(out: Path) -> None:
    import numpy as np

    for folder, n in (("digits", 50), ("cancer", 10)):
        archives = sorted((out / "archives" / folder).glob("*-group*.npz"))
        assert len(archives) == n
        learned: Counter[bytes] = Counter()
        for path in archives:
            with np.load(path) as archive:
                learned.update(row.tobytes() for row in archive["X"])
        with np.load(out / "archives" / folder / "held-out.npz") as archive:
            scored = [row.tobytes() for row in archive["X"]]
        assert len(scored) > 100
        assert not learned.keys() & set(scored), "what is scored on is in no archive"


def check_learning(out: Path, told: Any) -> None:
    assert told["problems"] == []
    assert told["learnt"]["digits"]["accuracy"] > 0.8
    assert told["learnt"]["breast cancer"]["accuracy"] > 0.88
    # The same seed gives the same items, here in another process and without the learner.
    stream = example(out / "digits.py").stream.seeded(SEED)
    hashed, counts = blake2b(digest_size=8), Counter[str]()
    for batch in stream(max_iter=told["learnt"]["digits"]["items"] // 64):
        for column in batch.values():
            hashed.update(column.tobytes())
        counts.update(batch["archive"].tolist())
    assert hashed.hexdigest() == told["learnt"]["digits"]["fingerprint"]
    drawn = {name: counts[name] / counts.total() for name in counts}
    assert drawn == {name: told["archives"][name]["drawn"] for name in counts}


def check_data_sets(out: Path, told: Any) -> None:
    killed, whole = (
        {p.name: p.read_bytes() for p in (out / name).iterdir() if p.name not in (".lock", "_progress.json")}
        for name in ("killed", "whole")
    )
    assert killed == whole
    assert len([name for name in whole if name.startswith("part-")]) == 20
    assert "_headrace.json" in whole
    assert told["killed"]["files"] == len(whole)
    assert told["killed"]["bytes"] == sum(map(len, whole.values()))
    assert 0 < told["killed"]["rows_on_record"] < 20_480, "it was killed on the way, and not begun again"
    assert 0 < told["killed"]["parts"] < 20
    data = hr.store.read(out / "killed")
    assert len(data) == 20_480
    row = data[123]
    assert row["X"].shape == (8, 8)
    assert str(row["archive"]).startswith(f"digit{row['y']}-group")


class Found(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def check_report(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    found = Found()
    found.feed(text)
    assert "http" not in text, "the page asks no server for anything"
    assert "@import" not in text
    assert not found.all("script")
    assert found.all("html") == [{"lang": "en"}]
    assert any(meta.get("name") == "viewport" for meta in found.all("meta"))
    images = found.all("img")
    assert len(images) == 3
    for image in images:
        assert len(image["alt"] or "") > 40
        kind, _, data = (image["src"] or "").partition(",")
        assert kind == "data:image/svg+xml;base64"
        assert ET.fromstring(base64.b64decode(data)).tag.endswith("svg")
    assert next(tag for tag, _ in found.tags if tag in ("h1", "h2", "h3")) == "h1"
    assert all("scope" in cell for cell in found.all("th"))
    assert "stochastic_mux" in text
    assert f"headrace demo --out shown --seed {SEED}" in text


# --- what may go wrong --------------------------------------------------------------------------

BADLY = """
import sys
import webbrowser
from dataclasses import replace
from headrace.cli import demo, main
from headrace.cli._demo import learn
from headrace.cli._demo.survive import Survived

digits_task, cancer_task = learn.digits_task, learn.cancer_task
learn.digits_task = lambda *args: replace(digits_task(*args), batches=2)
learn.cancer_task = lambda *args: replace(cancer_task(*args), batches=20)
demo._survival = lambda *args: (Survived(10, 9000, 22, 6_000_000, ("part-000003.npz",)), [])
webbrowser.open = lambda url: print("opened", url)
sys.exit(main(["demo", "--out", "shown", "--open"]))
"""


@pytest.mark.slow
def test_a_demonstration_that_shows_the_opposite_fails(tmp_path: Path) -> None:
    done = run_python("-c", BADLY, cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "digits: the accuracy is 0." in done.stderr
    assert "differs in part-000003.npz" in done.stderr
    assert "breast cancer: the accuracy" not in done.stderr
    assert "Everything is as it should be" not in done.stdout
    report = (tmp_path / "shown" / "report.html").read_text()
    assert "Not as it should be: digits: the accuracy is 0." in report
    assert f"opened {(tmp_path / 'shown' / 'report.html').as_uri()}" in done.stdout


@pytest.mark.parametrize("module", ["sklearn", "matplotlib"])
def test_without_a_package_it_names_the_extra(module: str, tmp_path: Path) -> None:
    code = f"import sys; sys.modules[{module!r}] = None; from headrace.cli import main; sys.exit(main(['demo']))"
    done = run_python("-c", code, cwd=tmp_path)
    assert done.returncode == 2
    assert "pip install 'headrace[demo]'" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_someone_else_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "archives").mkdir()
    (tmp_path / "archives" / "thesis.txt").write_text("years of work")
    assert main(["demo", "--out", str(tmp_path)]) == 2
    assert "no demonstration made" in capsys.readouterr().err
    assert (tmp_path / "archives" / "thesis.txt").read_text() == "years of work"
    assert [path.name for path in tmp_path.iterdir()] == ["archives"]


def test_a_file_is_no_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "there").write_text("mine")
    assert main(["demo", "--out", str(tmp_path / "there")]) == 2
    assert "which is a file" in capsys.readouterr().err
    assert (tmp_path / "there").read_text() == "mine"


STOPPED = """
import sys
from headrace.cli import demo, main

demo._learning = lambda *args: []
sys.exit(main(["demo", "--out", "shown"]))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped_on_the_way_it_leaves_no_process(number: int, code: int, tmp_path: Path) -> None:
    token = f"HEADRACE_TEST_{uuid4().hex}"
    demo = subprocess.Popen(
        [sys.executable, "-c", STOPPED],
        cwd=tmp_path,
        env={**os.environ, token: "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # so that the signal reaches it alone, not those below it
    )
    try:
        until = monotonic() + 60
        while not (below := processes(token) - {demo.pid}) and demo.poll() is None and monotonic() < until:
            sleep(0.01)
        assert below, "it never started a run to be killed"
        demo.send_signal(number)
        _, told = demo.communicate(timeout=30)
        assert not processes(token)
        assert demo.returncode == code
        assert "Traceback" not in told
    finally:
        for pid in processes(token):
            os.kill(pid, signal.SIGKILL)
        demo.wait()


def processes(token: str) -> set[int]:
    found = set()
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if token.encode() in path.read_bytes():
                found.add(int(path.parent.name))
        except OSError:  # gone, or someone else's
            continue
    return found


# --- its parts ----------------------------------------------------------------------------------


def example(path: Path) -> Any:
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["digits.py", "cancer.py"])
def test_the_demonstration_runs_the_files_of_examples(name: str) -> None:
    packaged = Path(hr.__file__).parent / "cli" / "_demo" / name
    assert packaged.read_bytes() == (ROOT / "examples" / name).read_bytes()


@pytest.mark.parametrize(("name", "shape"), [("digits.py", "(64, 8, 8)"), ("cancer.py", "(64, 30)")])
def test_an_example_runs_as_a_script(name: str, shape: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes((ROOT / "examples" / name).read_bytes())
    done = run_python(name, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(shape) == 3


@pytest.mark.parametrize("name", ["digits.py", "cancer.py"])
def test_an_example_repeats_with_its_seed_and_resumes(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes((ROOT / "examples" / name).read_bytes())
    made = example(tmp_path / name).stream
    stream = made if isinstance(made, hr.Stream) else made()
    with stream.open(hr.Key(SEED)) as cursor:
        first = cursor.take(3)
        state = cursor.state()
        rest = cursor.take(2)
    with stream.open(hr.Key(SEED)) as cursor:
        again = cursor.take(5)
    with stream.open(hr.Key(SEED), at=state) as cursor:
        resumed = cursor.take(2)
    with stream.open(hr.Key(SEED + 1)) as cursor:
        other = cursor.take(1)
    same = [[column.tobytes() for column in batch.values()] for batch in again]
    assert [[column.tobytes() for column in batch.values()] for batch in first + rest] == same
    assert [[column.tobytes() for column in batch.values()] for batch in resumed] == same[3:]
    assert other[0]["X"].tobytes() != first[0]["X"].tobytes()


def test_deviations_are_as_large_as_they_are_said_to_be() -> None:
    """Their mean square is 1, within five of its standard deviations: one test run in two million fails by chance."""
    weights = [3.0 if k >= 45 else 1.0 for k in range(50)]
    squares = []
    for seed in range(12):
        members = {f"m{k}": hr.functional(int, k) for k in range(50)}
        mux = hr.StochasticMux(members, n_active=12, rate=8, weights=weights, seed=seed)
        counts = Counter(f"m{k}" for k in mux(8000))
        found = shares(mux, counts)
        assert [share.asked for share in found] == pytest.approx([w / sum(weights) for w in weights])
        assert sum(share.drawn for share in found) == pytest.approx(1)
        squares += [share.off**2 for share in found]
    # 600 squares of nearly normal numbers: the mean has the standard deviation sqrt(2 / 600) = 0.058.
    spread = 5 * sqrt(2 / len(squares))
    assert 1 - spread < sum(squares) / len(squares) < 1 + spread
