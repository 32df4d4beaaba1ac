"""Running functions: what is called, how it is called, and what keeps the results."""

from headrace.compat.xyzpy.gen import case_runner, combo_runner, cropping, farming, prepare

__all__ = ["case_runner", "combo_runner", "cropping", "farming", "prepare"]
