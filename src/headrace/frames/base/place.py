"""Where a handle stands: its one run, which one thread at a time moves.

A :class:`Placed` handle opens a run of its recipe when it is first moved, and goes on in it. Each of its verbs is whole:
of two threads that move one handle each gets items of its own, none twice and none lost, and nothing is closed while it
is read from.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain
from math import inf
from typing import Any

from headrace.core.closing import Closing
from headrace.core.cursor import Cursor, State
from headrace.core.handle import AsStream
from headrace.core.indexed import ENDLESS
from headrace.core.key import Key
from headrace.errors import AddressError, ResumeError, StateMismatchError
from headrace.frames.base.layout import Array
from headrace.frames.base.locked import Locked
from headrace.frames.base.once import has_passed, runs_once
from headrace.frames.base.options import whole_number
from headrace.frames.base.waiting import state_of, taken


class Placed(Locked, AsStream, Closing):
    """A place in the stream that a subclass describes by ``__recipe__``, and the verbs that move it.

    A subclass calls ``_forget()`` when it is made.
    """

    def _forget(self) -> None:
        self._run: Cursor[Any] | None = None
        self._key: Key | None = None
        self._state: State | int | None = None  # where the next run begins
        self._before: tuple[int, State] | None = None  # a place, and the state there before items were drawn ahead
        self._last: Array | None = None
        self._closed = False
        self._unlock()

    # --- where it stands ------------------------------------------------------------------------

    @property
    def i(self) -> int:
        """The number of the next frame."""
        with self._lock:
            if self._run is None and isinstance(self._state, dict):
                self._open()  # a state names a place as its source does
            if self._run is not None:
                return self._run.position
            return self._state if isinstance(self._state, int) else 0

    @property
    def _top(self) -> float:
        """How many frames can be had by number: as many as there are, while numbers last."""
        made = self.__recipe__()
        size = made.size
        return min(inf if size is None else size, getattr(made, "reach", ENDLESS))

    def available(self, l: int = 1) -> bool:  # noqa: E741  # the documented name
        """Tell whether ``l`` more frames can be had; zeros of ``on_end="pad"`` are none.

        Where the source does not know how many it has, these frames are drawn and wait to be taken.

        Raises
        ------
        StreamConfigError
            When ``l`` is no whole number of at least 0.
        ClosedError
            After :meth:`close`.
        """
        wanted = whole_number(f"{type(self).__name__}.available", "l", l, 0)
        with self._lock:
            if self._closed:
                raise self._is_closed()
            if self.__recipe__().size is not None:
                return self.i + wanted <= self._top
            return len(self._ahead(wanted)) == wanted

    def _ahead(self, n: int) -> list[Any]:
        """Return the next ``n`` items without passing them; those before one that fails."""
        run = self._marked()
        found = taken(run, n)
        run.give_back(found)
        return found

    def _marked(self) -> Cursor[Any]:
        """Return the run, which is about to be drawn from ahead: what waits inside is no part of a state."""
        run = self._open()
        if run.count == run.position and self.access != "index" and self.resume != "none":
            self._before = run.position, run.state()
        return run

    def _ended(self) -> bool:
        """Tell whether no frame is left; one that fails is one."""
        if self.__recipe__().size is not None:
            return self.i >= self._top
        with suppress(Exception):
            return not self._ahead(1)
        return False

    # --- moving ---------------------------------------------------------------------------------

    def __next__(self) -> Array:
        with self._lock:
            self._last = next(self._run or self._open())
            return self._last

    def __iter__(self) -> Iterator[Array]:
        """Return an iterator of the frames from where it stands to the end; after an error it goes on."""
        return chain.from_iterable(self._loops())  # nearly as quick as one of them

    def _loops(self) -> Iterator[Iterator[Array]]:
        """Yield loops over the frames that are left: a generator is dead after an error, and another has to go on."""
        ended: list[bool] = []
        while not ended:
            yield self._loop(ended)

    def _loop(self, ended: list[bool]) -> Iterator[Array]:
        while True:
            with self._lock:  # asked for each time: a child that is forked has another
                try:
                    frame = self._last = next(self._run or self._open())
                except StopIteration:
                    ended.append(True)
                    return
            yield frame

    def skip(self, n: int = 1) -> int:
        """Pass ``n`` frames without making them; return how many there were.

        After an error the first one passed is that which failed.

        Raises
        ------
        StreamConfigError
            When ``n`` is no whole number of at least 0.
        """
        wanted = whole_number(f"{type(self).__name__}.skip", "n", n, 0)
        with self._lock:
            run = self._open()
            made = min(wanted, run.count - run.position)
            if made:  # before one that failed: these come first
                run.take(made)
            if made < wanted:
                self._before = None
            return made + run.skip(wanted - made)

    def seek(self, i: int) -> None:
        """Go to frame ``i``, so that it is the next.

        Raises
        ------
        AddressError
            When there is no such frame; the end itself, ``len``, can be gone to.
        ResumeError
            When frames come from a running iterator and this one has passed.
        """
        place = whole_number(f"{type(self).__name__}.seek", "i", i)
        with self._lock:
            if self._closed:
                raise self._is_closed()
            made = self.__recipe__()
            last = self._top if made.size not in (None, inf) else self._top - 1
            if not 0 <= place <= last:
                raise self._no_frame(i, last, "Frames are counted from the first; there is no counting from the end.")
            if made.size is None and runs_once(made):
                self._go_on_to(place)
                return
            run = None
            if made.size is None and place:  # whether there is such a frame is known when it has been gone to
                self._key = self._key or Key.fresh()
                run = made.open(self._key, at=place)
                if run.position < place:
                    run.close()
                    raise self._no_frame(i, run.position, "There are no more; available(n) tells whether there are.")
            self._drop(place)
            self._run = run

    def _go_on_to(self, place: int) -> None:
        run = self._open()
        if place < run.position:
            raise has_passed(f"{type(self).__name__}.seek(i)", place, run.position)
        self.skip(place - run.position)
        if run.position < place:
            raise self._no_frame(place, run.position, "There are no more, and this is the end.")

    def _no_frame(self, i: int, last: float, told: str) -> AddressError:
        return AddressError(f"{type(self).__name__}.seek(i) got {i}, wanted 0 to {last}.\n  {told}")

    def reset(self) -> None:
        """Go back to frame 0; random frames are the same again."""
        self.seek(0)

    # --- state ----------------------------------------------------------------------------------

    def state_dict(self) -> State:
        """Return the place as plain data: what :meth:`load_state_dict` of an equal stream goes on from, to the bit.

        Raises
        ------
        ResumeError
            When the frames cannot be had again.
        """
        with self._lock:
            return state_of(self._open(), self.__recipe__(), self._before)

    def load_state_dict(self, state: State) -> None:
        """Go on from a state of :meth:`state_dict`.

        Raises
        ------
        StateMismatchError
            When it is no state, or that of another source; names the first difference.
        """
        if not isinstance(state, dict) or "at" not in state:
            raise StateMismatchError(
                f"{type(self).__name__}.load_state_dict got {type(state).__name__} {state!r:.80}, wanted what state_dict() "
                "returned.\n  Hand it back as it was; seek(i) goes to a frame by its number."
            )
        with self._lock:
            if self._closed:
                raise self._is_closed()
            run = self.__recipe__().open(at=state)
            if run.position > self._top:
                run.close()
                raise StateMismatchError(
                    f"{type(self).__name__}.load_state_dict got a place at frame {run.position}, wanted 0 to {self._top}: there are no "
                    "more.\n  Hand it to a stream of the frames that it was saved of."
                )
            self._drop(None)
            self._run = run

    def _open(self) -> Cursor[Any]:
        if self._closed:
            raise self._is_closed()
        if self._run is None:
            key = self._key = self._key or Key.fresh()  # kept, so that reset() is the same again
            state = self._state
            self._run = self.__recipe__().open(None if isinstance(state, dict) else key, at=state)
            self._state = None
        return self._run

    def _drop(self, place: State | int | None) -> None:
        """End the run; the next one begins at ``place``."""
        run, self._run, self._state, self._before = self._run, None, place, None
        if run is not None:
            run.close()

    def close(self) -> None:
        """Let go of files and threads, once nothing is being read. Twice is fine; what was composed of it goes on."""
        with self._lock:
            if self._closed:
                return
            place = 0
            with suppress(Exception):  # of a state that can be opened no more
                place = self.i
            try:
                self._drop(place)
            finally:
                self._closed = True

    def __del__(self, ending: Callable[[], bool] = sys.is_finalizing) -> None:  # a default outlives the module
        run = self.__dict__.get("_run")
        if run is not None and not ending():  # nobody else closes its files
            run.close()

    def __getstate__(self) -> dict[str, Any]:
        with self._lock:
            kept = {**self.__dict__, "_run": None, "_last": None, "_before": None}
            kept.pop("_lock", None)
            if self._run is not None:
                kept["_state"] = None  # of frames that cannot be had again a copy begins where they begin: now
                with suppress(ResumeError):
                    kept["_state"] = state_of(self._run, self.__recipe__(), self._before)
            return kept
