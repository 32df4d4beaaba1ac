"""The contract: a stream is a recipe, ``open`` starts a run of it, everything else is written on top of ``open``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import count as counting
from itertools import islice
from math import ceil, inf
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, Self, TypeVar

from headrace.core.cursor import Cursor, State
from headrace.core.fingerprint import check, fingerprint, stamp
from headrace.core.key import Key, Seed, seed_integer
from headrace.core.notes import explain
from headrace.core.recipe import Recipe
from headrace.core.registry import name_of
from headrace.errors import AddressError, ResumeError, StreamConfigError

if TYPE_CHECKING:
    from headrace.core.op import Op

T = TypeVar("T")
U = TypeVar("U")
Resume = Literal["exact", "replay", "none"]
Source = Iterable[T] | Callable[..., Iterable[T]]  # whatever makes items
_ORDER: tuple[Resume, ...] = ("exact", "replay", "none")


class Field(NamedTuple):
    """What is known of one leaf before the first item: shape (None where it varies), dtype, names of the axes."""

    shape: tuple[int | None, ...]
    dtype: str
    dims: tuple[str, ...] = ()


Spec = dict[str, Field]


class Split(NamedTuple, Generic[T]):
    """Streams inside another that can be drawn apart, and how to put others in their place."""

    streams: tuple[Stream[Any], ...]
    over: Callable[[tuple[Stream[Any], ...]], Stream[T]]


class Stream(Recipe, Generic[T]):
    """A recipe for items: frozen, picklable, printable; making one costs nothing and opens nothing.

    A subclass writes :meth:`start` and, where it knows better, :attr:`size`, :attr:`resume` and :attr:`spec`.

    Examples
    --------
    >>> import headrace as hr
    >>> stream = hr.Streamer(range(10)) | hr.map(lambda i: i * i) | hr.take(4)
    >>> list(stream)
    [0, 1, 4, 9]
    >>> len(stream)
    4
    """

    seed: int | None = None  # a root of its own, by seeded() or a constructor's seed=
    divided: str = ""  # "i/n" in a part made by shard(i, n): see part_of
    _active: int = 0

    # --- what a subclass says -------------------------------------------------------------------

    def start(self, key: Key) -> Cursor[T]:
        """Return a cursor at the beginning whose every random choice comes from ``key``.

        Runs no code of the user's and opens no file: that waits for the first item.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method start(key)")

    @property
    def size(self) -> float | None:
        """How many items one pass gives: an integer, ``math.inf``, or None when only running it tells."""
        return None

    @property
    def access(self) -> Literal["index", "cursor"]:
        """``"index"`` when item i can be had without the items before it, else ``"cursor"``."""
        return "cursor"

    @property
    def resume(self) -> Resume:
        """``"exact"``: continues from a state at once; ``"replay"``: by running the items again; ``"none"``: never."""
        return worst(child.resume for child in self.children)

    @property
    def spec(self) -> Spec | None:
        """Names, shapes, dtypes and axes of an item's leaves, where they are known before the first item."""
        return None

    def remarks(self) -> tuple[str, ...]:
        """Return what someone who reads the description should know."""
        return ()

    def shard(self, i: int, n: int) -> Self:
        """Return part ``i`` of ``n``: parts share no source and no random number, and together they hold all sources.

        Raises
        ------
        StreamConfigError
            When this stream cannot be divided, or has fewer sources than ``n``.
        """
        check_shard(i, n)
        parts = {name: value for name, value in self.params().items() if isinstance(value, Stream)}
        if not parts:
            raise StreamConfigError(
                f"{self.node_name} cannot be divided: it is one source.\n"
                "  Shard a mux, a folder of files or a sequence, or make the parts yourself."
            )
        below = {name: part.shard(i, n) for name, part in parts.items()}
        made: Self = self.with_(**below, divided=next_part(self, i, n))
        return made

    def split(self) -> Split[T] | None:
        """Return the streams inside that can be drawn apart from this one; None where there are none.

        A mux has some: which comes next is chosen here, and each can run elsewhere. A stream whose items have numbers is
        one itself. An op over either passes them on.
        """
        parts = {name: value for name, value in self.params().items() if isinstance(value, Stream)}
        if len(parts) != 1:
            return None
        ((name, part),) = parts.items()
        inside = part.split()
        if inside is None:
            return None
        return Split(inside.streams, lambda others: self.with_(**{name: inside.over(others)}))

    # --- runs -----------------------------------------------------------------------------------

    def open(self, key: Key | None = None, at: State | int | None = None) -> Cursor[T]:
        """Start a pass.

        Parameters
        ----------
        key
            Where its random numbers come from. By default the recipe's own seed, the key of the saved state, or a
            fresh one. A recipe with a seed of its own keeps the path of ``key`` and replaces its root.
        at
            A state of :meth:`Cursor.state`, or a position to go on from.

        Raises
        ------
        StreamConfigError
            When ``at`` is a negative position.
        StateMismatchError
            When ``at`` is a state of another description or key.
        ResumeError
            When ``at`` is a state and this stream cannot resume.

        Examples
        --------
        >>> import headrace as hr
        >>> next(hr.Streamer("abcdef").open(at=4))
        'e'
        """
        if at is not None and not isinstance(at, dict) and at < 0:
            raise StreamConfigError(
                f"{self.node_name}.open(at=) got {at!r}, wanted a state or a position of at least 0.\n"
                "  Positions count from the first item; there is no counting from the end."
            )
        if key is not None and not isinstance(key, Key):
            raise StreamConfigError(
                f"{self.node_name}.open(key) got {type(key).__name__}, wanted a Key.\n"
                "  Write open(hr.Key(7)) for a seed, open(at=state) for a state or a position."
            )
        if key is None and isinstance(at, dict) and "key" in at:
            key = Key.from_plain(at["key"])
        elif self.seed is not None:
            key = Key(self.seed) if key is None else key.rerooted(self.seed)
        elif key is None:
            key = Key.fresh()
        cursor = self.start(key)
        if at is None:
            return cursor
        try:
            if isinstance(at, dict):
                cursor.restore(at)
            elif at:
                cursor.skip(at)
        except BaseException:
            cursor.close()  # it may have files open or a thread under way, and no one else knows of it
            raise
        return cursor

    def iterate(self, max_iter: float | None = None) -> Iterator[T]:
        """Yield the items of one pass, at most ``max_iter`` of them; never draws one more than it gives.

        A seeded stream repeats; an unseeded one draws a fresh key each time.
        """
        self._activate(1)
        try:
            with self.open() as cursor:
                try:
                    yield from islice(cursor.items, whole(max_iter))
                except GeneratorExit:
                    raise
                except BaseException as error:
                    explain(error, cursor)
                    raise
        finally:
            self._activate(-1)

    def cycle(self, max_iter: float | None = None) -> Iterator[T]:
        """Yield lap after lap, each with numbers of its own; ends when a whole lap is empty."""
        left = whole(max_iter)
        key = Key(self.seed) if self.seed is not None else Key.fresh()
        self._activate(1)
        try:
            for lap in counting():
                with self.open(key.child("lap", lap)) as cursor:
                    yield from islice(cursor, left)
                    if cursor.position == 0:
                        return
                    if left is not None and (left := left - cursor.position) <= 0:
                        return
        finally:
            self._activate(-1)

    def __call__(self, max_iter: float | None = None, cycle: bool = False) -> Iterator[T]:
        """Return :meth:`cycle` or :meth:`iterate`."""
        return self.cycle(max_iter) if cycle else self.iterate(max_iter)

    def __iter__(self) -> Iterator[T]:
        return self.iterate()

    @property
    def active(self) -> int:
        """How many passes of ``iterate`` or ``cycle`` are under way in this process."""
        return self._active

    # --- algebra --------------------------------------------------------------------------------

    def __or__(self, op: Op[T, U]) -> Stream[U]:
        """Return this stream changed by ``op``: ``stream | hr.batch(32)``."""
        made = getattr(type(op), "apply", None)
        if made is None:
            raise StreamConfigError(f"{self.node_name} | got {op!r}, wanted an op.\n  {_called_or_mapped(op)}")
        result: Stream[U] = made(op, self)
        return result

    def seeded(self, seed: Seed) -> Self:
        """Return the same recipe with a root seed of its own, so that every pass from the top is the same.

        Examples
        --------
        >>> import headrace as hr
        >>> draws = hr.functional(lambda rng: int(rng.integers(100))).seeded(7)
        >>> list(draws(5)) == list(draws(5))
        True
        """
        made: Self = self.with_(seed=seed_integer(seed))
        return made

    # --- what it is -----------------------------------------------------------------------------

    def __len__(self) -> int:
        size = self.size
        if size is None or size == inf:
            raise TypeError(f"{self.node_name} has no len(): its size is {'not known' if size is None else 'endless'}")
        return int(size)

    def __getitem__(self, index: Any) -> Any:
        """Raise: only the items of an :class:`headrace.Indexed` stream have numbers.

        Raises
        ------
        AddressError
            An IndexError that names the stream because of which they have none.
        """
        raise no_numbers(self)

    def __bool__(self) -> bool:
        return True

    @property
    def node_name(self) -> str:
        """What this node is called in paths: its registered name, or its class."""
        return name_of(type(self))

    @property
    def fingerprint(self) -> str:
        """Sixteen hex digits that equal descriptions share, in any process."""
        return fingerprint(self)

    def stamp(self) -> dict[str, Any]:
        """Return what a state carries to know its description again."""
        known: dict[str, Any] | None = self.__dict__.get("_stamp")
        if known is None:  # asked for with every state, and a walk over all members
            if self.resume == "none":
                raise ResumeError(_no_resume(self))
            known = stamp(self)
            self.fix(_stamp=known)
        return known

    def why_no_resume(self) -> str:
        """Return why its runs cannot be resumed and what to do, where ``resume`` is ``"none"``: the end of an error."""
        return "it can be run only once.\n  Keep what it gives, in a list or in a file, and take that instead."

    def check_state(self, state: State, key: Key) -> None:
        """Raise unless ``state`` belongs to this description and ``key``."""
        if self.resume == "none":
            raise ResumeError(_no_resume(self))
        check(self, state, key)

    def __str__(self) -> str:
        from headrace.core.describe import describe  # printing is rarely wanted, and not a dependency

        return str(describe(self))

    def __repr__(self) -> str:
        from headrace.core.describe import one_line

        return one_line(self)

    def _activate(self, change: int) -> None:
        object.__setattr__(self, "_active", self._active + change)


