"""Functions of signals that users write as classes, which keep what they remember in attributes, as signals."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, ClassVar

import numpy as np

from headrace.errors import StreamConfigError
from headrace.signals.base import Array, Signal, signal_class


def remembered(of: Any) -> dict[str, Any]:
    """Return the attributes of an object as they are now: copies, but of its parameters, which it does not change.

    What cannot be copied, such as a lock or an open file, is handed over as it is.
    """
    shared = {id(value): value for value in of.params.values()}
    return {name: _copied(value, shared) for name, value in vars(of).items() if name not in ("signal", "_at")}


def _copied(value: Any, shared: dict[int, Any]) -> Any:
    try:
        return deepcopy(value, shared)
    except Exception:  # of whatever its class raises: it says that it cannot be copied
        return value


def moved(of: Any, attributes: dict[str, Any]) -> Any:
    """Return another object of the same class and signal, with these attributes."""
    twin = object.__new__(type(of))
    twin.__dict__.update(signal=of.signal, _at=None)
    twin.__dict__.update(attributes)
    return twin


def _plain_number(value: Any) -> Any:
    """Return Python's number for one of numpy's, as JSON will."""
    return value.item() if isinstance(value, np.number | np.bool_) else value


@signal_class(lambda: _example(), name="genki.Own", channels=False)
class Own(Signal[dict[str, Any]]):
    """What a user's subclass of ``SignalFunction`` computes; its state are the attributes of an object of that class.

    Parameters
    ----------
    kind
        The class. ``kind(*inputs, name=name, **parameters)`` makes an object that has seen nothing.
    *inputs
        The names of its inputs.
    name
        What to call the output.
    given
        Its parameters, as pairs.
    """

    kind: type
    xs: tuple[str, ...]
    name: str
    given: tuple[tuple[str, Any], ...] = ()
    roles: ClassVar[tuple[str, ...]] = ("xs",)

    def check(self) -> None:
        xs = (self.xs,) if isinstance(self.xs, str) else tuple(self.xs or ())
        self.fix(xs=xs, given=tuple((str(name), _plain_number(value)) for name, value in self.given))

    @property
    def settings(self) -> dict[str, Any]:
        return dict(self.given)

    def having(self, values: dict[str, Any]) -> Any:
        return type(self)(self.kind, self.xs, self.name, tuple({**self.settings, **values}.items()))

    def settled(self, values: dict[str, Any] | None = None) -> Any:
        now = {name: knob.value for name, knob in self.knobs.items()}
        return self.having({**now, **(values or {})})

    def afresh(self) -> Any:
        """Return an object that has seen nothing.

        Raises
        ------
        StreamConfigError
            When the class cannot be called with its inputs, ``name`` and its parameters.
        """
        try:
            return self.kind(*self.xs, name=self.name, **self.settings)
        except TypeError as error:
            raise StreamConfigError(
                f"{self.kind.__name__} got inputs {self.xs}, name={self.name!r} and params {self.settings}, which its "
                f"constructor does not take: {error}.\n"
                "  Take the inputs first, then name, then what is passed to super().__init__ as params."
            ) from None

    def init(self, *head: Array) -> dict[str, Any]:
        return remembered(self.afresh())

    def step(self, state: dict[str, Any], *rows: Array) -> tuple[Any, dict[str, Any]]:
        one = self.__dict__.get("_one")
        if one is None:
            one = self.afresh()
            self.fix(_one=one)
        twin = moved(one, state)
        twin.__dict__.update(remembered(twin))  # the state is a value: what the call changes are copies
        made = twin(*rows)
        return made, remembered(twin)

    def __repr__(self) -> str:
        told = [*map(repr, self.xs), f"name={self.name!r}", *(f"{name}={value!r}" for name, value in self.given)]
        return f"{self.kind.__name__}({', '.join(told)})"


def _example() -> Any:
    from headrace.compat.genki_signals._functions import Counted

    return Counted("x", name="y", start=3).signal
