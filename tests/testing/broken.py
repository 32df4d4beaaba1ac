"""Components that break one law each. A module of its own, so that another process can import it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Generator, Iterator
from itertools import count
from typing import Any

import numpy as np

from headrace.core import Cursor, Key, Stream, as_stream, recipe
from headrace.ops.base import OpCursor

SHARED = np.zeros(3)
CALLS = count()


class Run(Cursor[Any]):
    """Numbers 0 to n - 1 of `stream`; correct, for others to spoil."""

    stream: Any

    def run(self) -> Generator[Any, None, None]:
        while self.count < 20:
            self.count += 1
            yield self.item(self.count - 1)

    def item(self, i: int) -> Any:
        return i


@recipe
class Good(Stream[Any]):
    """Keeps every law."""

    offset: int = 3

    def start(self, key: Key) -> Cursor[Any]:
        return _Good(self, key)


class _Good(Run):
    def item(self, i: int) -> Any:
        return {"i": i + self.stream.offset, "u": float(self.key.rng_at(i).random())}


class NotFrozen(Good):
    """No @recipe on it, and a __setattr__ of its own."""

    def __setattr__(self, name: str, value: Any) -> None:
        self.__dict__[name] = value


@recipe
class HoldsALock(Good):
    def __post_init__(self) -> None:
        self.fix(lock=threading.Lock())


@recipe
class Silent(Good):
    def __repr__(self) -> str:
        return " "


@recipe
class OpensEarly(Good):
    def start(self, key: Key) -> Cursor[Any]:
        with open(os.devnull) as file:
            file.read()
        return super().start(key)


@recipe
class KeepsAFileOpen(Good):
    def start(self, key: Key) -> Cursor[Any]:
        cursor = super().start(key)
        cursor.file = os.open(os.devnull, os.O_RDONLY)  # type: ignore[attr-defined]
        cursor.release = lambda: os.close(cursor.file)  # type: ignore[attr-defined,method-assign]
        return cursor


def called_early() -> Iterator[int]:
    yield 1


@recipe
class CallsEarly(Stream[Any]):
    function: Any = called_early

    def start(self, key: Key) -> Cursor[Any]:
        next(self.function())
        return Run(self, key)


@recipe
class ForgetsItInTheFingerprint(Good):
    @property
    def fingerprint(self) -> str:
        return "0123456789abcdef"


@recipe
class TuningThatCounts(Good):
    tuning = ("offset",)


@recipe
class OtherFingerprintElsewhere(Good):
    @property
    def fingerprint(self) -> str:
        return f"{super().fingerprint}-{os.getpid()}-{self.seed}"


@recipe
class HiddenRandomness(Stream[Any]):
    def start(self, key: Key) -> Cursor[Any]:
        return _Hidden(self, key)


class _Hidden(Run):
    def item(self, i: int) -> Any:
        return np.random.default_rng().random()


@recipe
class HiddenMemory(Stream[Any]):
    def start(self, key: Key) -> Cursor[Any]:
        return _Remembering(self, key)


class _Remembering(Run):
    def item(self, i: int) -> Any:
        return next(CALLS)


@recipe
class IgnoresItsSeed(Good):
    def open(self, key: Key | None = None, at: Any = None) -> Cursor[Any]:
        if key is None and self.seed is not None and not isinstance(at, dict):
            return self.start(Key.fresh())
        return super().open(key, at)


@recipe
class FollowsTheCallersRoot(Good):
    def open(self, key: Key | None = None, at: Any = None) -> Cursor[Any]:
        if key is not None and at is None:
            return self.start(key)
        return super().open(key, at)


@recipe
class AlwaysTheSameUnseeded(Good):
    def open(self, key: Key | None = None, at: Any = None) -> Cursor[Any]:
        if key is None and self.seed is None and not isinstance(at, dict):
            key = Key(0)
        return super().open(key, at)


@recipe
class LapsRepeat(Good):
    def start(self, key: Key) -> Cursor[Any]:
        path = [name for name in key.path if name != "lap"]
        if "lap" in key.path:
            path = path[:-1]
        return _Good(self, Key.from_plain([key.plain()[0], *path]))


@recipe
class SkipsOneTooMany(Good):
    def start(self, key: Key) -> Cursor[Any]:
        return _SkipsOneTooMany(self, key)


class _SkipsOneTooMany(_Good):
    def skip(self, n: int = 1) -> int:
        if n == 2:
            self.count += 1
            self.restart()
        return super().skip(n)


@recipe
class MiscountsPosition(Good):
    def start(self, key: Key) -> Cursor[Any]:
        return _MiscountsPosition(self, key)


class _MiscountsPosition(_Good):
    @property
    def position(self) -> int:
        return self.count + (self.count == 7)


@recipe
class ReadsOtherColumns(Good):
    def start(self, key: Key) -> Cursor[Any]:
        return _ReadsOtherColumns(self, key)


class _ReadsOtherColumns(_Good):
    def read(self, n: int) -> Any:
        columns = super().read(n)
        return {**columns, "i": columns["i"].astype("f4")} if columns else columns


@recipe
class StartsAgainAfterItsEnd(Good):
    def start(self, key: Key) -> Cursor[Any]:
        return _StartsAgain(self, key)


class _StartsAgain(_Good):
    def run(self) -> Generator[Any, None, None]:
        for i in range(self.count % 20, 20):
            self.count += 1
            yield self.item(i)


@recipe
class GivesAfterClose(Good):
    def start(self, key: Key) -> Cursor[Any]:
        return _GivesAfterClose(self, key)


class _GivesAfterClose(_Good):
    def close(self) -> None:
        self.restart()


@recipe
class ClosesOnce(Good):
    def start(self, key: Key) -> Cursor[Any]:
        return _ClosesOnce(self, key)


class _ClosesOnce(_Good):
    closed = 0

    def close(self) -> None:
        self.closed += 1
        if self.closed == 2:
            raise ValueError("closed already")
        super().close()


@recipe
class LeavesAThread(Good):
    def start(self, key: Key) -> Cursor[Any]:
        return _LeavesAThread(self, key)


class _LeavesAThread(_Good):
    def run(self) -> Generator[Any, None, None]:
        threading.Thread(target=threading.Event().wait, args=(3,), daemon=True).start()
        yield from super().run()


@recipe
class WrongSize(Good):
    @property
    def size(self) -> float | None:
        return 19


@recipe
class WrongSpec(Good):
    @property
    def spec(self) -> Any:
        from headrace.core import Field

        return {"i": Field((), "int64"), "u": Field((), "float32")}


@recipe
class ReusesItsArray(Stream[Any]):
    def start(self, key: Key) -> Cursor[Any]:
        return _ReusesItsArray(self, key)


class _ReusesItsArray(Run):
    def item(self, i: int) -> Any:
        SHARED[:] = i
        return SHARED


@recipe
class ReusesItsDict(Stream[Any]):
    def start(self, key: Key) -> Cursor[Any]:
        return _ReusesItsDict(self, key)


class _ReusesItsDict(Run):
    def __init__(self, stream: Any, key: Key) -> None:
        super().__init__(stream, key)
        self.kept = {"a": 1}

    def item(self, i: int) -> Any:
        return self.kept


@recipe
class ForgetsWhereItWas(Good):
    def start(self, key: Key) -> Cursor[Any]:
        return _Forgets(self, key)


class _Forgets(_Good):
    saves = ("count",)
    bonus = 0

    def item(self, i: int) -> Any:
        self.bonus += 1
        return self.bonus


@recipe
class SavesLate(Good):
    """Counts after the yield, the classic mistake."""

    def start(self, key: Key) -> Cursor[Any]:
        return _SavesLate(self, key)


class _SavesLate(_Good):
    at = 0
    saves = ("count", "at")

    def run(self) -> Generator[Any, None, None]:
        while self.at < 20:
            self.count += 1
            yield self.item(self.at)
            self.at += 1


@recipe
class SavingDraws(Good):
    def start(self, key: Key) -> Cursor[Any]:
        return _SavingDraws(self, key)


class _SavingDraws(_Good):
    saves = ("count", "lost")
    lost = 0

    def item(self, i: int) -> Any:
        return i + self.lost

    def save(self) -> Any:
        saved = super().save()
        self.lost += 1
        return saved


@recipe
class StateIsAlive(Good):
    def start(self, key: Key) -> Cursor[Any]:
        return _StateIsAlive(self, key)


class _StateIsAlive(_Good):
    saves = ("count", "given")

    def __init__(self, stream: Any, key: Key) -> None:
        super().__init__(stream, key)
        self.given: list[int] = []

    def item(self, i: int) -> Any:
        self.given.append(i)
        return len(self.given)

    def state(self) -> Any:
        made = super().state()  # which copies
        made["at"]["given"] = self.given
        return made


@recipe
class StateEndsWithClose(Good):
    def start(self, key: Key) -> Cursor[Any]:
        return _StateEndsWithClose(self, key)


class _StateEndsWithClose(_Good):
    def release(self) -> None:
        self.count = 0

    @property
    def position(self) -> int:
        return self.count


@recipe
class OnlyFreshCursorsLoad(Good):
    def start(self, key: Key) -> Cursor[Any]:
        return _OnlyFresh(self, key)


class _OnlyFresh(_Good):
    def load(self, saved: Any) -> None:
        self.count = saved["count"]  # the running generator goes on: no restart()

    def run(self) -> Generator[Any, None, None]:
        for i in range(self.count, 20):
            self.count = i + 1
            yield self.item(i)


@recipe
class TakesAnyState(Good):
    def check_state(self, state: Any, key: Key) -> None:
        pass


@recipe
class StateIsATuple(Good):
    """What JSON gives back is a list."""

    def start(self, key: Key) -> Cursor[Any]:
        return _StateIsATuple(self, key)


class _StateIsATuple(_Good):
    def save(self) -> Any:
        return (self.count,)

    def load(self, saved: Any) -> None:
        assert isinstance(saved, tuple)
        self.count = saved[0]
        self.restart()


@recipe
class ShardsOverlap(Stream[Any]):
    part: tuple[int, int] = (0, 1)

    def shard(self, i: int, n: int) -> Any:
        from headrace.core.stream import check_shard

        check_shard(i, n)
        return self.with_(part=(i, n))

    def start(self, key: Key) -> Cursor[Any]:
        return Run(self, key)


@recipe
class ShardsOfNothing(Stream[Any]):
    members: tuple[Any, ...] = (as_stream("ab"), as_stream("cd"), as_stream("ef"))

    def shard(self, i: int, n: int) -> Any:
        return self

    def start(self, key: Key) -> Cursor[Any]:
        return Run(self, key)


@recipe
class DependsOnTheProcess(Stream[Any]):
    def start(self, key: Key) -> Cursor[Any]:
        return _DependsOnTheProcess(self, key)


class _DependsOnTheProcess(Run):
    def item(self, i: int) -> Any:
        return os.getpid()


# --- ops ----------------------------------------------------------------------------------------


@recipe
class Op(Stream[Any]):
    """Passes items on; correct, for others to spoil."""

    source: Any

    def start(self, key: Key) -> Cursor[Any]:
        return _Passing(self, key)


class _Passing(OpCursor[Any]):
    def run(self) -> Generator[Any, None, None]:
        for item in self.source.items:
            self.count += 1
            yield item


def _op(cursor: type[Any], name: str) -> Any:
    """A recipe class with that cursor, at the top of this module."""

    def start(self: Any, key: Key) -> Cursor[Any]:
        made: Cursor[Any] = cursor(self, key)
        return made

    made = recipe(type(name, (Op,), {"start": start, "__module__": __name__, "__qualname__": name, "__doc__": name}))
    globals()[name] = made
    return made


class _LosesAroundErrors(_Passing):
    def run(self) -> Generator[Any, None, None]:
        try:
            yield from super().run()
        except Exception:
            self.source.pass_failed()
            raise


class _EndsAtAnError(_Passing):
    def run(self) -> Generator[Any, None, None]:
        try:
            yield from super().run()
        except Exception:
            return


class _GivesUp(_Passing):
    """Tries twice, then pretends to have ended."""

    failures = 0

    def run(self) -> Generator[Any, None, None]:
        try:
            yield from super().run()
        except Exception:
            self.failures += 1
            if self.failures <= 2:
                raise


class _PassesMore(_Passing):
    """Gives up two items where one failed."""

    def pass_failed(self) -> None:
        self.source.pass_failed()
        self.source.skip(1)
        self.restart()

    def run(self) -> Generator[Any, None, None]:
        try:
            yield from super().run()
        except Exception as error:
            raise error.with_traceback(None)  # noqa: B904  # so that we are taken for the one that failed


class _ForgetsAtAnError(_Passing):
    saves = ("count", "failed")
    failed = False

    def run(self) -> Generator[Any, None, None]:
        try:
            yield from super().run()
        except Exception:
            self.failed = True
            raise

    def load(self, saved: Any) -> None:
        if saved["failed"]:
            saved = {**saved, "source": {**saved["source"], "held": []}}
        super().load(saved)


class _WrapsErrors(_Passing):
    def run(self) -> Generator[Any, None, None]:
        try:
            yield from super().run()
        except Exception as error:
            raise ValueError("mine") from error


class _DrawsAhead(_Passing):
    saves = ("count", "waiting")

    def __init__(self, stream: Any, key: Key) -> None:
        super().__init__(stream, key)
        self.waiting: list[Any] = []

    def run(self) -> Generator[Any, None, None]:
        for item in self.source.items:
            self.waiting = [*self.waiting, item]
            if len(self.waiting) > 2:
                first, *self.waiting = self.waiting
                self.count += 1
                yield first
        while self.waiting:
            first, *self.waiting = self.waiting
            self.count += 1
            yield first


class _DrawsAtOpening(_Passing):
    def __init__(self, stream: Any, key: Key) -> None:
        super().__init__(stream, key)
        self.source.skip(1)


class _NeedsAnItem(_Passing):
    def run(self) -> Generator[Any, None, None]:
        items = self.source.items
        if not self.count:
            first = next(items, None)
            if first is None:
                raise AssertionError("no first item")
            self.count += 1
            yield first
        for item in items:
            self.count += 1
            yield item


LosesAroundErrors = _op(_LosesAroundErrors, "LosesAroundErrors")
EndsAtAnError = _op(_EndsAtAnError, "EndsAtAnError")
GivesUp = _op(_GivesUp, "GivesUp")
PassesMore = _op(_PassesMore, "PassesMore")
ForgetsAtAnError = _op(_ForgetsAtAnError, "ForgetsAtAnError")
WrapsErrors = _op(_WrapsErrors, "WrapsErrors")
DrawsAhead = _op(_DrawsAhead, "DrawsAhead")
DrawsAtOpening = _op(_DrawsAtOpening, "DrawsAtOpening")
NeedsAnItem = _op(_NeedsAnItem, "NeedsAnItem")


def leave(status: int) -> None:
    os._exit(status)


def sleep() -> None:
    time.sleep(60)
