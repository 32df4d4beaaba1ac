"""What can be turned while a system runs: knobs and numbers of its signals, attributes of its sources."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final, Literal

from headrace.core.knob import Knob
from headrace.errors import StreamConfigError

LARGEST: Final = 1e300
WHOLE: Final = 2**53  # up to which a float has every whole number


@dataclass(frozen=True)
class Control:
    """One number that can be turned.

    Attributes
    ----------
    path : str
        ``"node.parameter"``, ``"node.parameter[0]"`` in a pair, ``"source.attribute"``.
    kind : str
        ``"knob"`` of a signal, ``"source"``, or ``"parameter"`` of a signal: these are set between two blocks.
    value : float or int or bool
        What it is now.
    low, high : float
        The ends of its slider.
    """

    path: str
    kind: Literal["knob", "source", "parameter"]
    value: Any
    low: float
    high: float

    def told(self) -> dict[str, Any]:
        """Return what the page is told of it, as JSON values."""
        switch = isinstance(self.value, bool)
        # Sources and knobs that begin with 2 may well go on with 2.5; an order of a filter may not.
        whole = isinstance(self.value, int) and self.kind == "parameter"
        return {
            "path": self.path, "kind": self.kind, "value": self.value, "low": self.low, "high": self.high,
            "whole": whole and not switch, "switch": switch,
        }  # fmt: skip


def controls(system: Any, ranges: Mapping[str, tuple[float, float]] | None = None) -> list[Control]:
    """Return what can be turned in a system, knobs first.

    Parameters
    ----------
    system
        A :class:`headrace.live.System`.
    ranges
        The ends of sliders by path; by default from 0 to twice what the value is, or from -1 to 1.

    Examples
    --------
    >>> from headrace.live import Sampler, System
    >>> from headrace.sources import SineWave
    >>> import headrace.signals as s
    >>> graph = [s.Scale("x", name="y", scale_factor=Knob(2.0))]
    >>> system = System(Sampler({"x": SineWave(frequency=3.0)}, sample_rate=10), graph)
    >>> [(each.path, each.kind, each.value) for each in controls(system)]
    [('y.scale_factor', 'knob', 2.0), ('x.amplitude', 'source', 1.0), ('x.frequency', 'source', 3.0), ('x.phase', 'source', 0.0)]
    """
    ranges = ranges or {}
    knobs: list[Control] = []
    numbers: list[Control] = []
    for path, holder, value in _settings(system):
        kind: Any = "knob" if isinstance(holder, Knob) else "parameter"
        (knobs if kind == "knob" else numbers).append(Control(path, kind, value, *_range(path, value, ranges)))
    attributes = [
        Control(f"{name}.{each}", "source", value, *_range(f"{name}.{each}", value, ranges))
        for name, source in _sources(system).items()
        for each, value in _attributes(source).items()
    ]
    return [*knobs, *attributes, *numbers]


def turn(system: Any, path: str, value: Any) -> None:
    """Turn one of the controls, from any thread.

    Raises
    ------
    StreamConfigError
        When there is no such control, or its owner cannot use the value; everything stays as it is.
    """
    found = next((each for each in controls(system) if each.path == path), None)
    if found is None:
        raise StreamConfigError(
            f"turn({path!r}): there is no such control, wanted one of {[each.path for each in controls(system)]}.\n"
            "  A signal may have been removed: load the page again."
        )
    given = _like(found, value)
    if found.kind == "source":
        name, _, attribute = path.rpartition(".")
        setattr(_sources(system)[name], attribute, given)
        return
    bare, at = _at(path)
    holder = _holder(system, bare)
    whole = holder.value if isinstance(holder, Knob) else holder
    if at is not None:
        given = type(whole)([*whole[:at], given, *whole[at + 1 :]])
    if isinstance(holder, Knob):
        system.graph.set_params(**{bare: given})  # raises where a signal could not use it
        holder.set(given)
    else:
        system.set(bare, given)


def check_ranges(system: Any, ranges: Mapping[str, tuple[float, float]]) -> None:
    """Refuse the ends of sliders that there are not.

    Raises
    ------
    StreamConfigError
        When a name is that of no control.
    """
    there = [each.path for each in controls(system)]
    for path in ranges:
        if path not in there:
            near = get_close_matches(path, there, 3)
            raise StreamConfigError(
                f"Page got a range of {path!r}, which is no number that can be turned, wanted one of {there}.\n"
                + (f"  Did you mean {' or '.join(map(repr, near))}?" if near else "  Leave it out.")
            )


def _settings(system: Any) -> list[tuple[str, Any, Any]]:
    """Every number among the parameters of the signals: its path, the knob or value that it is in, itself."""
    found = []
    for node in system.graph.nodes:
        for name, holder in node.settings.items():
            value = holder.value if isinstance(holder, Knob) else holder
            path = f"{node.name}.{name}"
            if _is_number(value):
                found.append((path, holder, value))
            elif type(value) in (tuple, list) and 0 < len(value) <= 4 and all(map(_is_number, value)):
                found += [(f"{path}[{k}]", holder, each) for k, each in enumerate(value)]
    return found


def _holder(system: Any, path: str) -> Any:
    node, _, name = path.rpartition(".")
    return next(each for each in system.graph.nodes if each.name == node).settings[name]


def _at(path: str) -> tuple[str, int | None]:
    bare, bracket, rest = path.partition("[")
    return (bare, int(rest[:-1])) if bracket and path.endswith("]") else (path, None)


def _sources(system: Any) -> dict[str, Any]:
    """Return what is asked for values, by name; none where they are asked in another process."""
    return dict(_below(system.source))


def _below(device: Any) -> Iterator[tuple[str, Any]]:
    found = getattr(device, "sources", None)
    if isinstance(found, Mapping) and not getattr(device, "process", False):
        yield from ((str(name), source) for name, source in found.items() if not isinstance(source, type))
    if getattr(device, "leader", None) is not None:  # of a merge
        yield from _below(device.leader)
        followers = getattr(device, "followers", None)
        for name, each in followers.items() if isinstance(followers, Mapping) else ():
            yield from _below(getattr(each, "device", None))
            if hasattr(each, "function"):
                yield str(name), each.function


def _attributes(source: Any) -> dict[str, Any]:
    there = getattr(source, "__dict__", {})
    return {name: value for name, value in there.items() if not name.startswith("_") and _is_number(value)}


def _is_number(value: Any) -> bool:
    """Whether a browser has that number, too: a float, with room for a slider twice as long."""
    if type(value) is float:
        return math.isfinite(value) and abs(value) < LARGEST
    return type(value) is bool or (type(value) is int and abs(value) <= WHOLE)


def _range(path: str, value: Any, ranges: Mapping[str, tuple[float, float]]) -> tuple[float, float]:
    if path in ranges:
        low, high = ranges[path]
        return min(low, value), max(high, value)
    if value == 0:
        return -1.0, 1.0
    return (0.0, 2.0 * value) if value > 0 else (2.0 * value, -2.0 * value)


def _like(control: Control, value: Any) -> Any:
    """Return a number as the control has them: a bool, a whole number, or a float."""
    if not _is_number(value):
        raise StreamConfigError(f"turn({control.path!r}) got {value!r}, wanted a finite number.")
    if isinstance(control.value, bool):
        return bool(value)
    if isinstance(control.value, int) and value == int(value):
        return int(value)  # what counts something; its owner says whether it may be anything else
    return float(value)
