"""Handwritten digits whose classes and noise drift, a classifier that is taken by surprise, a detector that notices.

    python examples/drifting_digits.py
    headrace peek examples/drifting_digits.py:tree
    headrace run examples/drifting_digits.py:tree --to mine.zarr --limit 20000

The images are the 1797 of 8 x 8 pixels that scikit-learn ships. First there are the digits 0 to 4; from sample 5000 on
there are all ten; around sample 12 000 the noise grows. Both changes are in the tree, so that what a detector says can
be scored: `tree.drifts()`.
"""

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

from headrace.trees import Parameter, SamplingTree, TransformNode, abrupt, gradual, operate_on_index

LEARN = 1500  # samples a classifier is trained on
SAMPLES = 20_000
IMAGES, DIGITS = load_digits(return_X_y=True)
FEW = [0.2] * 5 + [0.0] * 5
ALL = [0.1] * 10


def picture(_: Any, digit: int, *, rng: np.random.Generator) -> Any:
    """Return an image of a digit, any of those there are."""
    images = IMAGES[digit == DIGITS]
    return images[rng.integers(len(images))]


@operate_on_index(0)
def noise(image: Any, strength: float, *, rng: np.random.Generator) -> Any:
    """Add noise to the image of (image, label)."""
    return image + rng.normal(scale=strength, size=image.shape)


def make_tree(seed: int = 7) -> SamplingTree:
    """Return the tree: a branch for each digit, and noise behind all of them."""
    branches = {
        str(digit): [TransformNode(picture, Parameter("digit", digit), name=f"picture {digit}"), digit]
        for digit in range(10)
    }
    return SamplingTree(
        [{"name": "digit", **branches, "probs": abrupt(FEW, ALL, at=5000)}, noise],
        {"noise": {"strength": gradual(1.0, 9.0, at=12_000, width=600)}},
        rng=seed,
    )


tree = make_tree()


class PageHinkley:
    """Notices that a mean has risen (Page, "Continuous inspection schemes", Biometrika 41, 1954).

    `tolerance` is a rise that does not matter, `threshold` how much more than that has to add up.
    """

    def __init__(self, tolerance: float = 0.08, threshold: float = 20.0) -> None:
        self.tolerance, self.threshold = tolerance, threshold
        self.n, self.mean, self.sum, self.lowest = 0, 0.0, 0.0, 0.0

    def seen(self, error: float) -> bool:
        """Take one error, and tell whether the mean has risen."""
        self.n += 1
        self.mean += (error - self.mean) / self.n
        self.sum += error - self.mean - self.tolerance
        self.lowest = min(self.lowest, self.sum)
        return self.sum - self.lowest > self.threshold


class Outcome(NamedTuple):
    alarms: list[int]  # numbers of the samples at which the detector said so
    correct: np.ndarray  # whether each sample was recognised; shape (samples,)


def watch(tree: SamplingTree, samples: int = SAMPLES) -> Outcome:
    """Train, classify what comes, and train anew on what follows an alarm."""
    at, correct, alarms = 0, np.ones(samples, bool), []
    while at < samples:
        X, y = tree.read(min(LEARN, samples - at))
        model = KNeighborsClassifier(3).fit(X, y)
        at += len(y)
        detector = PageHinkley()
        alarm = False
        while at < samples and not alarm:
            X, y = tree.read(min(250, samples - at))
            for error in model.predict(X) != y:
                correct[at] = not error
                at += 1
                if not alarm and detector.seen(float(error)):
                    alarm = True
                    alarms.append(at - 1)
    return Outcome(alarms, correct)


def delays(alarms: list[int], starts: list[int]) -> tuple[list[int | None], int]:
    """Return how late each drift was found, None when it was not, and how many alarms were false."""
    found, false = [], 0
    borders = [*starts, 1 << 62]
    for start, following in pairwise(borders):
        mine = [alarm for alarm in alarms if start <= alarm < following]
        found.append(mine[0] - start if mine else None)
        false += len(mine[1:])
    return found, false + sum(alarm < borders[0] for alarm in alarms)


def main() -> None:
    table = tree.drifts()
    print(table[["parameter", "kind", "shape", "start", "centre", "end", "magnitude"]].to_string(index=False))
    alarms, correct = watch(tree)
    late, false = delays(alarms, table["start"].tolist())
    for start, delay in zip(table["start"], late, strict=True):
        before, after = correct[start - 500 : start].mean(), correct[start : start + 500].mean()
        said = "not found" if delay is None else f"found {delay} samples later"
        print(f"drift at {start}: accuracy {before:.2f} before, {after:.2f} in the 500 samples behind it; {said}")
    print(f"false alarms: {false}")


if __name__ == "__main__":
    main()
