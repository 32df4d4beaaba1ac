"""What a sampler is."""

from collections.abc import Iterator
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Sampler(Protocol):
    """What can be sampled, collected from, updated and iterated over.

    Examples
    --------
    >>> from headrace.compat.streamgen.samplers import Sampler
    >>> from headrace.compat.streamgen.samplers.tree import SamplingTree
    >>> isinstance(SamplingTree([abs]), Sampler), isinstance([], Sampler)
    (True, False)
    """

    def sample(self) -> Any:
        """Return the next sample."""
        ...

    def collect(self, num_samples: int) -> Any:
        """Return the next samples."""
        ...

    def update(self) -> None:
        """Move the parameters one step on."""
        ...

    def __iter__(self) -> Iterator[Any]: ...

    def __next__(self) -> Any: ...
