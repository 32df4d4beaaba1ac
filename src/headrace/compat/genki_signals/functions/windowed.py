"""Functions of windows."""

from headrace.compat.genki_signals._functions import Delay, FourierTransform, WindowedInference

__all__ = ["Delay", "FourierTransform", "WindowedInference"]
