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
_TOLD = 12  # parts of a node that a state tells by name,
_LETTERS = 24  # and letters of each: a state stays small


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
        return value if value.valued else None
    if isinstance(value, tuple | list):
        if len(value) > _MANY and all(isinstance(part, Recipe) and not part.valued for part in value):
            return {"recipes": len(value)}
        return [None if isinstance(part, Recipe) and not part.valued else part for part in value]
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
    told = _told(recipe)
    return {"of": outline(recipe), "code": code_digest(recipe), **({"told": told} if told else {})}


def _told(recipe: Recipe) -> dict[str, dict[str, str]]:
    """Return, for nodes with a parameter that tells its parts by name, what they are: by path, then by name, as texts.

    A state carries it beside the digests, which say that something differs and not what. Others have few parameters, and
    their names are enough.
    """
    recipe = getattr(recipe, "stamped", recipe)
    found: dict[str, dict[str, str]] = {}
    for path, node in _nodes(recipe, name_of(type(recipe))):
        params = node.params()
        parts = [part for value in params.values() if hasattr(value, "__told__") for part in value.__told__().items()]
        if parts:
            first = [("seed", getattr(node, "seed", None)), *((name, params[name]) for name in node.tuning)]
            some = [*((name, value) for name, value in first if value is not None), *parts][:_TOLD]
            found[path] = {name: _part(value) for name, value in some}
    return found


def _part(value: Any) -> str:
    """Return a value as a short text, the same in every process, and another for other values."""
    known = plain(value)
    text = json.dumps(known)
    if isinstance(known, dict) and "array" in known:
        return f"array {known['shape']}"[: _LETTERS - 5] + f"#{digest(text)[:4]}"
    whole = repr(value) if isinstance(value, Recipe) else value if isinstance(value, str) else text
    return whole if len(whole) <= _LETTERS else f"{whole[: _LETTERS - 8]}..#{digest(text)[:4]}"


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
        told = state.get("told")
        raise StateMismatchError(_difference(state["of"], told if isinstance(told, dict) else {}, recipe))
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


def _difference(saved: dict[str, str], told: dict[str, Any], recipe: Recipe) -> str:
    recipe = getattr(recipe, "stamped", recipe)
    offered = outline(recipe)
    for path, mine in offered.items():
        theirs = saved.get(path)
        if theirs is None:
            return f"the state is of another composition: it has no node {path}.\n  It has {', '.join(saved)}."
        if theirs != mine:
            apart = _apart(told.get(path), _told(recipe).get(path))
            if apart:
                return f"the state is of another description: {path} differs in {apart}.\n  Open the stream as it was saved."
            what = "one of its members" if path.endswith("[...]") else "its parameters"
            here = "" if path.endswith("[...]") else _parameters(recipe, path)
            return f"the state is of another description: {path} differs in {what}{here}.\n  Open the stream as it was saved."
    missing = next(path for path in saved if path not in offered)
    return f"the state is of another composition: the stream has no node {missing}."


def _apart(saved: Any, here: dict[str, str] | None) -> str:
    """Return what differs between what two nodes tell of themselves; nothing where that is not known."""
    if not isinstance(saved, dict) or here is None:
        return ""
    names = [name for name in {**here, **saved} if saved.get(name) != here.get(name)]
    each = [f"{name}: {saved.get(name, 'none')} in the state, {here.get(name, 'none')} here" for name in names[:_MANY]]
    more = [f"{len(names) - _MANY} more"] if len(names) > _MANY else []
    return "; ".join(each + more)


def _parameters(recipe: Recipe, path: str) -> str:
    """Return, for an error, what the node at a path of the outline has here for those of its parameters that count."""
    node = next(node for found, node in _nodes(recipe, name_of(type(recipe))) if found == path)
    given = node.params()
    told = {
        name: given[name] if hasattr(given[name], "__told__") else value  # as it prints: in full it is long
        for name, value in own(node)[1].items()
        if value is not None
    }
    shown = ", ".join(f"{name}={_short(value)}" for name, value in told.items())
    return f"; here it has {shown}" if shown else ""


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 80 else text[:77] + "..."
