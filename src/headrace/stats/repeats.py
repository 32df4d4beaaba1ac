"""A function that is random, called until its mean is known well enough."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headrace.errors import StreamConfigError
from headrace.stats.bars import progbar
from headrace.stats.numbers import format_number_with_error
from headrace.stats.running import RunningStatistics


def estimate_from_repeats(
    fn: Callable[..., Any],
    *fn_args: Any,
    rtol: float = 0.02,
    tol_scale: float = 1.0,
    get: str = "stats",
    verbosity: int = 0,
    min_samples: int = 5,
    max_samples: int = 1_000_000,
    **fn_kwargs: Any,
) -> Any:
    """Call a function until the error of its mean is below ``rtol * (|mean| + tol_scale)``.

    Parameters
    ----------
    fn
        Returns a number, another one at each call.
    *fn_args, **fn_kwargs
        What it is called with.
    rtol, tol_scale
        How well the mean is to be known. ``tol_scale`` is what counts as small, should the mean be near zero.
    get
        What to return: ``"stats"``, a :class:`RunningStatistics`; ``"samples"``, a tuple of all numbers; ``"mean"``.
    verbosity
        1 shows a bar with the mean so far.
    min_samples, max_samples
        How many calls there are at least and at most.

    Notes
    -----
    Ctrl-C ends it early; what there is by then is returned.

    Raises
    ------
    StreamConfigError
        When ``get`` is none of these, before the first call.

    Examples
    --------
    >>> import random
    >>> draw = random.Random(7).gauss
    >>> stats = estimate_from_repeats(draw, 3.0, 1.0)
    >>> abs(stats.mean - 3) < 0.5, stats.err < 0.02 * (stats.mean + 1)
    (True, True)
    """
    if get not in ("stats", "samples", "mean"):
        raise StreamConfigError(
            f"estimate_from_repeats got get={get!r}, wanted 'stats', 'samples' or 'mean'.\n  By default it is 'stats'."
        )
    stats, samples = RunningStatistics(), []
    bar = progbar() if verbosity > 0 else None
    try:
        while stats.count < max_samples:
            x = fn(*fn_args, **fn_kwargs)
            stats.update(x)
            if get == "samples":
                samples.append(x)
            if bar is not None:
                bar.set_description(format_number_with_error(stats.mean, stats.err), refresh=verbosity > 1)
                bar.update()
            if stats.count >= min_samples and stats.converged(rtol, tol_scale * rtol):
                break
    except KeyboardInterrupt:
        pass  # the documented way to say: this will do
    finally:
        if bar is not None:
            bar.close()
    if get == "samples":
        return tuple(samples)
    return stats.mean if get == "mean" else stats
