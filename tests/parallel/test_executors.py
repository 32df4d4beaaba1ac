"""The contract of executors: one set of tests, and whoever runs the calls has to pass it."""

from __future__ import annotations

import itertools
import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headrace.errors import DataError, WorkerError
from headrace.parallel.executors import Outcome, outcomes
from parallel.crews import KINDS, Asked, Kind
from parallel.left import HANG

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),  # from 3.12 on, where there are threads
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # of ray, dask and submitit
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:.*:FutureWarning"),  # of ray
    pytest.mark.filterwarnings("ignore:A worker stopped while some jobs:UserWarning"),  # of loky, about a killed one
]


def fine(asked: Asked) -> bool:
    """Whether the executor is as good as it was."""
    return sorted(o.value for o in told(lambda x: abs(x), [{"x": -i} for i in range(10)], asked).values()) == [
        *range(10)
    ]


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


@pytest.fixture(scope="module")
def asked(kind: Kind) -> Iterator[Asked]:
    with kind.make() as made:
        yield made


def told(fn: Any, calls: Any, asked: Asked, **more: Any) -> dict[int, Outcome]:
    """Every outcome, by number: each once."""
    found: dict[int, Outcome] = {}
    for number, outcome in outcomes(fn, calls, **asked, **more):
        assert number not in found
        found[number] = outcome
    return found


def test_every_call_has_its_own_outcome(asked: Asked) -> None:
    three = 3
    found = told(lambda x, y: x * three + y, ({"x": i, "y": 0.5} for i in range(500)), asked)
    assert sorted(found) == list(range(500))
    assert all(outcome.error is None and outcome.value == 3 * i + 0.5 for i, outcome in found.items())
    assert all(0 <= outcome.seconds < HANG for outcome in found.values())


def test_no_calls(asked: Asked) -> None:
    assert told(lambda: 1, [], asked) == {}


def test_values_of_every_kind_arrive_as_they_are(asked: Asked) -> None:
    class Mine:  # known to nobody but this test
        def __init__(self, x: int) -> None:
            self.x = x

    sent: list[Any] = [
        1, 2**70, -0.5, 1j, "", "text", b"bytes", None, True, (), [1, [2, [3, [4, [5]]]]], {"a": {"b": (1,)}}, {1: 2}, {3},
        np.float32(2), np.datetime64("2020-01-01"), np.arange(5), np.zeros((0, 3)), np.array(["a", "bb"]),
        np.array([None, "x"], object), np.ma.masked_array([1, 2], [True, False]), range(3), Mine, Ellipsis,
    ]  # fmt: skip
    found = told(lambda x: (type(x).__name__, x), [{"x": x} for x in sent], asked)
    for i, x in enumerate(sent):
        outcome = found[i]
        assert outcome.error is None, (x, outcome.error)
        name, value = outcome.value
        assert name == type(x).__name__
        assert type(value) is type(x)
        assert repr(value) == repr(x)
    made = told(lambda x: Mine(x), [{"x": 4}], asked)[0].value
    assert isinstance(made, Mine)
    assert made.x == 4


def test_arrays_may_be_written_to_and_are_nobody_elses(asked: Asked) -> None:
    found = told(lambda x: np.full((100, 100), float(x)), [{"x": i} for i in range(60)], asked)
    for outcome in found.values():
        outcome.value[:] += 1
    assert all((found[i].value == i + 1).all() for i in range(60))


def test_what_a_call_raises_is_its_outcome_and_says_which_it_was(asked: Asked, kind: Kind) -> None:
    class Odd(Exception):  # whose __init__ does not take its args
        def __init__(self, code: int, place: str) -> None:
            super().__init__(f"code {code} at {place}")
            self.code = code

    def fails(x: int) -> int:
        if x == 7:
            raise Odd(x, "there")
        return 1 // (x - 3)

    found = told(fails, [{"x": i} for i in range(20)], asked)
    assert [i for i, outcome in sorted(found.items()) if outcome.error is not None] == [3, 7]
    zero, odd = found[3].error, found[7].error
    assert isinstance(zero, ZeroDivisionError)
    assert isinstance(odd, Odd)
    assert (odd.code, str(odd)) == (7, "code 7 at there")
    assert odd.__notes__[0] == "  while running call 7 of fails"
    assert odd.__notes__[1].startswith("  your function: fails at test_executors.py:")
    if kind.apart:
        text = str(odd.__cause__)
        assert 'raise Odd(x, "there")' in text or "test_executors.py" in text
        assert "Odd: code 7 at there" in text


def test_an_error_that_cannot_be_pickled_keeps_its_type(asked: Asked) -> None:
    def fails(x: int) -> None:
        error = LookupError("held", threading.Lock())
        error.lock = threading.Lock()  # type: ignore[attr-defined]  # any attribute may be set
        error.plain = x  # type: ignore[attr-defined]
        raise error

    for i, outcome in told(fails, [{"x": i} for i in range(3)], asked).items():
        assert isinstance(outcome.error, LookupError)
        assert outcome.error.args[0] == "held"
        assert outcome.error.plain == i  # type: ignore[attr-defined]