def why_not(stream: Stream[Any]) -> tuple[str, Stream[Any]]:
    """Return (label, stream) of the innermost stream because of which items of ``stream`` have no numbers."""
    label, culprit = "", stream
    while True:
        labels = culprit.child_labels() if hasattr(culprit, "child_labels") else None
        below = [(k, c) for k, c in enumerate(culprit.children) if c.access == "cursor"]
        if not hasattr(culprit, "bound") or not below:
            return label, culprit
        k, culprit = below[0]
        label = f"{labels[k]} " if labels is not None else label


def no_numbers(stream: Stream[Any]) -> AddressError:
    """Return what to raise for an item asked by number of a stream whose items have none."""
    label, culprit = why_not(stream)
    because = "" if culprit is stream else f", because of {label}{culprit!r}"
    return AddressError(
        f"{stream!r} has no items by number{because}, wanted a stream whose items have numbers.\n"
        "  Iterate over it; or put hr.source(...) over what has a length and [i], and hr.permute() for a shuffle."
        + "".join(f"\n  {remark}" for remark in culprit.remarks())
    )


def worst(kinds: Iterator[Resume]) -> Resume:
    """Return the weakest of some kinds of resume; ``"exact"`` for none."""
    return max(kinds, key=_ORDER.index, default="exact")


