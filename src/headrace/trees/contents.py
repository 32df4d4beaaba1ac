"""What is in a store of parameters, by name.

A base class with one child, on purpose: to look at parameters is one idea, to change and to move them another, and both in
one class would be a file of more lines than is allowed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from headrace.trees.forms import shown_value
from headrace.trees.parameter import Parameter
from headrace.trees.written import ParameterNameError, own_name, unknown

_WIDTH = 80  # of a line of text


class Contents:
    """Parameters by name, to be looked at; moves nothing."""

    parameters: dict[str, Any]

    def named(self) -> Iterator[tuple[str, Parameter]]:
        """Yield (full name, parameter), those of scopes as ``scope.name``."""
        for name, found in self.parameters.items():
            if isinstance(found, dict):
                yield from ((f"{name}.{inside}", parameter) for inside, parameter in found.items())
            else:
                yield name, found

    def each(self) -> list[Parameter]:
        """Return all parameters, in the order of :meth:`named`."""
        every: list[Parameter] = []
        for found in self.parameters.values():
            every += found.values() if isinstance(found, dict) else (found,)
        return every

    @property
    def parameter_names(self) -> set[str]:
        """All full names."""
        return {name for name, _ in self.named()}

    @property
    def scopes(self) -> set[str]:
        """Names of the scopes."""
        return {name for name, found in self.parameters.items() if isinstance(found, dict)}

    def __getitem__(self, name: str) -> Parameter:
        """Return the parameter with a full name.

        Raises
        ------
        KeyError
            When there is none: a :class:`headrace.errors.HeadraceError` too, which names one that is called much alike.
        """
        found = self._found(name)
        if found is None:
            got = f"ParameterStore[{name!r}] got a name that no parameter has"
            raise ParameterNameError(unknown(got, name, list(self), self.scopes))
        return found

    def __contains__(self, name: object) -> bool:
        """Tell whether there is a parameter with that full name."""
        return isinstance(name, str) and self._found(name) is not None

    def __iter__(self) -> Iterator[str]:
        """Yield the full names of all parameters, those of scopes as ``scope.name``."""
        return (name for name, _ in self.named())

    def _found(self, name: Any) -> Parameter | None:
        scope, dot, inside = str(name).partition(".")
        found = self.parameters.get(scope)
        if dot:
            found = found.get(inside) if isinstance(found, dict) else None
        return found if isinstance(found, Parameter) else None

    def get_params(self) -> dict[str, Any]:
        """Return the values now by full name, in the order of the names."""
        return {name: parameter.value for name, parameter in sorted(self.named(), key=lambda pair: pair[0])}

    # --- printing -------------------------------------------------------------------------------

    def __str__(self) -> str:
        values = self.get_params()
        line = repr(values)
        if len(line) <= _WIDTH:
            return line
        return "{\n" + ",\n".join(f"    {name!r}: {value!r}" for name, value in values.items()) + "\n}"

    def __repr__(self) -> str:
        named = sorted(self.named(), key=lambda pair: pair[0])
        return f"({', '.join(f'{own_name(name)}={shown_value(p.value)}' for name, p in named)})"
