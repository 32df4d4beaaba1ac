"""``headrace bench`` on the streams of a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.cli import main

TARGET = "demo_streams.py"


def test_bench_times_a_stream(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", f"{TARGET}:stream", "--seed", "7", "--seconds", "0.1"]) == 0
    said = capsys.readouterr().out
    assert "items/s" in said
    assert "a consumer that takes less than" in said


def test_bench_says_what_a_perfect_loader_would_gain(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "train.py").write_text("def step(item):\n    assert item\n")
    for consumer in (["--step", "1"], ["--consumer", "train.py:step"]):
        assert main(["bench", f"{TARGET}:counting", "--seconds", "0.1", *consumer]) == 0
        assert "a perfect loader would be" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--seconds", "0"], "seconds"),
        (["--step", "-1"], "--step"),
        (["--consumer", "demo_streams.py:nobody"], "has no 'nobody'"),
        (["--consumer", "demo_streams.py"], "names no function"),
        (["--consumer", "demo_streams.py:stream"], "consumer"),
    ],
)
def test_bench_refuses_what_cannot_be(
    here: Path, capsys: pytest.CaptureFixture[str], argv: list[str], message: str
) -> None:
    assert main(["bench", f"{TARGET}:counting", *argv]) == 2
    assert message in capsys.readouterr().err


def test_bench_passes_on_the_users_error(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", f"{TARGET}:fragile", "--seconds", "60"]) == 1
    assert "no such song" in capsys.readouterr().err