def test_a_result_that_cannot_be_pickled_costs_its_own_call_only(asked: Asked, kind: Kind) -> None:
    found = told(lambda x: threading.Lock() if x == 5 else x, [{"x": i} for i in range(40)], asked)
    assert [found[i].value for i in range(40) if i != 5] == [i for i in range(40) if i != 5]
    if kind.apart:
        assert isinstance(found[5].error, DataError)
        assert "returned for call 5 what cannot be pickled" in str(found[5].error)
        assert "lock" in str(found[5].error)
    else:
        assert found[5].error is None


def test_a_result_that_cannot_be_read_costs_its_own_call_only(asked: Asked, kind: Kind) -> None:
    class Sour:
        def __reduce__(self) -> Any:
            return int, ("sour",)

    found = told(lambda x: Sour() if x == 5 else x, [{"x": i} for i in range(40)], asked)
    assert [found[i].value for i in range(40) if i != 5] == [i for i in range(40) if i != 5]
    if kind.apart:
        assert "call 5 what cannot be read here" in str(found[5].error)


def test_an_argument_that_cannot_be_pickled_costs_its_own_call_only(asked: Asked, kind: Kind) -> None:
    calls = [{"x": threading.Lock() if i == 5 else i} for i in range(40)]
    found = told(lambda x: 2, calls, asked)
    assert [i for i in range(40) if found[i].value == 2] == [i for i in range(40) if i != 5 or not kind.apart]
    if kind.apart:
        assert isinstance(found[5].error, DataError)
        assert "cannot be pickled" in str(found[5].error)


def test_what_stops_a_program_stops_the_run(asked: Asked) -> None:
    def leaves(x: int) -> int:
        if x == 4:
            raise SystemExit(3)
        return x

    with pytest.raises(SystemExit) as caught:
        told(leaves, [{"x": i} for i in range(10)], asked)
    assert caught.value.code == 3
    assert fine(asked)  # and the executor is as before


def test_calls_are_drawn_as_they_are_needed(asked: Asked) -> None:
    drawn = itertools.count()
    some = outcomes(lambda x: time.sleep(0.001), ({"x": next(drawn)} for _ in itertools.count()), **asked)
    for _ in range(20):
        next(some)
    some.close()  # type: ignore[attr-defined]  # it is a generator
    assert next(drawn) < 20_000
    assert fine(asked)


def test_an_error_while_drawing_calls_is_raised_and_the_executor_goes_on(asked: Asked) -> None:
    def calls() -> Iterator[dict[str, int]]:
        yield {"x": 1}
        raise KeyError("the caller's")

    with pytest.raises(KeyError, match="the caller's"):
        told(lambda x: x, calls(), asked)
    assert fine(asked)


def test_who_finishes_first_is_told_first(asked: Asked, kind: Kind, tmp_path: Path) -> None:
    if not kind.parallel:
        pytest.skip("there is nobody to finish sooner")
    told_of_another = tmp_path / "told"

    def waits(x: int) -> None:
        end = time.monotonic() + HANG
        while x == 0 and not told_of_another.exists() and time.monotonic() < end:
            time.sleep(0.002)

    order = []
    for i, _ in outcomes(waits, [{"x": i} for i in range(9)], **asked):
        order.append(i)
        told_of_another.touch()
    assert sorted(order) == list(range(9))
    assert order[0] != 0


def test_runs_may_be_woven_into_each_other(asked: Asked) -> None:
    one = outcomes(lambda x: x + 1, [{"x": i} for i in range(50)], **asked)
    two = outcomes(lambda x: x + 2, [{"x": i} for i in range(50)], **asked)
    pairs = list(zip(one, two, strict=True))
    assert sorted(i for (i, _), _ in pairs) == list(range(50))
    assert all(a.value == i + 1 and b.value == j + 2 for (i, a), (j, b) in pairs)


def test_a_large_function_travels(asked: Asked) -> None:
    table = np.arange(300_000.0)
    found = told(lambda i: float(table[i]), [{"i": i} for i in range(100)], asked)
    assert all(found[i].value == i for i in range(100))


def test_a_worker_that_dies_is_an_error_and_never_a_hang(kind: Kind) -> None:
    if not kind.dies:
        pytest.skip("it is in this process, or tries again before it says so")

    def dies(x: int) -> int:
        if x == 11:
            time.sleep(0.2)
            os._exit(3)
        return x

    with kind.make() as asked:
        if kind.ours:
            found = told(dies, [{"x": i} for i in range(40)], asked)
            assert [i for i in range(40) if found[i].error is not None] == [11]
            assert isinstance(found[11].error, WorkerError)
            assert "call 11 of dies was lost" in str(found[11].error)
            assert "ended with status 3" in str(found[11].error)
            return
        with pytest.raises(Exception) as caught, ExitStack():  # noqa: PT012  # the run, and what is told before
            for number, outcome in outcomes(dies, [{"x": i} for i in range(40)], **asked):
                assert outcome.value == number
        assert isinstance(caught.value, WorkerError)
        said = re.search(r"lost calls? ([^:]*):", str(caught.value))
        assert said is not None, caught.value
        spans = [[int(end) for end in span.split(" to ")] for span in said[1].split(", ")]
        assert any(span[0] <= 11 <= span[-1] for span in spans)
