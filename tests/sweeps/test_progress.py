"""What is shown of a sweep: in a terminal, in a notebook, in a log."""

from __future__ import annotations

import io
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from headrace.sweeps import combo_runner, progress
from headrace.sweeps.progress import Progress, _seconds


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def terminal_of(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Patched in the test itself: pytest gives each phase a stderr of its own."""
    made = Terminal()
    monkeypatch.setattr(sys, "stderr", made)
    return made


def test_silence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    terminal = terminal_of(monkeypatch)
    combo_runner(lambda a: a, {"a": range(5)}, verbosity=0)
    combo_runner(lambda a: a, {"a": range(5)}, verbosity=-1)
    assert terminal.getvalue() == ""
    assert capsys.readouterr().out == ""


def test_a_bar_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_of(monkeypatch)
    combo_runner(lambda a: a, {"a": range(500)}, desc="heat")
    shown = terminal.getvalue()
    assert "500/500" in shown
    assert "heat" in shown
    assert shown.isascii()


def test_settings_beside_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_of(monkeypatch)
    combo_runner(lambda a, b: a, {"a": [1, 2], "b": ["x"]}, verbosity=2)
    assert "a=2, b='x'" in terminal.getvalue()


@pytest.mark.parametrize("parallel", [False, 2])
def test_failures_are_counted(monkeypatch: pytest.MonkeyPatch, parallel: Any) -> None:
    terminal = terminal_of(monkeypatch)
    combo_runner(lambda a: 1 / a, {"a": [1, 0, 2]}, on_error="nan", parallel=parallel)
    assert "1 failed" in terminal.getvalue()


def test_a_line_in_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    combo_runner(lambda a: a, {"a": range(500)}, desc="heat")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("heat: 500 of 500 calls (100%) in ")


def test_more_lines_when_it_takes_long(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(progress, "monotonic", lambda: clock.now)
    bar = Progress(100, 2)
    for k in range(100):
        clock.now += 1
        bar.update(1, {"a": k})
    bar.close()
    bar.close()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 11
    assert lines[0] == "10 of 100 calls (10%) in 10.0 s, 1.0 s each, 1 min 30 s left, a=9"


def test_without_stderr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    assert combo_runner(lambda a: a, {"a": [1]}) == (1,)


def test_a_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_of(monkeypatch)
    shell = SimpleNamespace(config={"IPKernelApp": {}})
    module: Any = ModuleType("IPython")
    module.get_ipython = lambda: shell
    monkeypatch.setitem(sys.modules, "IPython", module)
    made: list[Any] = []
    notebook: Any = ModuleType("tqdm.notebook")

    def bar(**kwargs: Any) -> Any:
        made.append(kwargs)
        return SimpleNamespace(update=lambda n: None, close=lambda: None, set_postfix_str=lambda *a, **k: None)

    notebook.tqdm = bar
    monkeypatch.setitem(sys.modules, "tqdm.notebook", notebook)
    combo_runner(lambda a: a, {"a": [1, 2]}, desc="cells")
    assert made == [{"total": 2, "desc": "cells"}]

    def no_widgets(**kwargs: Any) -> Any:
        raise ImportError("IProgress not found")

    notebook.tqdm = no_widgets
    combo_runner(lambda a: a, {"a": [1, 2]})
    assert "2/2" in terminal.getvalue()


def test_the_bar_starts_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal_of(monkeypatch)
    import threading

    before = threading.active_count()
    combo_runner(lambda a: a, {"a": range(10)})
    assert threading.active_count() == before


def test_durations() -> None:
    assert [_seconds(s) for s in (5000, 75, 2.5, 0.0123, 1e-5)] == [
        "1 h 23 min",
        "1 min 15 s",
        "2.5 s",
        "12.3 ms",
        "10 us",
    ]
