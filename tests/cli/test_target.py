"""What X may be, and what is said when it is not that."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from headrace.cli.target import find_object, find_stream
from headrace.errors import StreamConfigError


@pytest.mark.parametrize("where", ["demo_streams", "demo_streams.py", "./demo_streams.py"])
@pytest.mark.parametrize(
    ("attribute", "node"),
    [
        ("stream", "shuffle"),
        ("made", "shuffle"),
        ("handle", "shuffle"),
        ("counting", "streamer"),
        ("marked", "streamer"),
        ("values", "streamer"),
        ("space.inner", "streamer"),
    ],
)
def test_what_names_a_stream(where: str, attribute: str, node: str, here: Path) -> None:
    stream = find_stream(f"{where}:{attribute}")
    assert stream.node_name == node
    with stream.open() as cursor:
        next(cursor)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("demo_streams.py:nope", "has no 'nope'.*\n.*stream, batches, slowly, fragile, endless, ragged, once, handle"),
        ("demo_streams.py", "names no stream(?s:.)*demo_streams.py:stream"),
        ("demo_streams:", "names no stream"),
        ("no_such_file.py:x", "no file no_such_file.py"),
        ("no_such_module:x", "no module 'no_such_module'"),
        ("demo_streams.py:wants", "wants path"),
        ("demo_streams.py:fails", "fails.. failed at demo_streams.py:.*RuntimeError: not today"),
        ("demo_streams.py:number", "returns a float, wanted a stream"),
        ("demo_streams.py:space.other", "has no 'space.other'"),
        ("broken_syntax.py:x", "line 1"),
        ("broken_import.py:x", "failed at broken_import.py:2: No module named 'no_such_thing'"),
        ("broken_code.py:x", "failed at broken_code.py:1: ZeroDivisionError"),
        ("broken_stream.py:x", "failed at broken_stream.py:2.*batch"),
    ],
)
def test_what_does_not(target: str, message: str, here: Path) -> None:
    Path("broken_syntax.py").write_text("def (")
    Path("broken_import.py").write_text("\nimport no_such_thing")
    Path("broken_code.py").write_text("1 / 0")
    Path("broken_stream.py").write_text("import headrace as hr\nx = hr.Streamer([1]) | hr.batch(0)")
    with pytest.raises(StreamConfigError, match=message):
        find_stream(target)


def test_a_file_finds_its_neighbours(here: Path) -> None:
    folder = here / "below"
    folder.mkdir()
    (folder / "neighbour_of_it.py").write_text("values = [7, 8]")
    (folder / "file_with_neighbour.py").write_text("from neighbour_of_it import values")
    assert list(find_stream("below/file_with_neighbour.py:values")) == [7, 8]


@pytest.mark.parametrize("name", ["random.py", "numpy.py", "my-experiment.1.py"])
def test_a_file_that_cannot_be_a_module_hides_none(name: str, here: Path) -> None:
    folder = here / "below"  # not here: a random.py in the current folder is everyone's
    folder.mkdir()
    (folder / name).write_text("values = [1]\ndef double(i): return 2 * i")
    before = {name: sys.modules[name] for name in ("random", "numpy") if name in sys.modules}
    assert list(find_stream(f"below/{name}:values")) == [1]
    assert all(sys.modules[name] is module for name, module in before.items())


def test_functions_are_known_by_the_files_name(here: Path) -> None:
    from headrace.core.plain import where_is

    assert where_is(find_stream("demo_streams.py:fragile").function) == "demo_streams:broken"  # type: ignore[attr-defined]
    assert find_stream("demo_streams.py:stream").fingerprint == find_stream("demo_streams:stream").fingerprint


def test_syntax_of_a_text_that_a_module_evaluates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    file = tmp_path / "evaluates.py"
    file.write_text("x = 1\neval('1 +')\n")
    with pytest.raises(StreamConfigError, match=r"failed at evaluates\.py:2: SyntaxError"):
        find_object(f"{file}:x")
    file = tmp_path / "broken.py"
    file.write_text("x = (\n")
    with pytest.raises(StreamConfigError, match=r"broken\.py is not Python: line 1"):
        find_object(f"{file}:x")
    (tmp_path / "imports.py").write_text("import broken\n")
    with pytest.raises(StreamConfigError, match=r"broken\.py is not Python: line 1"):
        find_object(f"{tmp_path}/imports.py:x")
