"""What a browser may say, and that nothing else is heard."""

from __future__ import annotations

import random

import pytest

from headrace.errors import DataError
from headrace.plot.page.messages import Message, parse
from plot.page.said import BAD, GOOD, mutated
from support.counts import heavy


@pytest.mark.parametrize(("text", "wanted"), GOOD.items(), ids=[str(k) for k in range(len(GOOD))])
def test_what_the_page_says(text: str, wanted: Message) -> None:
    assert parse(text) == wanted


@pytest.mark.parametrize("text", BAD, ids=[str(k) for k in range(len(BAD))])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(DataError) as told:
        parse(text)
    assert len(str(told.value)) < 300, "what was said is not said back at length"


def test_mutated_messages_are_read_or_refused() -> None:
    rng = random.Random(7)
    for _ in range(heavy(100_000)):
        try:
            assert isinstance(parse(mutated(rng)), Message)
        except DataError:
            continue
