"""Know a description again: a digest of its structure and parameters, and which node differs when it does not match."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from headrace.core.key import Key
from headrace.core.notes import warn
from headrace.core.plain import code_of, digest, functions_in, plain
from headrace.core.recipe import Recipe, children_of
from headrace.core.registry import name_of
from headrace.errors import StateMismatchError

_PARTS = {"of", "code", "key", "at"}
_MANY = 4  # members of a node beyond which a state names them together,
_SOME = 16  # and by so many of them: a state is saved and taken back without reading a thousand members


def fingerprint(recipe: Recipe) -> str:
    """Return the digest of a recipe and everything below it; computed once and kept on the recipe."""
    known = recipe.__dict__.get("_fingerprint")
    if known is None:
        inside = [fingerprint(child) for child in recipe.children]
        known = digest(json.dumps([own(recipe), inside]))
        recipe.fix(_fingerprint=known)
    return str(known)


def own(recipe: Recipe) -> Any:
    """Return a node's own part of its description, children left out."""
    params = {
        name: plain(_without_children(value)) for name, value in recipe.params().items() if name not in recipe.tuning
    }
    seed = getattr(recipe, "seed", None)
    divided = getattr(recipe, "divided", "")
    return [
        name_of(type(recipe)),
        params,
        *([seed] if seed is not None else []),
        *([{"divided": divided}] if divided else []),
    ]


def _without_children(value: Any) -> Any:
    if isinstance(value, Recipe):
        return None
    if isinstance(value, tuple | list):
        if len(value) > _MANY and all(isinstance(part, Recipe) for part in value):
            return {"recipes": len(value)}
        return [None if isinstance(part, Recipe) else part for part in value]
    return value


def outline(recipe: Recipe) -> dict[str, str]:
    """Return {path: digest of the node itself} for a description; more than a few members count as one entry.

    Of more than 16 members that entry knows what nodes all consist of and how many they are, and all parameters of 16.

    A part of a stream whose items have numbers counts as the whole: their states are places in it.
    """
    recipe = getattr(recipe, "stamped", recipe)
    known: dict[str, str] | None = recipe.__dict__.get("_outline")
    if known is None:
        known = {}
        _outline(recipe, name_of(type(recipe)), known)
        recipe.fix(_outline=known)
    return known


def _outline(recipe: Recipe, path: str, found: dict[str, str]) -> None:
    for where, node in _nodes(recipe, path):
        found[where] = digest(json.dumps(own(node)))[:8]
        if len(node.children) > _MANY:
            told = [_kinds(node.children), *map(fingerprint, _some(node.children))]
            found[f"{where}[...]"] = digest("".join(told))[:8]


def _nodes(recipe: Recipe, path: str) -> Iterator[tuple[str, Recipe]]:
    """Yield (path, node) for a description, except below many members."""
    yield path, recipe
    children = recipe.children
    if len(children) <= _MANY:
        for i, child in enumerate(children):
            label = f"[{i}]" if len(children) > 1 else ""
            yield from _nodes(child, f"{path}{label}/{name_of(type(child))}")


def _kinds(recipes: Sequence[Any]) -> str:
    """Return what nodes some recipes consist of, and their seeds, level by level: cheap to tell of a thousand alike."""
    told: list[Any] = []
    while recipes:
        kinds = _once(list(map(type, recipes)))
        below, counts = children_of(recipes)
        seeds = [getattr(recipe, "seed", None) for recipe in recipes]
        told += [*map(name_of, kinds), len(recipes), _once(seeds), _once(counts)]
        recipes = below
    return json.dumps(told)


def _once(values: list[Any]) -> list[Any]:
    """Return all values, only the first where all are the same."""
    return values[:1] if values.count(values[0]) == len(values) else values


def _some(children: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return all of a few members, and of many those at equal steps, as of a large array some numbers."""
    return children if len(children) <= _SOME else children[:: -(-len(children) // _SOME)]


def code_digest(recipe: Recipe) -> str:
    """Return the digest of the code of the functions below a recipe, of many members of those that a state names."""
    recipe = getattr(recipe, "stamped", recipe)
    known = recipe.__dict__.get("_code")
    if known is None:
        functions = [f for value in recipe.params().values() for f in functions_in(_without_children(value))]
        parts = [*map(code_of, functions), *(code_digest(child).encode() for child in _some(recipe.children))]
        known = digest(b"#".join(parts))[:8]
        recipe.fix(_code=known)
    return str(known)


def stamp(recipe: Recipe) -> dict[str, Any]:
    """Return what a state carries of its description."""
    return {"of": outline(recipe), "code": code_digest(recipe)}


def check(recipe: Recipe, state: Any, key: Key) -> None:
    """Raise unless ``state`` was saved by a run of this description with this key; warn when code has changed since.

    Raises
    ------
    StateMismatchError
        Naming the first node that differs.
    """
    if not isinstance(state, dict) or state.get("headrace") != 1 or not state.keys() >= _PARTS:
        raise StateMismatchError(f"restore got {_short(state)}, wanted what cursor.state() returned.")
    if not isinstance(state["of"], dict):
        raise StateMismatchError(f"restore got a state with of={_short(state['of'])}, wanted what state() returned.")
    if state["of"] != outline(recipe):
        raise StateMismatchError(_difference(state["of"], recipe))
    if state["key"] != key.plain():
        raise StateMismatchError(
            "the state was saved by a run with another key.\n"
            "  Open the stream without key= to go on with the saved one, or with the key of that run."
        )
    if state["code"] != code_digest(recipe):
        warn(
            f"the code of a function in {name_of(type(recipe))} has changed since this state was saved: items from "
            "here on come from the new code."
        )


def _difference(saved: dict[str, str], recipe: Recipe) -> str:
    recipe = getattr(recipe, "stamped", recipe)
    offered = outline(recipe)
    for path, mine in offered.items():
        theirs = saved.get(path)
        if theirs is None:
            return f"the state is of another composition: it has no node {path}.\n  It has {', '.join(saved)}."
        if theirs != mine:
            what = "one of its members" if path.endswith("[...]") else "its parameters"
            here = "" if path.endswith("[...]") else _parameters(recipe, path)
            return f"the state is of another description: {path} differs in {what}{here}.\n  Open the stream as it was saved."
    missing = next(path for path in saved if path not in offered)
    return f"the state is of another composition: the stream has no node {missing}."


def _parameters(recipe: Recipe, path: str) -> str:
    """Return, for an error, what the node at a path of the outline has here for those of its parameters that count."""
    node = next(node for found, node in _nodes(recipe, name_of(type(recipe))) if found == path)
    told = {name: value for name, value in own(node)[1].items() if value is not None}
    shown = ", ".join(f"{name}={_short(value)}" for name, value in told.items())
    return f"; here it has {shown}" if shown else ""


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 80 else text[:77] + "..."
