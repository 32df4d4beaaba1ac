"""Where the work runs: in this thread, or ahead of it in another, or on another machine.

A stream gives the same items wherever it runs. What decides which items there are belongs in the rooms below.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from headrace.parallel.background import background, prefetch
from headrace.parallel.measure import Measured, measure
from headrace.parallel.stats import Stats

if TYPE_CHECKING:  # loaded when first wanted: they need pyzmq
    from headrace.parallel.access import Keys
    from headrace.parallel.client import connect
    from headrace.parallel.dtypes import WireError
    from headrace.parallel.server import Server
    from headrace.parallel.sockets import serve
    from headrace.parallel.told import LinkError, RemoteError

_LATER = {
    "Keys": "access", "LinkError": "told", "RemoteError": "told", "Server": "server", "WireError": "dtypes",
    "connect": "client", "serve": "sockets",
}  # fmt: skip

__all__ = [
    "Keys", "LinkError", "Measured", "RemoteError", "Server", "Stats", "WireError", "background", "connect", "measure",
    "prefetch", "serve",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'headrace.parallel' has no attribute {name!r}")
    return getattr(import_module(f"headrace.parallel.{_LATER[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
