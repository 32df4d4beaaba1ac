"""Labels as numbers and back, and functions of one part of a sample."""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping, Sequence
from functools import wraps
from typing import Any, TypeVar

import numpy as np

from headrace.errors import DataError, StreamConfigError

F = TypeVar("F", bound=Callable[..., Any])


class _Classes:
    """What encoders and decoders share: the classes, in an order."""

    classes: list[Any]
    __name__: str

    def __init__(self, classes: Sequence[Any]) -> None:
        self.classes = list(classes)
        self.__name__ = type(self).__name__
        self._number = {name: k for k, name in enumerate(self.classes)}
        if len(self._number) != len(self.classes) or not self.classes:
            raise StreamConfigError(
                f"{self.__name__} got the classes {self.classes}, wanted different ones, at least one.\n"
                "  Their order is that of their numbers."
            )

    def number_of(self, name: Any) -> int:
        """Return the number of a class.

        Raises
        ------
        DataError
            When there is no such class.
        """
        try:
            return self._number[name]
        except (KeyError, TypeError):
            raise DataError(
                f"{self.__name__} got the label {name!r}, wanted one of {self.classes}.\n"
                f"  Name every label in {self.__name__}([...])."
            ) from None

    def __repr__(self) -> str:
        return f"{self.__name__}({self.classes})"


class LabelEncoder(_Classes):
    """Gives the number of a class, an int64 array of shape ().

    Parameters
    ----------
    classes
        The classes, in the order of their numbers; each once.

    Raises
    ------
    StreamConfigError
        Without classes, or with one twice.
    DataError
        When called with a label that is no class.

    Examples
    --------
    >>> from headrace.trees import LabelEncoder
    >>> LabelEncoder(["cat", "dog"])("dog")
    array(1)
    """

    def __call__(self, label: Any) -> np.ndarray[Any, np.dtype[np.int64]]:
        return np.array(self.number_of(label), np.int64)


class ClassNumberError(DataError, IndexError):
    """A number that no class has."""


class LabelDecoder(_Classes):
    """Gives the class of a number.

    Parameters
    ----------
    classes
        The classes, in the order of their numbers; each once.

    Raises
    ------
    StreamConfigError
        Without classes, or with one twice.
    DataError
        When called with what is no number of a class; also an IndexError.

    Examples
    --------
    >>> from headrace.trees import LabelDecoder
    >>> LabelDecoder(["cat", "dog"])(1)
    'dog'
    """

    def __call__(self, number: Any) -> Any:
        try:
            place = number.item() if isinstance(number, np.ndarray) else number
            found = int(place)
            if isinstance(place, bool | np.bool_) or found != place or not 0 <= found < len(self.classes):
                raise ValueError  # -1 would be the last class, and 1.9 the second: a fault that no one sees
        except (TypeError, ValueError, OverflowError):
            raise ClassNumberError(
                f"{self.__name__} got the number {number!r}, wanted that of a class, from 0 to {len(self.classes) - 1}.\n"
                "  Give the index of the highest score, as np.argmax(scores) does."
            ) from None
        return self.classes[found]


class MultiLabelEncoder(_Classes):
    """Gives a float32 array of shape (classes,) that is 1 for the classes of a set or list, 0 else.

    Parameters
    ----------
    classes
        The classes, in the order of their numbers; each once.

    Raises
    ------
    StreamConfigError
        Without classes, or with one twice.
    DataError
        When called with a label that is no class.

    Examples
    --------
    >>> from headrace.trees import MultiLabelEncoder
    >>> MultiLabelEncoder(["scratch", "dot", "ring"])({"ring", "dot"}).tolist()
    [0.0, 1.0, 1.0]
    """

    def __call__(self, labels: Iterable[Any]) -> np.ndarray[Any, np.dtype[np.float32]]:
        made = np.zeros(len(self.classes), np.float32)
        for label in labels:
            made[self.number_of(label)] = 1
        return made


class MultiLabelDecoder(_Classes):
    """Gives the classes for which a vector is not 0, as a list.

    Parameters
    ----------
    classes
        The classes, in the order of their numbers; each once.

    Raises
    ------
    StreamConfigError
        Without classes, or with one twice.
    ValueError
        When called with a vector of another length.

    Examples
    --------
    >>> from headrace.trees import MultiLabelDecoder
    >>> MultiLabelDecoder(["scratch", "dot", "ring"])([0, 1, 1])
    ['dot', 'ring']
    """

    def __call__(self, vector: Any) -> list[Any]:
        return [name for name, there in zip(self.classes, vector, strict=True) if there]


def add_label(input: tuple[Any, Any], label: Any) -> tuple[Any, frozenset[Any]]:
    """Return a value with one label more: ``label_func`` of nodes that gather a set of labels.

    Examples
    --------
    >>> add_label((1.5, frozenset()), "dot")
    (1.5, frozenset({'dot'}))
    """
    value, labels = input
    return value, frozenset(labels) | {label}


def noop(input: Any, *_: Any, **__: Any) -> Any:
    """Return what it is given.

    Examples
    --------
    >>> noop(1.5)
    1.5
    """
    return input


def set_value_in_dict(dictionary: MutableMapping[str, Any], value: Any, key: str) -> MutableMapping[str, Any]:
    """Set one entry of a dict, and return that dict.

    Examples
    --------
    >>> set_value_in_dict({"a": 1}, 2, "b")
    {'a': 1, 'b': 2}
    """
    dictionary[key] = value
    return dictionary


def operate_on_key(key: str = "input") -> Callable[[F], F]:
    """Return a decorator: the function changes one entry of a dict, in place.

    Examples
    --------
    >>> @operate_on_key("X")
    ... def double(x):
    ...     return 2 * x
    >>> double({"X": 2, "y": "two"})
    {'X': 4, 'y': 'two'}
    """

    def decorator(function: F) -> F:
        @wraps(function)
        def on_key(sample: Any, *args: Any, **kwargs: Any) -> Any:
            sample[key] = function(sample[key], *args, **kwargs)
            return sample

        return on_key  # type: ignore[return-value]  # it is called as the function is, with a dict

    return decorator


def operate_on_index(idx: int = 0) -> Callable[[F], F]:
    """Return a decorator: the function changes one part of a tuple, a named tuple, a list or an array.

    What comes back is new, of the same kind.

    Examples
    --------
    >>> @operate_on_index(0)
    ... def double(x):
    ...     return 2 * x
    >>> double((2, "two"))
    (4, 'two')
    """

    def decorator(function: F) -> F:
        @wraps(function)
        def on_index(sample: Any, *args: Any, **kwargs: Any) -> Any:
            made = function(sample[idx], *args, **kwargs)
            if isinstance(sample, np.ndarray):
                changed = sample.copy()
                changed[idx] = made
                return changed
            parts = list(sample)
            parts[idx] = made
            return type(sample)(*parts) if hasattr(sample, "_fields") else type(sample)(parts)

        return on_index  # type: ignore[return-value]  # it is called as the function is, with a sequence

    return decorator
