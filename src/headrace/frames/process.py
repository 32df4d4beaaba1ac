"""Frames that a model makes of frames: any callable, or a torch module, block by block."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import nullcontext
from itertools import islice
from typing import Any, Literal, get_args
from weakref import WeakKeyDictionary

import numpy as np

from headrace.core.coerce import as_stream
from headrace.core.cursor import Cursor
from headrace.core.indexed import Bound, Indexed, Places
from headrace.core.items import stack
from headrace.core.key import Key
from headrace.core.plain import where_is
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.core.stream import Resume, Stream
from headrace.errors import DataError, StreamConfigError
from headrace.frames.base import FrameStream, OnEnd
from headrace.frames.generate import Noise
from headrace.frames.layout import Array, Layout, arranged, framed
from headrace.ops.base import END, OpCursor

Memory = Literal["own", "none"]  # whether a model remembers frames
_CLEARS = ("clear_state", "reset_state", "reset")  # what begins a model anew; whoever has one remembers
_IN_USE: WeakKeyDictionary[Any, int] = WeakKeyDictionary()  # the run that a model's memory belongs to


class ProcessingStream(FrameStream):
    """The frames that a model makes of another stream's: ``post(model(pre(block)))``, with as many frames as the block.

    Parameters
    ----------
    input_stream
        A stream of frames. Its recipe is taken as it is now, from frame 0; it is not moved.
    model
        A function of a block, or a torch module, which is handed ``[batch, channel, time, row, col]`` as a float32
        tensor on its own device, without gradients.
    pre, post
        Functions of a block, before and after the model.
    stateless
        Whether a frame depends on no frame before it. By default, whether the model has no ``clear_state``,
        ``reset_state`` or ``reset``. Frames of a stateless model have numbers where those of its input have; a model
        that remembers is run from frame 0 on, and begins anew with every pass.
    layout
        Of the blocks that come out; by default that of the input, ``"5d"`` for a torch module.
    on_end
        As for :class:`FrameStream`.

    Raises
    ------
    StreamConfigError
        When ``model``, ``pre`` or ``post`` cannot be called.
    DataError
        While running: when another number of frames comes out, or two passes share a model that remembers.

    Examples
    --------
    >>> import numpy as np
    >>> from headrace.frames import ProcessingStream, RandomStream
    >>> class Trace:  # a leaky sum over time
    ...     def clear_state(self):
    ...         self.sum = 0.0
    ...
    ...     def __call__(self, block):
    ...         made = np.empty_like(block)
    ...         for k, frame in enumerate(block):
    ...             made[k] = self.sum = 0.9 * self.sum + frame
    ...         return made
    >>> noise = RandomStream((4, 5), seed=7)
    >>> one, two = ProcessingStream(noise, Trace()), ProcessingStream(noise, Trace())
    >>> bool((np.concatenate([one.get(3), one.get(7)]) == two.get(10)).all())
    True
    """

    def __init__(
        self,
        input_stream: Any,
        model: Callable[[Any], Any],
        pre: Callable[[Any], Any] | None = None,
        post: Callable[[Any], Any] | None = None,
        *,
        stateless: bool | None = None,
        layout: Layout | None = None,
        on_end: OnEnd = "short",
    ) -> None:
        memory: Memory | None = None if stateless is None else "none" if stateless else "own"
        made: Processed = Processed(
            as_stream(input_stream), model, pre, post, memory, getattr(input_stream, "layout", None)
        )
        super().__init__(
            made,
            pixel_per_degree=getattr(input_stream, "pixel_per_degree", 10),
            t_zero=getattr(input_stream, "t_zero", 0.0),
            dt=getattr(input_stream, "dt", 0.001),
            layout="5d" if layout is None and (_is_module(model) or made.layout == "5d") else layout,
            on_end=on_end,
        )

    def reset(self) -> None:
        """Go back to frame 0, and clear the model's memory."""
        super().reset()
        _clear(self._source.called)  # type: ignore[attr-defined]  # a Processed


class Model:
    """A model in a recipe: what it remembers changes as it runs, and is no part of the description.

    Examples
    --------
    >>> Model(np.negative)
    Model(ufunc)
    """

    def __init__(self, model: Any) -> None:
        self.model = model

    def __plain__(self) -> Any:
        """Return what makes two of them equal, for fingerprints."""
        return {"model": where_is(self.model)}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Model) and (self.model is other.model or self.__plain__() == other.__plain__())

    def __hash__(self) -> int:
        return hash(where_is(self.model))

    def __repr__(self) -> str:
        return f"Model({type(self.model).__name__})"


