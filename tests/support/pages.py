"""Run the code of a Markdown page: what a page shows must work.

Blocks marked python run in order in one namespace per page, as if typed into one session; blocks with `>>>` run as
doctests in the same namespace. A block under `<!-- not run: reason -->` is compiled and not run, and so is one under
`<!-- needs: package, package -->` where one of these is not installed and HEADRACE_REQUIRE does not name it.
"""

from __future__ import annotations

import ast
import doctest
import re
import sys
import textwrap
import traceback
from dataclasses import dataclass
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING

from support.require import demanded

if TYPE_CHECKING:
    from pathlib import Path

_FENCE = re.compile(r"^([ \t]*)(`{3,}|~{3,})[ \t]*(.*?)[ \t]*$")
_NOT_RUN = re.compile(r"^\s*<!--\s*not[ -]run\b\s*:?\s*(.*?)\s*-->\s*$", re.IGNORECASE)
_NEEDS = re.compile(r"^\s*<!--\s*needs\s*:\s*([\w., -]*?)\s*-->\s*$", re.IGNORECASE)
_FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS  # as in pyproject.toml


class PageError(AssertionError):
    """A block that failed; the message begins with file:line."""


@dataclass(frozen=True)
class Block:
    """One python block; `line` is that of its first line of code, counted from 1."""

    code: str
    line: int
    not_run: str | None = None

    @property
    def is_doctest(self) -> bool:
        return re.search(r"^\s*>>>( |$)", self.code, re.MULTILINE) is not None


def blocks(page: Path) -> list[Block]:
    """The python blocks of a page."""
    lines = page.read_text(encoding="utf-8").splitlines()
    found: list[Block] = []
    start = 0
    while start < len(lines):
        opened = _FENCE.match(lines[start])
        if opened is None:
            start += 1
            continue
        indent, fence, info = opened.groups()
        end = start + 1
        while end < len(lines) and not _closes(lines[end], fence):
            end += 1
        if end == len(lines):
            raise PageError(f"{page}:{start + 1}: this fence is never closed")
        # `python`, `python title="x"`, `{.python}`, `{python}`; not `python-repl` or `pythonic`.
        if re.match(r"\{?\s*\.?(python|py|pycon)(?![\w-])", info):
            # Inside a list a block is indented with its item.
            code = "\n".join(line.removeprefix(indent) for line in lines[start + 1 : end]) + "\n"
            found.append(Block(textwrap.dedent(code), start + 2, _reason(page, lines, start)))
        start = end + 1
    return found


def _closes(line: str, fence: str) -> bool:
    line = line.strip()
    return line.startswith(fence) and not line.strip(fence[0])


def _reason(page: Path, lines: list[str], fence: int) -> str | None:
    above = fence - 1
    while above >= 0 and not lines[above].strip():
        above -= 1
    needs = _NEEDS.match(lines[above]) if above >= 0 else None
    if needs is not None:
        return _absent({name.strip() for name in needs[1].split(",") if name.strip()})
    match = _NOT_RUN.match(lines[above]) if above >= 0 else None
    if match is None:
        return None
    if not match[1]:
        raise PageError(f"{page}:{above + 1}: say why, as in <!-- not run: needs a camera -->")
    return match[1]


def _absent(names: set[str]) -> str | None:
    """Why a block that needs these packages does not run here."""
    absent = sorted(name for name in names - demanded() if find_spec(name) is None)
    return f"needs {', '.join(absent)}" if absent else None


def check(page: Path, block: Block) -> None:
    """Compile a block, so that one that is not run is at least Python."""
    if block.is_doctest:
        for example in doctest.DocTestParser().get_examples(block.code):
            _compile(page, example.source, block.line + example.lineno)
    else:
        _compile(page, block.code, block.line)


def run(page: Path) -> int:
    """Run a page in the current directory and return how many blocks ran.

    The namespace is a module that stands in for `__main__`: what a user would have in a session or a script, so that
    functions defined on the page can be pickled, forked and named like the user's own.
    """
    main = ModuleType("__main__")
    before = sys.modules["__main__"]
    sys.modules["__main__"] = main
    ran = 0
    try:
        for block in blocks(page):
            check(page, block)
            if block.not_run is not None:
                continue
            if block.is_doctest:
                _run_doctest(page, block, main.__dict__)
            else:
                _run_code(page, block, main.__dict__)
            ran += 1
    finally:
        sys.modules["__main__"] = before
    return ran


def _compile(page: Path, code: str, line: int) -> ast.Module:
    # The empty lines in front make every line number that of the page, in tracebacks and in inspect.getsource.
    try:
        tree = ast.parse("\n" * (line - 1) + code, str(page))
        compile(tree, str(page), "exec", dont_inherit=True)
    except SyntaxError as error:
        raise PageError(f"{page}:{error.lineno or line}: SyntaxError: {error.msg}") from error
    return tree


def _run_code(page: Path, block: Block, namespace: dict[str, object]) -> None:
    code = compile(_compile(page, block.code, block.line), str(page), "exec", dont_inherit=True)
    try:
        exec(code, namespace)  # the pages are ours
    except (Exception, SystemExit) as error:
        frames = traceback.extract_tb(error.__traceback__)
        on_page = [i for i, frame in enumerate(frames) if frame.filename == str(page)]
        line = (frames[on_page[-1]].lineno if on_page else None) or block.line
        told = "".join(traceback.format_list(frames[on_page[0] if on_page else 0 :]))
        told += "".join(traceback.format_exception_only(error))
        raise PageError(f"{page}:{line}: {type(error).__name__}: {error}\n{told}") from error


def _run_doctest(page: Path, block: Block, namespace: dict[str, object]) -> None:
    test = doctest.DocTestParser().get_doctest(block.code, {}, page.name, str(page), block.line - 1)
    test.globs = namespace  # get_doctest copies what it is given, and the page goes on in this one
    runner = doctest.DocTestRunner(optionflags=_FLAGS, verbose=False)
    said: list[str] = []
    runner.run(test, out=said.append, clear_globs=False)
    if runner.failures:
        first = re.search(r"^File .*, line (\d+)", "".join(said), re.MULTILINE)
        raise PageError(f"{page}:{first[1] if first else block.line}: a doctest failed\n{''.join(said)}")
