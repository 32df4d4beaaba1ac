"""The folder of a demonstration: claimed only when it is empty or a demonstration's, and cleared of that only."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path
from types import ModuleType

from headrace.errors import HeadraceError

MARK = "headrace-demo.json"
EXAMPLES = ("digits.py", "cancer.py")
OURS = (*EXAMPLES, "archives", "killed", "whole", "report.html", "shares.svg", "learning.svg", "drawn.svg", MARK)


def claim(folder: Path) -> None:
    """Make ``folder`` ready: what an earlier demonstration left there goes, whatever else lies there stays.

    Raises
    ------
    HeadraceError
        When it is a file, or holds something and was not made by a demonstration.
    """
    if folder.exists() and not folder.is_dir():
        raise HeadraceError(f"demo --out got {folder}, which is a file, wanted a folder.\n  Choose another name.")
    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).is_file():
        raise HeadraceError(
            f"demo --out got {folder}, which holds something that no demonstration made.\n"
            "  Choose a new folder: headrace demo --out NAME"
        )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).write_text("{}\n", encoding="utf-8")  # first, so that what follows can be cleared
    for name in OURS:
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif name != MARK:
            path.unlink(missing_ok=True)
    for name in EXAMPLES:
        shutil.copyfile(Path(__file__).with_name(name), folder / name)


def load(path: Path) -> ModuleType:
    """Return a user's file as a module of its own name, which its functions are known by in fingerprints."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module
