"""What models say."""

from headrace.compat.genki_signals._functions import Inference

__all__ = ["Inference"]
