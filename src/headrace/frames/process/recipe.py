"""The recipe of frames that a model makes of frames."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, ClassVar, Literal, get_args

import numpy as np

from headrace.core.checks import integer
from headrace.core.cursor import Cursor
from headrace.core.functions import name_of_function, takes_rng
from headrace.core.indexed import Bound
from headrace.core.key import Key
from headrace.core.plain import where_is
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.core.stream import Resume, Stream
from headrace.errors import DataError, StreamConfigError
from headrace.frames.base.footage import IndexedFrames
from headrace.frames.base.layout import Array, Layout, arranged
from headrace.frames.base.module_blocks import given_frames, module_block
from headrace.frames.base.options import in_short
from headrace.frames.memory.noise import Noise
from headrace.frames.process.by_number import ByNumber
from headrace.frames.process.in_order import InOrder
from headrace.frames.process.temporal import is_module, module_plain, why_temporal

Memory = Literal["own", "none"]  # whether a model remembers frames
CLEARS = ("clear_state", "reset_state", "reset")  # what begins a model anew; whoever has one remembers
_WIDEST = 1 << 20  # frames around one: as many are made for each
CLOSE = 1e-3  # of the largest value: kernels of one model for blocks of other sizes round otherwise


class Model:
    """A model in a recipe: what it remembers changes as it runs, and is no part of the description.

    Examples
    --------
    >>> Model(np.negative)
    Model(ufunc)
    """

    model: Any
    remembers: bool

    def __init__(self, model: Any, remembers: bool = False) -> None:
        self.model, self.remembers = model, remembers

    def __plain__(self) -> Any:
        """Return what makes two of them equal, for fingerprints: of a torch module its parts and weights, too."""
        told: dict[str, Any] = {"model": where_is(self.model)}
        return {**told, **module_plain(self.model, remembers=self.remembers)} if is_module(self.model) else told

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Model) and (self.model is other.model or self.__plain__() == other.__plain__())

    def __hash__(self) -> int:
        return hash(where_is(self.model))

    def __repr__(self) -> str:
        return f"Model({type(self.model).__name__})"


@register("processed_frames", example=lambda: Processed(Noise((3, 4)), _brighter))
@recipe
class Processed(IndexedFrames):
    """The recipe of :class:`~headrace.frames.ProcessingStream`.

    ``trusted`` says that the user said it: then no block is looked at twice, and none is made that nobody asked for.
    """

    tuning: ClassVar[tuple[str, ...]] = ("trusted",)

    source: Stream[Any]
    model: Callable[[Any], Any] | Model
    pre: Callable[[Any], Any] | None = None
    post: Callable[[Any], Any] | None = None
    memory: Memory | None = None
    layout: Layout | None = None
    context: tuple[int, int] = (0, 0)
    trusted: bool = False

    def __post_init__(self) -> None:
        for name in ("model", "pre", "post"):
            value = self.called if name == "model" else getattr(self, name)
            if not callable(value) and (value is not None or name == "model"):
                raise StreamConfigError(
                    f"ProcessingStream({name}) got {in_short(value)}, wanted a function of a block of frames.\n"
                    "  Give it a function, an object with __call__, or a torch module."
                )
            if value is not None and takes_rng(value):
                raise StreamConfigError(
                    f"ProcessingStream({name}) got {name_of_function(value)}, which takes rng, wanted a function of a block alone: "
                    "what it draws would depend on how frames are asked for.\n"
                    "  Draw for each frame: FrameStream(film | hr.map(function), like=film) hands rng to a function of a frame."
                )
        self.fix(context=context_of(self.context))
        if self.memory is None:
            self.fix(memory="own" if self.clears else "none")
        if self.memory not in get_args(Memory):
            raise StreamConfigError(
                f"ProcessingStream(memory=) got {self.memory!r}, wanted 'own' or 'none'.\n  It says whether a model remembers."
            )
        if any(self.context) and (self.memory == "own" or self.source.access != "index"):
            what = (
                "a model that remembers" if self.memory == "own" else f"{self.source!r}, whose frames have no numbers"
            )
            raise StreamConfigError(
                f"ProcessingStream(context={self.context}) got {what}, wanted neither: frames around a block are had by "
                "number.\n  Leave context= away, or keep the frames in a SequenceStream or a file first."
            )
        if is_module(self.called) and self.stateless and not self.trusted:
            self._check_module()
        if not isinstance(self.model, Model) and (self.memory == "own" or is_module(self.model)):
            self.fix(model=Model(self.model, self.memory == "own"))

    def _check_module(self) -> None:
        why = why_temporal(self.called, kernels=not any(self.context))
        if why is not None:
            raise StreamConfigError(
                f"ProcessingStream(model) got {why[0]}, wanted a model whose frames depend on no others.\n"
                f"  {why[1]}; or stateless=True to have it as it is: other frames for other cuts."
            )

    @property
    def called(self) -> Any:
        """The model itself."""
        return self.model.model if isinstance(self.model, Model) else self.model

    @property
    def clears(self) -> bool:
        """Whether the model can begin anew."""
        return self._anew() is not None

    def clear(self) -> None:
        """Have the model begin anew, where it can."""
        anew = self._anew()
        if anew is not None:
            anew()

    def _anew(self) -> Callable[[], Any] | None:
        """Return what has the model begin anew; a part of a torch module that is called so does not."""
        found = (getattr(self.called, name, None) for name in CLEARS)
        return next((anew for anew in found if callable(anew) and not is_module(anew)), None)

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
        return "replay" if self.clears and self.source.resume != "none" else "none"

    def remarks(self) -> tuple[str, ...]:
        return () if self.stateless else (f"{type(self.called).__name__} remembers: every pass runs it from frame 0",)

    def bind(self, key: Key) -> Bound[Array]:
        return ByNumber(self, key)

    def start_cursor(self, key: Key) -> Cursor[Array]:
        return InOrder(self, key)

    def applied(self, columns: Array) -> Array:
        """Return what the model makes of columns of frames, as columns."""
        block: Any = arranged(columns, self.layout)
        block = block if self.pre is None else self.pre(block)
        model = self.called
        module = is_module(model)
        with sys.modules["torch"].no_grad() if module else nullcontext():
            made = model(module_block(block, model) if module else block)
        made = made if self.post is None else self.post(made)
        found = given_frames(made, f"ProcessingStream({type(model).__name__})")
        if len(found) != len(columns):
            raise DataError(
                f"ProcessingStream got {len(found)} frames back from its model for {len(columns)}, wanted as many.\n"
                "  Choose frames before or after it, with hr.filter or hr.window."
            )
        return found

    @property
    def untested(self) -> bool:
        """Whether it is only assumed that a frame depends on no other: then each run looks at its first block twice."""
        return self.stateless and not self.trusted

    def test(self, among: Array, alone: Callable[[], Array]) -> None:
        """Raise DataError unless the last frame of a block is the same when the model is handed it alone.

        That finds means over a block, kernels over time and hidden memory, for one call of one frame.
        """
        try:
            single = alone()[0]
        except Exception:  # it cannot have a frame alone: whoever asks for one is told
            return
        if not _close(single, among[-1]):
            raise DataError(
                f"ProcessingStream got another frame from {type(self.called).__name__} for one alone than for the same among "
                f"{len(among)}, wanted a model whose frames depend on no others.\n"
                "  Say context=(before, after) for one that looks at frames around, stateless=False for one that remembers, "
                "stateless=True to have it as it is: other frames for other cuts."
            )


def context_of(context: Any) -> tuple[int, int]:
    """Return how many frames around one a model looks at, before it and after it, or raise StreamConfigError."""
    try:
        pair = context if isinstance(context, tuple | list) else (context, context)
        before, after = (integer(n) for n in pair)
        if min(before, after) < 0 or max(before, after) > _WIDEST:
            raise ValueError
    except (TypeError, ValueError):
        raise StreamConfigError(
            f"ProcessingStream(context=) got {context!r}, wanted how many frames before and after, 0 to {_WIDEST}.\n"
            "  Write context=(2, 0), or context=1 for one on each side."
        ) from None
    return before, after


def _close(one: Array, other: Array) -> bool:
    if one.shape != other.shape:
        return False
    a, b = one.astype(np.float64), other.astype(np.float64)
    largest = np.abs(b[np.isfinite(b)]).max(initial=0.0)
    return bool(np.allclose(a, b, rtol=CLOSE, atol=CLOSE * largest, equal_nan=True))


def _brighter(block: Array) -> Array:
    return block * np.float32(2)
