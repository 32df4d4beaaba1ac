"""How well a linear classifier of digits learns, over noise, working-set size and learning rate.

    headrace sweep examples/digits_sweep.py:score --combo noise=0,4,8 --combo n_active=1,3,10 \\
        --combo learning_rate=1e-4:1e-1:4:log --out digits.h5 --workers 2
    headrace harvest status digits.h5
    python examples/digits_sweep.py

The images are the 1797 of 8 x 8 pixels that scikit-learn ships, one archive for each digit. A working set of ``n_active``
archives is open at a time: with one of them the classifier sees a run of one digit after the other.
"""

from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier

import headrace as hr
from headrace.bridges.sklearn import partial_fit
from headrace.sweeps import label

IMAGES, DIGITS = load_digits(return_X_y=True)
LEARNED = np.arange(len(IMAGES)) % 4 != 0  # the others are for the test
STEPS, BATCH = 40, 64


def archive(digit: int) -> Any:
    """Return the images of a digit as an endless stream, lap after lap in another order."""
    chosen = LEARNED & (digit == DIGITS)
    return hr.source({"X": IMAGES[chosen], "y": DIGITS[chosen]}) | hr.permute() | hr.repeat()


@label(var_names=["accuracy", "recall"], var_dims={"recall": "digit"}, var_coords={"digit": range(10)})
def score(noise: float, n_active: int, learning_rate: float, *, rng: np.random.Generator) -> tuple[float, Any]:
    """Return the share of test images that are recognised, of all and of each digit."""

    def noisy(batch: Any, *, rng: np.random.Generator) -> Any:
        return {**batch, "X": batch["X"] + rng.normal(scale=noise, size=batch["X"].shape)}

    mux = hr.StochasticMux([archive(digit) for digit in range(10)], n_active=n_active, rate=64, seed=rng)
    model = SGDClassifier(loss="log_loss", learning_rate="constant", eta0=learning_rate, random_state=0)
    partial_fit(model, mux | hr.batch(BATCH) | hr.map(noisy), outputs="y", classes=list(range(10)), steps=STEPS)
    test = IMAGES[~LEARNED]
    right = model.predict(test + rng.normal(scale=noise, size=test.shape)) == DIGITS[~LEARNED]
    return float(right.mean()), [right[DIGITS[~LEARNED] == digit].mean() for digit in range(10)]


if __name__ == "__main__":
    ds = score.run_combos({"noise": [0.0, 4.0, 8.0], "n_active": [1, 3, 10], "learning_rate": [1e-4, 1e-3, 1e-2, 1e-1]})
    best = ds["accuracy"].max("learning_rate")
    print(best.to_pandas().round(2))
