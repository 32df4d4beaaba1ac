"""Parameters: values with a schedule."""

from headrace.compat.streamgen.parameter import store
from headrace.errors import ParameterOutOfRangeError
from headrace.trees.forms import ParameterDict, ParameterOutOfRangeStrategy, ScopedParameterDict, is_parameter
from headrace.trees.parameter import Parameter
from headrace.trees.store import ParameterStore

__all__ = [
    "Parameter",
    "ParameterDict",
    "ParameterOutOfRangeError",
    "ParameterOutOfRangeStrategy",
    "ParameterStore",
    "ScopedParameterDict",
    "is_parameter",
    "store",
]
