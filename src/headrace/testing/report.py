"""What a check says: the law that was broken, or which laws hold and which had nothing to say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


class LawError(AssertionError):
    """A component broke a law of the contract.

    Attributes
    ----------
    law : str
        The name of the law.
    seen, wanted : str
        What happened, and what should have.
    of : str
        The component, as a call.

    Examples
    --------
    >>> print(LawError("a size is kept", "11 items came", "size 10", "mine(n=10)"))
    mine(n=10) breaks the law 'a size is kept': 11 items came.
      Wanted: size 10.
    """

    law: str
    seen: str
    wanted: str
    of: str

    def __init__(self, law: str, seen: str = "", wanted: str = "", of: str = "") -> None:
        super().__init__(law, seen, wanted, of)
        self.law, self.seen, self.wanted, self.of = law, seen, wanted, of

    def __str__(self) -> str:
        return f"{self.of} breaks the law '{self.law}': {self.seen}.\n  Wanted: {self.wanted}."


class NotApplicable(Exception):  # it is no error
    """Raised by a law that has nothing to say about a component; its text is the reason."""


@dataclass(frozen=True)
class Report:
    """Which laws a component keeps.

    Attributes
    ----------
    of : str
        The component, as a call.
    held : tuple of str
        The laws that were checked and hold.
    skipped : mapping of str to str
        The laws that do not apply, with the reason.

    Examples
    --------
    >>> print(Report("mine()", ("frozen", "picklable"), {"shards": "mine is one source"}))
    mine() keeps 2 laws
      holds          frozen
      holds          picklable
      does not apply shards: mine is one source
    """

    of: str
    held: tuple[str, ...]
    skipped: Mapping[str, str]

    def __str__(self) -> str:
        lines = [f"{self.of} keeps {len(self.held)} laws"]
        lines += [f"  holds          {law}" for law in self.held]
        lines += [f"  does not apply {law}: {why}" for law, why in self.skipped.items()]
        return "\n".join(lines)
