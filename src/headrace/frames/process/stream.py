"""Frames that a model makes of frames: any callable, or a torch module, block by block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headrace.errors import StreamConfigError
from headrace.frames.base.layout import Array, Layout
from headrace.frames.base.stream import FrameStream, OnEnd, frames_of
from headrace.frames.process.recipe import Memory, Processed, context_of
from headrace.frames.process.temporal import is_module


class ProcessingStream(FrameStream):
    """The frames that a model makes of another stream's: ``post(model(pre(block)))``, with as many frames as the block.

    Parameters
    ----------
    input_stream
        A stream of frames, or what :class:`FrameStream` takes. Its recipe is taken as it is now, from frame 0; it is not
        moved.
    model
        A function of a block, or a torch module, which is handed ``[batch, channel, time, row, col]`` as a float32
        tensor on its own device, without gradients.
    pre, post
        Functions of a block, before and after the model.
    stateless
        Whether a frame depends on no frame before it. By default, whether the model has no method ``clear_state``,
        ``reset_state`` or ``reset``. Frames of a stateless model have numbers where those of its input have; a model
        that remembers is run from frame 0 on, and begins anew with every pass.
    context
        How many frames before and after a frame the model looks at, ``(before, after)`` or one number for both: it is
        handed these, too, where there are any, so that a kernel over time sees them however frames are asked for.
    layout
        Of the blocks that come out; by default that of the input, ``"5d"`` for a torch module.
    on_end
        As for :class:`FrameStream`.

    Raises
    ------
    StreamConfigError
        When ``model``, ``pre`` or ``post`` cannot be called, or takes a generator ``rng``; for a torch module with a part that is known to look at other
        frames (a kernel over time, a recurrent layer, BatchNorm or Dropout in training mode), unless ``stateless`` or
        ``context`` is given.
    DataError
        While running: when another number of frames comes out, two passes share a model that remembers, or a model
        taken to be stateless makes another frame of one alone than of the same in a block.

    Notes
    -----
    Frames are shown when those of ``input_stream`` are, of a video whose rate varies, too, until ``dt`` is set.

    A frame of a stateless model must be the same in any block, or it would depend on how frames are asked for. The parts
    of a torch module tell much of that beforehand. Of any model the last frame of the first block is made once more,
    alone, and compared, which finds means over a block, kernels and hidden memory, unless ``stateless=True`` is given.

    A for loop, ``next`` and a mux hand it a megabyte of frames at a time, the first one alone; with ``stateless=True`` each
    alone. Where such a stretch fails its frames are made one by one, so that the error is that of one frame. A model that
    fails for a block of ``get`` is not called again with its frames: its error tells which they were, and the next call tries
    again. After an error in a model that remembers, ``seek(stream.i)`` runs it anew from frame 0 up
    to there, if the error may have left its memory half-way.

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

    _source: Processed

    def __init__(
        self,
        input_stream: Any,
        model: Callable[[Any], Any],
        pre: Callable[[Any], Any] | None = None,
        post: Callable[[Any], Any] | None = None,
        *,
        stateless: bool | None = None,
        context: int | tuple[int, int] = 0,
        layout: Layout | None = None,
        on_end: OnEnd = "short",
    ) -> None:
        if stateless is not None and not isinstance(stateless, bool):
            raise StreamConfigError(
                f"ProcessingStream(stateless=) got {stateless!r}, wanted True, False or None.\n  None goes by the model."
            )
        memory: Memory | None = None if stateless is None else "none" if stateless else "own"
        made: Processed = Processed(
            frames_of(input_stream, "ProcessingStream"),
            model,
            pre,
            post,
            memory,
            _layout_of(input_stream),
            context_of(context),
            stateless is True,
        )
        super().__init__(
            made,
            like=input_stream,
            layout="5d" if layout is None and (is_module(model) or made.layout == "5d") else layout,
            on_end=on_end,
        )

    def _first(self) -> Array | None:
        return None if self._source.trusted else super()._first()  # no frame is made then that nobody asked for

    def reset(self) -> None:
        """Go back to frame 0, and clear the model's memory."""
        with self._lock:
            super().reset()
            self._source.clear()


def _layout_of(source: Any) -> Layout | None:
    """Return the layout of the blocks that a model is handed: that of its input, also of one that is an array."""
    if isinstance(source, FrameStream):
        return source.layout
    return "5d" if getattr(source, "ndim", 0) == 5 else None
