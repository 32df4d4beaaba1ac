"""A page in the browser: what a running system says, as it says it, and the knobs to turn meanwhile.

What belongs here serves one page from this machine to a browser on it, and reads the system as any other consumer does.
It computes no signals; what is kept is kept by recorders. Needs the extra ``live``, imported when a page is started.
"""

from headrace.plot.page.server import Page

__all__ = ["Page"]
