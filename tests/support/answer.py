"""What `headrace.testing.elsewhere` runs in a new interpreter, as a script: see `support.forked`."""

import pickle
import sys

sys.path[:] = pickle.load(sys.stdin.buffer)

from headrace.testing.elsewhere import answer  # noqa: E402  # which is found by what was just read

answer()
