"""Every page that shows code runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import pages

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def _not_run() -> list[object]:
    return [
        pytest.param(page, block, id=f"{_name(page)}:{block.line}")
        for page in PAGES
        if page.exists()
        for block in pages.blocks(page)
        if block.not_run is not None
    ]


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_page(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pages.run(page)


NOT_RUN = _not_run()

if NOT_RUN:  # pytest reports an empty list of parameters as a skipped test

    @pytest.mark.parametrize(("page", "block"), NOT_RUN)
    def test_block_that_is_not_run(page: Path, block: pages.Block) -> None:
        # A test of its own, so that it is listed at the end among what did not run.
        pages.check(page, block)
        assert block.not_run is not None
        pytest.skip(f"line {block.line} is only compiled: {block.not_run}")
