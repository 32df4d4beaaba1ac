"""What messages are made of: msgspec's Struct, with types that a type checker sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, dataclass_transform

if TYPE_CHECKING:

    @dataclass_transform()
    class Struct:
        """A class of typed fields that is decoded into nothing else."""

        def __init_subclass__(cls, **options: Any) -> None: ...

else:
    from msgspec import Struct

__all__ = ["Struct"]
