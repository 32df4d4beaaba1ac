"""Parts of a stream in tasks that run elsewhere: processes here, Dask and Ray where they are installed."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from bridges.pool import flat, members, numbered, values
from support import pages
from support.require import require

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "clusters.md"


def part(make: Any, i: int, n: int) -> Any:
    return values(make().shard(i, n))


@pytest.mark.slow
@pytest.mark.parametrize("how", ["fork", "spawn"])
@pytest.mark.parametrize("make", [numbered, members])
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
def test_processes_share_a_stream(make: Any, how: str) -> None:
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(how)) as pool:
        parts = list(pool.map(part, [make] * 3, range(3), [3] * 3))
    assert parts == [part(make, i, 3) for i in range(3)]
    ids = [i for i, _ in flat(parts)]
    assert sorted(ids) == sorted(i for i, _ in values(make()))
    if make is numbered:
        assert sorted(flat(parts)) == sorted(values(make()))


@pytest.mark.parametrize("package", ["dask", "ray"])
def test_the_page_runs_what_it_shows(package: str) -> None:
    """tests/docs runs the page; this says by name what did not run of it."""
    require(package)
    block = next(block for block in pages.blocks(PAGE) if f"import {package}" in block.code)
    assert block.not_run is None
