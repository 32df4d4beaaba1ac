"""Find the stream that ``module:attribute`` or ``file.py:attribute`` names."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import re
import sys
import traceback
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from headrace.errors import HeadraceError, StreamConfigError

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from headrace.core import Stream

HELP = "module:attribute or file.py:attribute: a stream, or a function without parameters that returns one"


def stream_argument(parser: ArgumentParser) -> None:
    """Add the argument that names a stream."""
    parser.add_argument("stream", metavar="X", help=HELP)


def find_stream(target: str) -> Stream[Any]:
    """Return the stream that ``target`` names.

    Raises
    ------
    StreamConfigError
        When there is no such file, module or attribute, the module fails, or the attribute makes no stream.
    """
    return _stream_of(target, find_object(target))


def find_object(target: str, kind: str = "stream") -> Any:
    """Return what ``target`` names; raises StreamConfigError when there is no such file, module or attribute."""
    where, colon, attribute = target.rpartition(":")
    if not colon or not where or not attribute:
        raise StreamConfigError(
            f"{target!r} names no {kind}, wanted module:attribute or file.py:attribute.\n"
            f"  {_offer(target) or 'For example: experiment.py:stream'}"
        )
    module = _loaded(where)
    found: Any = module
    for name in attribute.split("."):
        if not hasattr(found, name):
            there = _streams_in(module) if kind == "stream" else []
            close = get_close_matches(name, [each for each in dir(found) if not each.startswith("_")], 1)
            none = "It has no streams at its top level." if kind == "stream" else "Is it spelt so?"
            hint = f"It has these streams: {', '.join(there)}." if there else none
            hint = f"Did you mean {close[0]!r}? {hint if there else ''}".rstrip() if close else hint
            raise StreamConfigError(f"{where} has no {attribute!r}.\n  {hint}")
        found = getattr(found, name)
    return found


def _offer(target: str) -> str:
    """Return what could follow the colon that was left out."""
    if not target.endswith(".py") or not Path(target).is_file():
        return ""
    there = _streams_in(_loaded(target))
    return f"It has these streams: {', '.join(f'{target}:{name}' for name in there)}." if there else ""


def _loaded(where: str) -> ModuleType:
    is_file = where.endswith(".py")
    if is_file and not Path(where).is_file():
        raise StreamConfigError(f"there is no file {where}.\n  It is looked for in {Path.cwd()}.")
    try:
        return _from_file(Path(where)) if is_file else _from_name(where)
    except HeadraceError as error:
        raise StreamConfigError(f"{where} failed{_line_of(error)}: {error}") from error
    except ModuleNotFoundError as error:
        if error.name is not None and (where == error.name or where.startswith(f"{error.name}.")):
            raise StreamConfigError(
                f"there is no module {where!r}.\n  It is looked for in {Path.cwd()} and among what is installed."
            ) from error
        raise StreamConfigError(f"{where} failed{_line_of(error)}: {error}") from error
    except SyntaxError as error:
        if error.filename is None or not Path(error.filename).is_file():  # of a text that the module has evaluated
            raise StreamConfigError(f"{where} failed{_line_of(error)}: SyntaxError: {error.msg}") from error
        told = where if is_file and Path(error.filename).resolve() == Path(where).resolve() else error.filename
        raise StreamConfigError(f"{told} is not Python: line {error.lineno}: {error.msg}") from error
    except Exception as error:
        raise StreamConfigError(f"{where} failed{_line_of(error)}: {type(error).__name__}: {error}") from error


def _line_of(error: BaseException) -> str:
    """Return where in the user's code an exception was raised: the last line that is none of ours."""
    here = os.path.dirname(os.path.dirname(__file__))
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith((here, "<"))]
    return f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""


def _first_on_path(folder: Path) -> None:
    text = str(folder)
    if text not in sys.path:
        sys.path.insert(0, text)


def _from_name(name: str) -> ModuleType:
    _first_on_path(Path.cwd())
    return importlib.import_module(name)


def _from_file(path: Path) -> ModuleType:
    """Import a file under its own name, so that workers and fingerprints know its functions by it."""
    path = path.resolve()
    _first_on_path(path.parent)  # as for `python file.py`
    name = path.stem
    if not name.isidentifier() or name in sys.stdlib_module_names or not _is(importlib.util.find_spec(name), path):
        # An installed module has the name, and others may want that one; or no module can have it.
        name = re.sub(r"\W", "_", f"{name}_py")
    there = sys.modules.get(name)
    if there is not None and getattr(there, "__file__", None) == str(path):
        return there
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def _is(spec: Any, path: Path) -> bool:
    return spec is not None and spec.origin is not None and Path(spec.origin).resolve() == path


def _streams_in(module: ModuleType) -> list[str]:
    from headrace.core import Stream

    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and not isinstance(value, type)
        and (isinstance(value, Stream) or hasattr(value, "__recipe__") or hasattr(value, "__streamable__"))
    ]


def _stream_of(target: str, found: Any) -> Stream[Any]:
    from headrace.core import Stream, as_stream

    made = found
    is_recipe = isinstance(found, Stream) or (hasattr(found, "__recipe__") and not isinstance(found, type))
    if not is_recipe and callable(found):
        wants = _wanted(found)
        if wants:
            raise StreamConfigError(
                f"{target} wants {', '.join(wants)}, and there is no one to give it.\n"
                "  Name a stream, or a function without parameters that returns one."
            )
        if not inspect.isgeneratorfunction(found):  # one that yields is a source as it is
            try:
                made = found()
            except HeadraceError:
                raise
            except Exception as error:
                raise StreamConfigError(
                    f"{target}() failed{_line_of(error)}: {type(error).__name__}: {error}"
                ) from error
    try:
        return as_stream(made)
    except HeadraceError as error:
        kind = type(made).__name__
        there = f"returns a {kind}" if made is not found else f"is a {kind}"
        raise StreamConfigError(f"{target} {there}, wanted a stream.\n  {error}") from error


def _wanted(function: Any) -> list[str]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    optional = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [
        p.name
        for p in parameters
        if p.default is inspect.Parameter.empty and p.kind not in optional and p.name != "rng"
    ]
