"""Values in a row, by number: of a list at once, of an iterator from what has been drawn of it.

No iterator is copied or run twice (copies of those in ``itertools`` left Python in 3.14): what came is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from itertools import count
from typing import Any, Protocol
from weakref import WeakValueDictionary, ref

from headrace.errors import ResumeError, StreamConfigError

MOST = 10_000_000  # values of an iterator that are kept


class Row(Protocol):
    """Values by number."""

    def has(self, k: int) -> bool:
        """Tell whether there is a value ``k``."""
        ...

    def __getitem__(self, k: int) -> Any: ...

    @property
    def length(self) -> int | None:
        """How many there are; None where only running it tells, or it has no end."""
        ...


class Listed:
    """Values that are there."""

    def __init__(self, values: Any) -> None:
        self.values: Any = values if isinstance(values, range) else list(values)
        self.length: int = len(self.values)

    def has(self, k: int) -> bool:
        return k < self.length

    def __getitem__(self, k: int) -> Any:
        return self.values[k]


class Counted:
    """What ``itertools.count`` gives, without counting."""

    length: None = None
    source: Any = None  # for it to be known again
    who: str | None = None  # whose row this is

    def __init__(self, first: Any, step: Any) -> None:
        self.first: Any = first
        self.step: Any = step

    def has(self, k: int) -> bool:
        return True

    def __getitem__(self, k: int) -> Any:
        return self.first + k * self.step

    def __getstate__(self) -> dict[str, Any]:
        return {"first": self.first, "step": self.step}


class Drawn:
    """Values of an iterator, drawn when first asked for and kept."""

    source: Any = None  # the iterator, for it to be known again
    who: str | None = None  # whose row this is

    def __init__(self, values: Iterator[Any]) -> None:
        self.kept: list[Any] = []
        self.left: Iterator[Any] | None = values
        self.error: Exception | None = None  # that it ended with: it would look like an end if it were asked again
        self.lost: bool = False  # it stayed behind when this was pickled

    @property
    def length(self) -> int | None:
        return len(self.kept) if self.left is None and self.error is None and not self.lost else None

    def has(self, k: int) -> bool:
        if k >= len(self.kept) and self.error is not None:
            raise self.error
        if k >= len(self.kept) and self.lost:
            raise ResumeError(
                f"a schedule got asked for value {k} of an iterator that stayed behind when its tree was pickled: "
                f"{len(self.kept)} values of it had been drawn.\n  Give the schedule as a list, or draw on before."
            )
        if k > MOST and self.left is not None:
            raise StreamConfigError(
                f"a schedule got asked for value {k} of an iterator, which would keep all before it, wanted one of "
                f"the first {MOST}.\n  Give it as a range, an array or itertools.count, or as following(function)."
            )
        while self.left is not None and k >= len(self.kept):
            try:
                self.kept.append(next(self.left))
            except StopIteration:
                self.left = None
            except Exception as error:
                self.left, self.error = None, error
                raise
        return k < len(self.kept)

    def __getitem__(self, k: int) -> Any:
        return self.kept[k]

    def __getstate__(self) -> dict[str, Any]:
        lost = self.lost or self.left is not None or self.error is not None
        return {"kept": self.kept, "left": None, "error": None, "lost": lost}

    def __deepcopy__(self, memo: Any) -> Drawn:
        return self  # the values are the same for every copy, and the iterator is drawn once


class Asked:
    """What a function of the step gives."""

    length: None = None

    def __init__(self, function: Callable[[int], Any], first_step: int) -> None:
        self.function: Callable[[int], Any] = function
        self.first_step: int = first_step

    def has(self, k: int) -> bool:
        return True

    def __getitem__(self, k: int) -> Any:
        return self.function(k + self.first_step)


def row_of(values: Iterable[Any] | Callable[[int], Any], first_step: int = 0, who: str = "a schedule") -> Row:
    """Return values in a row by number: of an iterable, a table's rows, or a function of the step.

    Parameters
    ----------
    values
        The values.
    first_step
        The step of value 0, for a function.
    who
        Whose they are, for messages.

    Raises
    ------
    StreamConfigError
        When they cannot be iterated, have no order, are a text, or an iterator that another row draws from.

    Examples
    --------
    >>> row_of(x * x for x in range(5))[3] if row_of(range(3)).has(2) else None
    Traceback (most recent call last):
    IndexError: list index out of range
    >>> squares = row_of(x * x for x in range(5))
    >>> squares.has(3), squares[3], squares.has(5)
    (True, 9, False)
    """
    if isinstance(values, str | bytes | bytearray):
        raise StreamConfigError(
            f"{who} got the text {values!r}, whose letters would be the values, wanted values: one for each update.\n"
            "  Give texts in a list, and letters as list(text)."
        )
    if isinstance(values, Iterator):
        return taken(values, who, _counted if isinstance(values, count) else Drawn)
    if callable(values) and not hasattr(values, "__iter__"):
        return Asked(values, first_step)
    if isinstance(values, Mapping | Set):
        raise StreamConfigError(
            f"{who} got {values!r}, wanted values in an order: one for each update.\n"
            "  Give a list, or a function of the step."
        )
    if hasattr(values, "columns") and hasattr(values, "to_numpy"):  # a table would give the names of its columns
        return Listed(list(values.to_numpy()))
    try:
        iterator = iter(values)  # type: ignore[arg-type]  # whether it is one is what is asked
    except TypeError:
        raise StreamConfigError(
            f"{who} got {values!r}, wanted values in an order: one for each update.\n"
            "  Give a list, or a function of the step; a value that stays is value=."
        ) from None
    return Listed(values) if hasattr(values, "__len__") else Drawn(iterator)


def _counted(values: Iterator[Any]) -> Counted:
    first = next(values)
    return Counted(first, next(values) - first)


# --- iterators that are drawn from --------------------------------------------------------------

_rows: WeakValueDictionary[int, Any] = WeakValueDictionary()  # by the id of the iterator, which its row keeps alive
_owners: dict[int, tuple[Any, str]] = {}  # of those that can be referred to weakly: also when the row is gone


def taken(values: Iterator[Any], who: str, make: Callable[[Iterator[Any]], Counted | Drawn]) -> Row:
    """Return the row of an iterator that no other row draws from: each would take values from the other.

    Raises
    ------
    StreamConfigError
        When another does, or did.
    """
    own = id(values)
    owner = _owners[own][1] if own in _owners else getattr(_rows.get(own), "who", None)
    if owner is not None:
        raise StreamConfigError(
            f"{who} got the {type(values).__name__} {values!r}, which {owner} draws from, wanted one of its own: each would "
            "take values from the other.\n  Give a list to both, or share one Parameter."
        )
    row = make(values)
    row.source, row.who = values, who
    try:
        _owners[own] = ref(values, lambda _: _owners.pop(own, None)), who
    except TypeError:  # one of Python's own: known as long as its row is there
        _rows[own] = row
    return row
