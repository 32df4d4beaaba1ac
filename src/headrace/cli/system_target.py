"""Find the system, or the function, that ``module:attribute`` or ``file.py:attribute`` names."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from headrace.cli.target import find_object
from headrace.core.recipe import Recipe
from headrace.errors import HeadraceError, StreamConfigError

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from headrace.live.running.system import System

HELP = "module:attribute or file.py:attribute: a System or a device, or a function without parameters that returns one"


def system_argument(parser: ArgumentParser) -> None:
    """Add the argument that names a system."""
    parser.add_argument("system", metavar="SYSTEM", help=HELP)


def find_system(target: str) -> System:
    """Return the system that ``target`` names; one around a device, where it names that.

    Raises
    ------
    StreamConfigError
        When there is no such file, module or attribute, the module fails, or the attribute makes no system.
    """
    found = find_object(target, "system")
    made = found
    if isinstance(found, type) or (callable(found) and not isinstance(found, Recipe) and not _is_device(found)):
        _without_parameters(target, found)
        try:
            made = found()
        except HeadraceError:
            raise
        except Exception as error:
            raise StreamConfigError(f"{target}() failed: {type(error).__name__}: {error}") from error
    from headrace.live.running.system import System

    if isinstance(made, System):
        return made
    if not _is_device(made):
        there = f"returns a {type(made).__name__}" if made is not found else f"is a {type(made).__name__}"
        raise StreamConfigError(
            f"{target} {there}, wanted a System or a device.\n"
            "  For example: system = System(Sampler({'x': function}, sample_rate=100))"
        )
    return System(made)


def find_function(target: str) -> Any:
    """Return the function that ``target`` names.

    Raises
    ------
    StreamConfigError
        When there is none, or it is no function.
    """
    found = find_object(target, "function")
    if not callable(found):
        raise StreamConfigError(
            f"{target} is a {type(found).__name__}, wanted a function of a block.\n"
            "  For example: def look(block): print(block['x'].mean())"
        )
    return found


def _is_device(found: Any) -> bool:
    return not isinstance(found, type) and all(
        callable(getattr(found, each, None)) for each in ("start", "stop", "read")
    )


def _without_parameters(target: str, found: Any) -> None:
    try:
        parameters = inspect.signature(found).parameters.values()
    except (TypeError, ValueError):
        return
    wants = [p.name for p in parameters if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    if wants:
        raise StreamConfigError(
            f"{target} wants {', '.join(wants)}, and there is no one to give it.\n"
            "  Name a system, or a function without parameters that returns one."
        )
