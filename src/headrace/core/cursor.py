"""A cursor is one pass over a stream: what moves, and what can be saved.

A subclass writes one generator, ``run``, that yields items *from where the attributes say* and keeps those attributes
exact at every ``yield``; it names the attributes it saves and the cursors inside it. Everything else follows: state,
restore, going on after an exception, closing, the path in an error. Parents pull from ``child.items``, the bare
generator, so that a layer costs tens of nanoseconds.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar

from headrace.core.items import stack
from headrace.core.key import Key
from headrace.core.notes import explain
from headrace.core.owned import owned
from headrace.errors import ClosedError, HeadraceError, StateMismatchError, StreamConfigError

if TYPE_CHECKING:
    from headrace.core.stream import Stream

T = TypeVar("T")
State = dict[str, Any]


class Cursor(Generic[T]):
    """One pass over a stream, owned by one thread.

    ``next``, :meth:`take`, :meth:`read`, :meth:`skip` and ``for`` loops may be mixed freely. After an exception the
    cursor stands *before* the item that failed: the next call tries it again, :meth:`skip` passes it.

    Attributes
    ----------
    stream
        The recipe this is a pass of.
    key
        Where its random numbers come from.
    count : int
        How many items ``run`` has produced. A subclass may make it a property.
    saves : tuple of str
        Names of the attributes that hold plain data and make up the state, for subclasses to declare.
    inner : tuple of str
        Names of the attributes that hold the cursors inside.

    Examples
    --------
    >>> import headrace as hr
    >>> with hr.Streamer("abcdef").open() as cursor:
    ...     first = cursor.take(2)
    ...     state = cursor.state()
    >>> hr.Streamer("abcdef").open(at=state).take(2)
    ['c', 'd']
    """

    saves: ClassVar[tuple[str, ...]] = ("count",)
    inner: ClassVar[tuple[str, ...]] = ()
    count: int = 0

    _items: Generator[T, None, None] | None = None
    _failed: tuple[Cursor[Any], int] | None = None  # where the last exception came from, and our count then
    _kept: tuple[T, ...] = ()  # drawn by a take() that failed further on, not delivered yet
    _closed = False

    def __init__(self, stream: Stream[Any], key: Key) -> None:
        self.stream = stream
        self.key = key

    # --- for subclasses -------------------------------------------------------------------------

    def run(self) -> Generator[T, None, None]:
        """Yield items from where the attributes say, keeping them exact at every ``yield``.

        Started again after an exception, a restore or its own end; a run that has ended ends again.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a generator method run()")

    def save(self) -> Any:
        """Return the state below this cursor as plain data: JSON values and arrays."""
        state = {name: getattr(self, name) for name in self.saves}
        for name in self.inner:
            state[name] = getattr(self, name).save()
        return state

    def load(self, saved: Any) -> None:
        """Take over what :meth:`save` returned."""
        for name in self.saves:
            setattr(self, name, saved[name])
        for name in self.inner:
            getattr(self, name).load(saved[name])
        self.restart()

    def come_to(self, saved: Any) -> None:
        """Take over what :meth:`save` returned, or what :func:`behind` made of it."""
        if isinstance(saved, dict) and saved.keys() == {"behind", "from"}:
            self.load(saved["from"])
            self.skip(saved["behind"])
        else:
            self.load(saved)

    def pass_failed(self) -> None:
        """Give up the item that ``run`` failed on, so that the next call goes on behind it."""
        raise HeadraceError(
            f"{self.stream.node_name} cannot pass an item that failed.\n"
            "  Catch the error where the item is made, or write pass_failed() for this cursor."
        )

    def leap(self, n: int) -> int:
        """Pass up to ``n`` items without making them, where that can be done; return how many were passed."""
        return 0

    def label_of(self, cursor: Any) -> str | None:
        """Return what an error path adds to this node's name for the cursor inside it; None when it is not inside."""
        return "" if any(getattr(self, name, None) is cursor for name in self.inner) else None

    def release(self) -> None:
        """Let go of what this cursor holds besides the cursors inside. Called once."""

    def restart(self) -> None:
        """Drop the generator; the next item comes from a new ``run``."""
        items, self._items = self._items, None
        if items is not None:
            items.close()

    # --- for users and parents ------------------------------------------------------------------

    @property
    def items(self) -> Iterator[T]:
        """The bare iterator, for a parent's inner loop: no notes on errors, and dead after one. Ask for it again."""
        items = self._items
        if items is None or items.gi_frame is None:  # type: ignore[attr-defined]  # typing's Generator hides it
            if self._closed:
                raise ClosedError(f"the cursor of {self.stream.node_name} is closed; open the stream again.")
            items = self._items = self.run()
        return items

    @property
    def position(self) -> int:
        """How many items this pass has given."""
        return self.count - len(self._kept)

    def __iter__(self) -> Iterator[T]:
        thrown = False
        while True:
            while self._kept:
                yield self._pop()
            try:
                items = self.items
                for item in items:
                    try:
                        yield item
                    except BaseException:  # thrown in from outside, GeneratorExit too: no item has failed
                        thrown = True
                        raise
                    if self._items is not items:  # a skip, a restore, a failure or a refused read came between
                        break
                else:
                    self._failed = None
                    return
            except BaseException as error:
                if not thrown:
                    self._fail(error)
                raise

    def __next__(self) -> T:
        if self._kept:
            return self._pop()
        try:
            return next(self.items)
        except StopIteration:
            self._failed = None
            raise
        except BaseException as error:
            self._fail(error)
            raise

    def _fail(self, error: BaseException) -> None:
        """Remember where ``error`` came from, when it ended the run: a Ctrl-C between two items ends nothing."""
        items = self._items
        if items is None or items.gi_frame is None:  # type: ignore[attr-defined]  # as in items
            self._failed = explain(error, self), self.count
            self._items = None  # a loop whose body this happened in has to see that its generator is dead

    def _pop(self) -> T:
        item, *kept = self._kept
        self._kept = tuple(kept)
        return item

    def give_back(self, found: list[T]) -> None:
        """Take back items that were given and not used; they are the next to be given.

        Examples
        --------
        >>> import headrace as hr
        >>> cursor = hr.Streamer("abc").open()
        >>> cursor.give_back(cursor.take(2))
        >>> cursor.position, cursor.take(3)
        (0, ['a', 'b', 'c'])
        """
        # A `for` loop under way sees it by its generator being gone.
        self._kept = (*found, *self._kept)
        self.restart()

    def take(self, n: int) -> list[T]:
        """Return the next ``n`` items, fewer at the end.

        An exception on the way loses nothing: the items before the failed one come with the next call.
        """
        if n < 0:
            raise _negative("take", n)
        found = list(self._kept[:n])
        self._kept = self._kept[n:]
        try:
            found.extend(islice(self.items, min(n - len(found), sys.maxsize)))
        except BaseException as error:
            self._fail(error)
            self.give_back(found)
            raise
        if len(found) < n:
            self._failed = None
        return found

    def read(self, n: int) -> Any:
        """Return the next ``n`` items as columns (see :func:`headrace.core.items.stack`), fewer at the end.

        Raises
        ------
        DataError
            When the items do not stack. They are not lost: ``take`` still gives them.
        """
        if n < 0:
            raise _negative("read", n)
        found = self.take(n)
        try:
            return stack(found, who=f"read({n})")
        except Exception:
            self.give_back(found)
            raise

    def skip(self, n: int = 1) -> int:
        """Pass ``n`` items without giving them; return how many there were.

        After an exception the first one passed is exactly what failed, and nothing around it: a broken element inside
        a batch costs that element, not the batch; a broken member of a mux costs this visit to it. Where items have
        numbers, it costs the item with that number.
        """
        if n <= 0:
            if n < 0:
                raise _negative("skip", n)
            return 0
        failed, self._failed = self._failed, None
        passed = 0
        if failed is not None and failed[1] == self.count and not self._closed:
            failed[0].pass_failed()
            passed = 1
        while passed < n and self._kept:
            self._pop()
            passed += 1
        if passed < n and not self._closed:
            passed += self.leap(n - passed)
        try:
            for _ in islice(self.items, min(n - passed, sys.maxsize)):
                passed += 1
        except BaseException as error:
            self._fail(error)
            raise
        return passed

    def state(self) -> State:
        """Return what is needed to go on from here: plain data, stamped with the description and the key.

        It shares nothing with this pass: items that wait inside are copied, so that what is done to them once they
        are out does not reach it.

        Raises
        ------
        ResumeError
            When the stream cannot be resumed (``stream.resume == "none"``).
        """
        stamp = self.stream.stamp()
        state: State = {"headrace": 1, **stamp, "key": self.key.plain(), "at": self.save()}
        if self._kept:
            state["kept"] = list(self._kept)
        made: State = owned(state)
        return made

    def restore(self, state: State) -> None:
        """Go on from ``state``, which a cursor of an equal description returned.

        Raises
        ------
        StateMismatchError
            When the description or the key differs; names the first node that does.
        """
        self.stream.check_state(state, self.key)
        try:
            self.load(owned(state["at"]))
        except (KeyError, TypeError, IndexError, AttributeError) as error:
            raise StateMismatchError(
                f"restore got a state whose 'at' does not fit {self.stream.node_name}: {type(error).__name__}: {error}."
                "\n  Hand back what cursor.state() returned, as it was."
            ) from error
        self._kept = tuple(owned(state.get("kept", ())))
        self._failed = None

    def close(self) -> None:
        """Close this pass and everything it opened. Closing twice is fine; the state can still be read."""
        if self._closed:
            return
        self._closed = True
        self.restart()
        try:
            self.release()
        finally:
            for name in self.inner:
                getattr(self, name).close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.stream.node_name} at {self.position}>"


def behind(saved: Any, n: int) -> Any:
    """Return the place ``n`` items behind a saved one: for who knows the state of a cursor only now and then."""
    return {"behind": n, "from": saved} if n else saved


def _negative(name: str, n: int) -> StreamConfigError:
    return StreamConfigError(f"{name}(n) got {n}, wanted a number of items, 0 or more; a pass does not run backwards.")
