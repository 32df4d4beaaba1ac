"""Where the work runs: in this thread, or ahead of it in another.

A stream gives the same items wherever it runs. What decides which items there are belongs in the rooms below.
"""

from headrace.parallel.background import background, prefetch

__all__ = ["background", "prefetch"]
