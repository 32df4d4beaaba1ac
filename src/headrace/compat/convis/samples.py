"""The stimuli of ``convis.samples``."""

from headrace.frames.samples import (
    chirp,
    gabor_kernel,
    mask_circle,
    mask_square,
    moving_bar,
    moving_grating,
    pulse,
    random_checker_stimulus,
    sparse_input,
)

__all__ = [
    "chirp",
    "gabor_kernel",
    "mask_circle",
    "mask_square",
    "moving_bar",
    "moving_grating",
    "pulse",
    "random_checker_stimulus",
    "sparse_input",
]
