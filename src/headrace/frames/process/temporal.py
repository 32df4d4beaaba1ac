"""What can be told of a torch module: what it is, and whether it makes each frame of that frame alone."""

from __future__ import annotations

import re
import sys
from typing import Any

from headrace.core.plain import SAMPLE, WHOLE, digest, plain, where_is


def is_module(model: Any) -> bool:
    """Tell whether this is a torch module; without torch nothing is."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(model, torch.nn.Module)


def module_plain(module: Any, *, remembers: bool) -> Any:
    """Return what makes two torch modules equal: their parts, and a digest of their weights.

    Parameters
    ----------
    module
        A torch module.
    remembers
        Whether it keeps something from call to call: then its parameters count alone, since buffers change as it runs.

    Returns
    -------
    plain
        JSON values, the same in every process. Each part counts by its class and what it tells of itself
        (``extra_repr``), each tensor by its type, shape and values; of one above 1 MiB a strided sample counts.
    """
    parts = [[name, where_is(type(part)), _ADDRESS.sub("", part.extra_repr())] for name, part in module.named_modules()]
    values = dict(module.named_parameters()) if remembers else module.state_dict()
    return {"parts": digest(repr(parts)), "weights": digest(repr([(k, _tensor_plain(v)) for k, v in values.items()]))}


_ADDRESS = re.compile(r"\b0x[0-9a-f]+")  # of an object that tells where it lies: another one in every process


def _tensor_plain(value: Any) -> Any:
    torch: Any = sys.modules["torch"]
    if not isinstance(value, torch.Tensor):
        return plain(value)
    told = str(value.dtype)
    try:
        flat = value.detach().reshape(-1)
        nbytes = flat.numel() * flat.element_size()
        if nbytes > WHOLE:
            flat = flat[:: nbytes // SAMPLE | 1]
        raw = flat.cpu().contiguous().view(torch.uint8).numpy()
        return told, list(value.shape), digest(raw.tobytes())
    except Exception:  # one of a lazy module, which has no shape yet; sparse ones, those without values
        return told, where_is(type(value))


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
