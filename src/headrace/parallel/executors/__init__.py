"""Who makes the calls of a sweep: this thread, threads, processes of our own, or any executor that is handed over.

What lives here knows functions, calls and what came of them. What the calls are for belongs in ``sweeps``; streams
that run elsewhere are the business of ``headrace.parallel.background``.
"""

from headrace.parallel.executors.crew import Engine
from headrace.parallel.executors.gather import outcomes
from headrace.parallel.executors.on_ray import RayExecutor, RayGPUExecutor
from headrace.parallel.executors.outcome import Outcome
from headrace.parallel.executors.pool import shutdown
from headrace.parallel.executors.resolve import resolve

__all__ = ["Engine", "Outcome", "RayExecutor", "RayGPUExecutor", "outcomes", "resolve", "shutdown"]
