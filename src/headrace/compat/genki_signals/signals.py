"""The names that the documented notebook imports its derived signals from."""

from headrace.compat.genki_signals.functions import *  # noqa: F403  # the very same names
from headrace.compat.genki_signals.functions import __all__ as __all__
