"""Train the small models of the signal examples, on data that this script makes.

    python train_signal_models.py            # all three, about two minutes; needs torch and onnx
    python train_signal_models.py letters

- ``signal_models/letters.npz``: what a mouse draws, from its velocity in pixels per second, row by row: background,
  square, triangle, circle. A GRU that runs on numpy alone (``headrace.signals.models.SimpleGruModel``).
- ``signal_models/swipe.onnx``: where in a window of 128 rows of acceleration and turning rate a hand swipes: ``input``
  (1, 128, 6) gives ``output`` (1, 3, 16), the probabilities of nothing, left and right in sixteen parts of it, and
  ``output_extra`` (1, 6, 128), the window without its noise.
- ``signal_models/touch.onnx``: what a finger does, from spectra of six channels: ``input`` (1, 6, 16) and
  ``input_state`` (1, 512) give ``output`` (1, 4), the probabilities of nothing, tap, double tap and scratch, and
  ``output_state`` (1, 512).

Accuracies on fresh data are printed at the end; what they were is written in ``signal_models/README.md``. Seeds are fixed:
another run gives the same weights, to the rounding of the machine.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).resolve().parent / "signal_models"
LETTERS = ("background", "square", "triangle", "circle")
SWIPES = ("nothing", "left", "right")
TOUCHES = ("nothing", "tap", "double tap", "scratch")
RATE = 60.0  # rows a second, of the mouse

Array = np.ndarray[Any, Any]
Made = tuple[Array, Array]


# --- a mouse that draws -----------------------------------------------------------------------------


def outline(kind: str, n: int, rng: np.random.Generator) -> Array:
    """Return n points along a shape, drawn once around from a corner, of size 1 about its middle."""
    if kind == "circle":
        angle = 2 * np.pi * np.linspace(0, 1, n)
        path = np.stack([np.cos(angle), np.sin(angle)], 1)
    else:
        k = 4 if kind == "square" else 3
        corners = np.array([[np.cos(a), np.sin(a)] for a in 2 * np.pi * (np.arange(k + 1) / k) + np.pi / 4])
        # slower in the corners, as hands are
        turns = np.linspace(0, k, n)
        side = np.minimum(turns.astype(int), k - 1)
        part = turns - side
        part = part - 0.7 * np.sin(2 * np.pi * part) / (2 * np.pi)
        path = corners[side] * (1 - part[:, None]) + corners[side + 1] * part[:, None]
    turn = rng.uniform(0, 2 * np.pi) if kind == "circle" else rng.normal(0, 0.15) + rng.integers(4) * np.pi / 2
    path = path @ np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    path *= rng.uniform(0.85, 1.15, size=2)
    made: Array = path * [1, rng.choice([-1, 1])]
    return made


def wander(n: int, rng: np.random.Generator) -> Array:
    """Return n points of a hand that goes here and there, or rests."""
    pushes = rng.normal(size=(n, 2)) * (rng.random((n, 1)) < 0.08) * rng.uniform(0, 900)
    fades = 0.12 * 0.88 ** np.arange(60)
    speed = np.stack([np.convolve(pushes[:, axis], fades)[:n] for axis in (0, 1)], axis=1)
    return np.cumsum(speed, axis=0) / RATE * 8


def mouse(rng: np.random.Generator, n: int = 240) -> tuple[Array, Array, int]:
    """Return (velocity (n, 2) in pixels per second, label of each row, row at which a shape is finished or -1)."""
    path, label = wander(n, rng), np.zeros(n, np.int64)
    end = -1
    if rng.random() < 0.85:
        kind = int(rng.integers(1, 4))
        length = int(rng.uniform(0.8, 2.2) * RATE)
        start = int(rng.integers(10, n - length - 10))
        shape = outline(LETTERS[kind], length, rng) * rng.uniform(40, 220)
        shape += np.cumsum(rng.normal(0, 0.25, size=shape.shape), axis=0)
        end = start + length
        path[end:] += path[start] + shape[-1] - shape[0] - path[end]
        path[start:end] = path[start] + shape - shape[0]
        label[start + int(0.7 * length) : min(end + 12, n)] = kind
    velocity = np.diff(np.round(path + 500), axis=0, prepend=np.round(path[:1] + 500)) * RATE
    return velocity.astype(np.float32), label, end - 1


def train_letters(steps: int = 1500) -> str:
    import torch
    from torch import nn

    from headrace.signals.models import SimpleGruModel

    torch.manual_seed(0)
    rng, lr = np.random.default_rng(0), 1e-2
    scale = np.concatenate([mouse(rng)[0] for _ in range(200)])
    mean, std = scale.mean(0), scale.std(0)

    class Gru(nn.Module):  # type: ignore[misc, unused-ignore]
        def __init__(self) -> None:
            super().__init__()
            self.rnn, self.out = nn.GRU(2, 32, batch_first=True), nn.Linear(32, 4)

        def forward(self, x: Any) -> Any:
            return self.out(self.rnn((x - torch.tensor(mean)) / torch.tensor(std))[0])

    model, weight = Gru(), torch.tensor([0.3, 1.0, 1.0, 1.0])  # most rows are background
    optimizer = torch.optim.Adam(model.parameters(), lr)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps)
    for _ in range(steps):
        paths, labels, _ = zip(*(mouse(rng) for _ in range(48)), strict=True)
        found = model(torch.tensor(np.stack(paths)))
        loss = nn.functional.cross_entropy(found.reshape(-1, 4), torch.tensor(np.stack(labels)).reshape(-1), weight)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    kept = {name: value.detach().numpy() for name, value in model.state_dict().items()}
    SimpleGruModel(kept, mean, std, lr).save_checkpoint(FOLDER / "letters.npz")
    small = SimpleGruModel.load_from_checkpoint(FOLDER / "letters.npz")
    right = total = rows = drawn = 0
    for x, y, end in (mouse(np.random.default_rng((1, k))) for k in range(300)):
        state: Any = None
        told = np.zeros(len(x), int)
        for k in range(len(x)):
            p, state = small.inference(x[k : k + 1], state)
            told[k] = p[0].argmax()
        rows, total = rows + int((told == y).sum()), total + len(x)
        if end >= 0:
            right, drawn = right + int(told[end] == y[end]), drawn + 1
    return f"letters: {right / drawn:.1%} of {drawn} shapes known at their end, {rows / total:.1%} of rows"


# --- a hand that swipes -----------------------------------------------------------------------------


def swipes(rng: np.random.Generator, n: int = 128) -> tuple[Array, Array, Array]:
    """Return (window with noise (n, 6), the same without (n, 6), the class of each of 16 parts)."""
    at = np.arange(n)
    clean = np.zeros((n, 6))
    gravity = rng.normal(size=3)
    clean[:, :3] = gravity / np.linalg.norm(gravity)
    clean[:, 3:] = rng.normal(0, 0.2, 3) + 0.3 * np.sin(at[:, None] * rng.uniform(0.01, 0.06, 3) + rng.uniform(0, 6, 3))
    label = np.zeros(n, int)
    for _ in range(int(rng.integers(0, 3))):
        kind = int(rng.integers(1, 3))
        sign, width, middle = (-1 if kind == 1 else 1), rng.uniform(5, 12), rng.uniform(0, n)
        bell = np.exp(-0.5 * ((at - middle) / width) ** 2)
        clean[:, 5] += sign * rng.uniform(2, 6) * bell
        clean[:, 1] += sign * rng.uniform(0.5, 1.5) * -(at - middle) / width * bell
        label[np.abs(at - middle) < 1.2 * width] = kind
    noisy = clean + rng.normal(0, 0.15, clean.shape)
    return noisy.astype(np.float32), clean.astype(np.float32), label.reshape(16, n // 16)[:, n // 32]


def train_swipe(steps: int = 500) -> str:
    import torch
    from torch import nn

    torch.manual_seed(0)
    rng = np.random.default_rng(0)

    class Swipe(nn.Module):  # type: ignore[misc, unused-ignore]
        def __init__(self) -> None:
            super().__init__()
            sizes = ((6, 16, 7), (16, 24, 5), (24, 24, 5))
            self.down = nn.ModuleList(nn.Conv1d(a, b, k, stride=2, padding=k // 2) for a, b, k in sizes)
            self.wide, self.out = nn.Conv1d(24, 24, 5, padding=2), nn.Conv1d(24, 3, 1)
            self.smooth = nn.Conv1d(6, 6, 9, padding=4)

        def score(self, x: Any) -> Any:
            x = x.transpose(1, 2)
            extra = self.smooth(x)
            for layer in self.down:
                x = torch.relu(layer(x))
            return self.out(torch.relu(self.wide(x))), extra

        def forward(self, x: Any) -> Any:
            score, extra = self.score(x)
            return torch.softmax(score, dim=1), extra

    model = Swipe()
    optimizer = torch.optim.Adam(model.parameters(), 4e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
    for _ in range(steps):
        x, clean, y = (torch.tensor(np.stack(part)) for part in zip(*(swipes(rng) for _ in range(64)), strict=True))
        score, extra = model.score(x)
        loss = nn.functional.cross_entropy(score, y) + nn.functional.mse_loss(extra, clean.transpose(1, 2))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    _export(model, (torch.zeros(1, 128, 6),), "swipe.onnx", ["input"], ["output", "output_extra"])
    session, right, noise, left = _session("swipe.onnx"), 0, 0.0, 0.0
    for k in range(500):
        x, clean, y = swipes(np.random.default_rng((1, k)))
        output, extra = session.run(None, {"input": x[None]})
        right += int((output[0].argmax(0) == y).sum())
        noise, left = noise + float(((x - clean) ** 2).sum()), left + float(((extra[0].T - clean) ** 2).sum())
    return f"swipe: {right / 8000:.1%} of the parts of 500 windows; {left / noise:.0%} of the noise is left"


# --- a finger that taps -----------------------------------------------------------------------------


def touches(rng: np.random.Generator, n: int = 96) -> Made:
    """Return (spectra (n, 6, 16), the class of each): a class holds from when it can be known for ten frames."""
    x = rng.gamma(2.0, 0.02, size=(n, 6, 16))
    label = np.zeros(n, np.int64)
    at = int(rng.integers(2, 14))
    bins = np.arange(16)
    while at < n - 18:
        kind, gain = int(rng.integers(1, 4)), rng.uniform(0.5, 2.0, size=6)[:, None]
        if kind == 3:
            length = int(rng.integers(7, 14))
            high = np.exp(-0.5 * ((bins - rng.uniform(8, 13)) / 2.5) ** 2)
            x[at : at + length] += gain * high * rng.uniform(0.5, 1.0, size=(length, 1, 1))
            label[at + 3 : at + length + 4] = 3
            at += length + 4
        else:
            broad = np.exp(-bins / rng.uniform(4, 9))
            x[at] += gain * broad
            x[at + 1] += 0.4 * gain * broad
            label[at : at + 10] = 1
            if kind == 2:
                again = at + int(rng.integers(4, 9))
                x[again] += gain * broad * rng.uniform(0.7, 1.2)
                label[again : again + 10] = 2
                at = again
            at += 12
        at += int(rng.integers(14, 30))
    return x.astype(np.float32), label


def train_touch(steps: int = 500) -> str:
    import torch
    from torch import nn

    torch.manual_seed(0)
    rng = np.random.default_rng(0)

    class Touch(nn.Module):  # type: ignore[misc, unused-ignore]
        """The state is a memory of sixteen frames, 32 features of each."""

        def __init__(self) -> None:
            super().__init__()
            self.look, self.join, self.out = nn.Linear(96, 32), nn.Linear(512, 24), nn.Linear(24, 4)

        def score(self, x: Any, state: Any) -> Any:
            seen = torch.tanh(self.look(torch.log(x.flatten(1) + 0.02)))
            state = torch.cat([state[:, 32:], seen], dim=1)
            return self.out(torch.relu(self.join(state))), state

        def forward(self, x: Any, state: Any) -> Any:
            score, state = self.score(x, state)
            return torch.softmax(score, dim=1), state

    model = Touch()
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    for _ in range(steps):
        x, y = (torch.tensor(np.stack(part)) for part in zip(*(touches(rng) for _ in range(32)), strict=True))
        state, loss = torch.zeros(len(x), 512), torch.zeros(())
        for k in range(x.shape[1]):
            score, state = model.score(x[:, k], state)
            loss = loss + nn.functional.cross_entropy(score, y[:, k])
        optimizer.zero_grad()
        (loss / x.shape[1]).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    names = ["input", "input_state"], ["output", "output_state"]
    _export(model, (torch.zeros(1, 6, 16), torch.zeros(1, 512)), "touch.onnx", *names)
    session, right, total = _session("touch.onnx"), 0, 0
    for k in range(100):
        x, y = touches(np.random.default_rng((1, k)))
        state = np.zeros((1, 512), np.float32)
        for row, wanted in zip(x, y, strict=True):
            p, state = session.run(None, {"input": row[None], "input_state": state})
            right, total = right + int(p[0].argmax() == wanted), total + 1
    return f"touch: {right / total:.1%} of {total} frames"


# --- files ------------------------------------------------------------------------------------------


def _export(model: Any, args: Any, name: str, inputs: list[str], outputs: list[str]) -> None:
    import torch

    model.eval()
    torch.onnx.export(
        model, args, str(FOLDER / name), input_names=inputs, output_names=outputs, opset_version=17, dynamo=False
    )


def _session(name: str) -> Any:
    import onnxruntime

    return onnxruntime.InferenceSession(str(FOLDER / name), providers=["CPUExecutionProvider"])


MODELS = {"letters": train_letters, "swipe": train_swipe, "touch": train_touch}


def main(names: list[str]) -> None:
    FOLDER.mkdir(exist_ok=True)
    for name in names or MODELS:
        print(MODELS[name](), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
