"""Frozen descriptions: what every stream is underneath.

A recipe is a frozen dataclass of plain parameters and of other recipes. Whatever starts with an underscore is a cache
or a count that no item depends on: it stays out of pickles, comparisons and fingerprints.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from itertools import chain
from typing import Any, ClassVar, TypeVar, cast, dataclass_transform

from headrace.core.items import same

C = TypeVar("C", bound=type)


@dataclass_transform(frozen_default=True, eq_default=False)
def recipe(cls: C) -> C:
    """Make a class a frozen dataclass that compares and prints as a description."""
    return cast(C, dataclass(frozen=True, eq=False, repr=False)(cls))


class Recipe:
    """A frozen node of a description tree.

    Attributes
    ----------
    tuning : tuple of str
        Names of parameters that change no item, such as where the work runs: left out of fingerprints, so that a state
        saved with one setting goes on with another.
    valued : bool
        Whether it counts as a parameter of the recipe that holds it, and not as a node below that: a graph of signals.
    keyed : bool
        Whether what it calls is handed a key in place of ``rng``, and so is exact, too.
    """

    tuning: ClassVar[tuple[str, ...]] = ()
    valued: ClassVar[bool] = False
    keyed: ClassVar[bool] = False

    def params(self) -> dict[str, Any]:
        """Return what the constructor was asked for, by name, children included."""
        return {name: getattr(self, name) for name in _names(type(self))}

    @property
    def children(self) -> tuple[Any, ...]:
        """The recipes directly inside this one, in order."""
        values = self.__dict__
        found: tuple[Any, ...] = ()
        for name in _names(type(self)):
            found += _recipes_in(values.get(name))
        return found

    @classmethod
    def from_params(cls, params: dict[str, Any]) -> Any:
        """Return the recipe that :meth:`params` describes."""
        return cls(**params)

    def fix(self, **values: Any) -> None:
        """Set fields to their normal form; for ``__post_init__`` alone."""
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def with_(self, **values: Any) -> Any:
        """Return a copy with some fields changed, without running the constructor again."""
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__getstate__())
        twin.fix(**values)
        return twin

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if not name.startswith("_")}

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if type(self) is not type(other):
            return False
        mine, theirs = self.__getstate__(), other.__getstate__()
        return mine.keys() == theirs.keys() and all(same(value, theirs[name]) for name, value in mine.items())

    def __hash__(self) -> int:
        from headrace.core.fingerprint import fingerprint  # which knows recipes, and few recipes are hashed

        return hash((type(self).__qualname__, fingerprint(self)))


_fields_of: dict[Any, tuple[str, ...]] = {}


def _names(kind: Any) -> tuple[str, ...]:
    """Return the fields of a class; asked for by every walk over a composition."""
    known = _fields_of.get(kind)
    if known is None:
        known = _fields_of[kind] = tuple(f.name for f in fields(kind)) if is_dataclass(kind) else ()
    return known


def _recipes_in(value: Any) -> tuple[Recipe, ...]:
    if isinstance(value, Recipe):
        return () if value.valued else (value,)
    if isinstance(value, tuple | list):
        return tuple(item for item in value if isinstance(item, Recipe) and not item.valued)
    return ()


def children_of(recipes: Sequence[Any]) -> tuple[list[Any], list[int]]:
    """Return the children of some recipes in a row, and how many each has: of many alike field by field, and quicker."""
    kind = type(recipes[0])
    if kind.children is Recipe.children and len(set(map(type, recipes))) == 1:
        columns = [[getattr(recipe, name, None) for recipe in recipes] for name in _names(kind)]
        inside = [column for column in columns if any(issubclass(each, _HOLDERS) for each in set(map(type, column)))]
        if not inside:
            return [], [0] * len(recipes)
        if len(inside) == 1 and all(issubclass(each, Recipe) for each in set(map(type, inside[0]))):
            return inside[0], [1] * len(recipes)
    found = [recipe.children for recipe in recipes]
    return list(chain.from_iterable(found)), list(map(len, found))


_HOLDERS = (Recipe, tuple, list)