def whole(max_iter: float | None) -> int | None:
    """Return a limit as islice wants it: None for no limit, 0 for a negative one, fractions rounded up."""
    return None if max_iter is None or max_iter == inf else max(0, ceil(max_iter))


def check_shard(i: int, n: int) -> None:
    """Raise unless part ``i`` of ``n`` exists."""
    for value in (i, n):
        if isinstance(value, bool) or not hasattr(value, "__index__"):
            raise StreamConfigError(f"shard(i, n) got {value!r}, wanted whole numbers; int(...) turns a text into one.")
    if not 0 <= i < n:
        raise StreamConfigError(f"shard(i, n) got i={i}, n={n}, wanted 0 <= i < n.")


def part_of(stream: Any) -> str:
    """Return which part of a divided stream this is, ``""`` when it was not divided.

    That of the source where the op itself was not divided, so that ``mux.shard(i, n) | op`` and
    ``(mux | op).shard(i, n)`` draw alike: other numbers in each part.

    Examples
    --------
    >>> import headrace as hr
    >>> stream = hr.ChainMux([range(3), range(3)]) | hr.map(abs)
    >>> part_of(stream), part_of(stream.shard(1, 2))
    ('', '1/2')
    """
    while isinstance(stream, Stream):
        own = stream.divided or stream.__dict__.get("part")  # a mux has it among its parameters
        if own and isinstance(own, str):
            return own
        stream = stream.__dict__.get("source")
    return ""


def next_part(stream: Stream[Any], i: int, n: int) -> str:
    """Return what :func:`part_of` says of part ``i`` of ``n`` of ``stream``: ``"0/2.1/3"`` for a part of a part."""
    known = part_of(stream)
    return f"{known}.{i}/{n}" if known else f"{i}/{n}"


def _called_or_mapped(op: Any) -> str:
    name = getattr(op, "__name__", "")
    ours = str(getattr(op, "__module__", "")).startswith("headrace.")
    return f"Call it: {name}(...)." if ours and name else "Put a function of one item in hr.map(function)."


def _no_resume(stream: Stream[Any]) -> str:
    culprit: Any = stream
    while (below := next((c for c in culprit.children if c.resume == "none"), None)) is not None:
        culprit = below
    return f"{stream.node_name} cannot be saved or resumed, because of {culprit!r}: {culprit.why_no_resume()}"