@register("processed_frames", example=lambda: Processed(Noise((3, 4)), _brighter))
@recipe
class Processed(Indexed[Array]):
    """The recipe of :class:`ProcessingStream`."""

    source: Stream[Any]
    model: Callable[[Any], Any] | Model
    pre: Callable[[Any], Any] | None = None
    post: Callable[[Any], Any] | None = None
    memory: Memory | None = None
    layout: Layout | None = None

    def __post_init__(self) -> None:
        for name in ("model", "pre", "post"):
            value = self.called if name == "model" else getattr(self, name)
            if not callable(value) and (value is not None or name == "model"):
                raise StreamConfigError(
                    f"ProcessingStream({name}) got {value!r}, wanted a function of a block of frames."
                )
        if self.memory is None:
            self.fix(memory="own" if any(hasattr(self.called, name) for name in _CLEARS) else "none")
        if self.memory not in get_args(Memory):
            raise StreamConfigError(f"ProcessingStream(memory=) got {self.memory!r}, wanted 'own' or 'none'.")
        if not isinstance(self.model, Model) and (self.memory == "own" or _is_module(self.model)):
            self.fix(model=Model(self.model))

    @property
    def called(self) -> Any:
        """The model itself."""
        return self.model.model if isinstance(self.model, Model) else self.model

    @property
    def stateless(self) -> bool:
        """Whether a frame depends on no frame before it."""
        return self.memory == "none"

    @property
    def size(self) -> float | None:
        return self.source.size

    @property
    def access(self) -> Literal["index", "cursor"]:
        return "index" if self.stateless and self.source.access == "index" else "cursor"

    @property
    def resume(self) -> Resume:
        if self.stateless:
            return super().resume
        clears = any(hasattr(self.called, name) for name in _CLEARS)
        return "replay" if clears and self.source.resume != "none" else "none"

    def remarks(self) -> tuple[str, ...]:
        return () if self.stateless else (f"{type(self.called).__name__} remembers: every pass runs it from frame 0",)

    def bind(self, key: Key) -> Bound[Array]:
        return _ByNumber(self, key)

    def start_cursor(self, key: Key) -> Cursor[Array]:
        return _InOrder(self, key)

    def applied(self, columns: Array) -> Array:
        """Return what the model makes of columns of frames, as columns."""
        block: Any = arranged(columns, self.layout)
        block = block if self.pre is None else self.pre(block)
        model = self.called
        module = _is_module(model)
        with sys.modules["torch"].no_grad() if module else nullcontext():
            made = model(_tensor(block, model) if module else block)
        made = made if self.post is None else self.post(made)
        found = framed(made, f"ProcessingStream({type(model).__name__})")
        if len(found) != len(columns):
            raise DataError(
                f"ProcessingStream got {len(found)} frames back from its model for {len(columns)}, wanted as many.\n"
                "  Choose frames before or after it, with hr.filter or hr.window."
            )
        return found


class _ByNumber(Bound[Array]):
    stream: Processed

    def __init__(self, stream: Processed, key: Key) -> None:
        super().__init__(stream, key)
        source: Any = stream.source
        self.source: Bound[Any] = source.bound(key)

    def walk(self, at: Places) -> Iterator[Array]:
        for item in self.source.walk(at):
            yield self.stream.applied(np.asarray(item)[np.newaxis])[0]

    def columns(self, at: Places) -> Array:
        return self.stream.applied(self.source.columns(at))


class _InOrder(OpCursor[Array]):
    """A pass whose model remembers, or over frames without numbers."""

    stream: Processed
    begun = False

    def run(self) -> Generator[Array, None, None]:
        while True:
            item = self.held.pop(0) if self.held else next(self.source.items, END)
            if item is END:
                return
            yield self._applied([item])[0]

    def _applied(self, items: list[Any]) -> Array:
        try:
            self._own()
            made = self.stream.applied(stack(items))
        except BaseException:  # Ctrl-C too: nothing is lost around it
            self.held = items + self.held
            raise
        self.count += len(items)
        return made

    def _own(self) -> None:
        """Let the model's memory be that of this pass."""
        if self.stream.stateless:
            return
        model = self.stream.called
        try:
            owner = _IN_USE.get(model)
            if self.begun and owner != id(self):
                raise DataError(
                    f"ProcessingStream got another pass over {type(model).__name__}, which remembers, wanted one at a time.\n"
                    "  Give each its own model."
                )
            _IN_USE[model] = id(self)
        except TypeError:  # nothing that a weak reference can be had of
            pass
        if not self.begun:
            _clear(model)
            self.begun = True

    def read(self, n: int) -> Any:
        if n < 2 or self._kept or self._closed or self.held or self.stream.stateless:
            return super().read(n)
        self.restart()
        try:  # in one call: a model is quicker on many frames than on one at a time
            items = self.source.take(n)
            return self._applied(items) if items else super().read(0)
        except BaseException as error:
            self._fail(error)
            raise

    def pass_failed(self) -> None:
        self.held = self.held[1:]
        self.count += 1
        self.restart()

    def load(self, saved: Any) -> None:
        """Run the model from frame 0 to where the state was: its memory is no plain data."""
        if self.stream.stateless:
            super().load(saved)
            return
        self.source.close()
        self.source = self.stream.source.open(self.key)
        self.count, self.held, self.begun = 0, [], False
        self.restart()
        for _ in islice(self.items, saved["count"]):
            pass
        self.held = list(saved.get("held", ()))


def _clear(model: Any) -> None:
    name = next((name for name in _CLEARS if callable(getattr(model, name, None))), None)
    if name is not None:
        getattr(model, name)()


def _is_module(model: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(model, torch.nn.Module)


def _tensor(block: Any, module: Any) -> Any:
    """Return a block as a float32 tensor ``[batch, channel, time, row, col]`` on the module's device."""
    torch: Any = sys.modules["torch"]
    if not isinstance(block, torch.Tensor):
        block = torch.from_numpy(np.array(block, np.float32))
    block = block.to(torch.float32)
    if block.ndim == 3:
        block = block[None, None]
    some = next(module.parameters(), None)
    return block if some is None else block.to(some.device)


def _brighter(block: Array) -> Array:
    return block * np.float32(2)
