"""Whether a torch module makes each frame of that frame alone, as far as its parts tell."""

from __future__ import annotations

import sys
from typing import Any


def is_module(model: Any) -> bool:
    """Tell whether this is a torch module; without torch nothing is."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(model, torch.nn.Module)


def why_temporal(module: Any, *, kernels: bool = True) -> tuple[str, str] | None:
    """Return because of which part a module's frames depend on each other, and what to do; None where no part is known to.

    Parameters
    ----------
    module
        A torch module.
    kernels
        Whether a kernel over several frames counts.
    """
    for name, part in module.named_modules():
        told = _own_reason(part, kernels)
        if told is not None:
            where = f", whose part {name!r}, {type(part).__name__}," if name else ", which"
            return f"{type(module).__name__}{where} {told[0]}", told[1]
    return None


def _own_reason(part: Any, kernels: bool) -> tuple[str, str] | None:
    nn: Any = sys.modules["torch"].nn
    frames = _frames_of_kernel(part)
    if kernels and frames > 1:
        return (
            f"has a kernel over {frames} frames",
            "Say context=(before, after): how many frames it needs on each side",
        )
    if isinstance(part, nn.RNNBase | nn.RNNCellBase):
        return "remembers from step to step", "Say stateless=False where it goes on from the last block"
    if isinstance(part, nn.modules.batchnorm._BatchNorm) and (part.training or part.running_mean is None):
        return "takes the mean over a whole block", "Call model.eval(), so that it takes what it has learnt"
    if isinstance(part, nn.modules.dropout._DropoutNd) and part.training and part.p > 0:
        return "draws other values in every call", "Call model.eval(), so that it draws none"
    return None


def _frames_of_kernel(part: Any) -> int:
    """Return over how many frames a kernel over volumes goes: time is the first of its three axes."""
    nn: Any = sys.modules["torch"].nn
    if isinstance(part, nn.modules.conv._ConvNd):
        return int(part.kernel_size[0]) if len(part.kernel_size) == 3 else 1
    if isinstance(part, nn.MaxPool3d | nn.AvgPool3d | nn.LPPool3d):
        size = part.kernel_size
        return int(size[0] if isinstance(size, tuple) else size)
    return 1
