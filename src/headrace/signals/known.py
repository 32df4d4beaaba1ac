"""What makes a class a signal that is known by name: to JSON, and to the laws by an example."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, dataclass_transform

import numpy as np

from headrace.core.recipe import recipe
from headrace.core.registry import find, name_of, register

C = TypeVar("C", bound=type)
Rows = Callable[[np.random.Generator, int], tuple[Any, ...]]


class Example(NamedTuple):
    """A signal and what to run it on, for the laws.

    Attributes
    ----------
    signal
        One that keeps something from row to row, where it can.
    rows
        ``rows(rng, n)`` makes float64 columns of ``n`` rows, one for each input.
    channels
        Whether each column may also be ``(n, k)``: then it is, for k of 1 and 3.
    """

    signal: Any
    rows: Rows
    channels: bool


@dataclass_transform(frozen_default=True, eq_default=False)
def signal_class(
    example: Callable[[], Any], *, rows: Rows | None = None, channels: bool = True, name: str | None = None
) -> Callable[[C], C]:
    """Return a decorator that makes a class a recipe of a signal known by its name, in JSON and to the laws.

    Parameters
    ----------
    example
        Makes one.
    rows
        ``rows(rng, n)``, the columns to try it on; by default standard normal numbers.
    channels
        Whether it takes columns of any number of channels.
    name
        What it is called in JSON; its class name by default.
    """

    def known(cls: C) -> C:
        made: C = recipe(cls)

        def one() -> Example:
            signal = example()
            return Example(signal, rows or _normal(len(signal.inputs)), channels)

        return register(f"signals.{name or cls.__name__}", example=one, kind="signal")(made)

    return known


def _normal(n_inputs: int) -> Rows:
    return lambda rng, n: tuple(rng.standard_normal(n) for _ in range(n_inputs))


def kind_of(signal: Any) -> str:
    """Return what a signal's class is called in JSON."""
    return name_of(type(signal)).removeprefix("signals.")


def class_called(kind: str) -> Any:
    """Return the signal class called ``kind`` in JSON.

    Raises
    ------
    RegistryError
        When there is none.
    """
    return find(f"signals.{kind}").make
