"""The stimuli, kernels and data of ``convis.samples``."""

from headrace.frames import (
    SampleGenerator,
    chirp,
    gabor_kernel,
    mask_circle,
    mask_square,
    moving_bar,
    moving_grating,
    pulse,
    random_checker_stimulus,
    sparse_input,
    text_kernel,
)

__all__ = [
    "SampleGenerator",
    "chirp",
    "gabor_kernel",
    "mask_circle",
    "mask_square",
    "moving_bar",
    "moving_grating",
    "pulse",
    "random_checker_stimulus",
    "sparse_input",
    "text_kernel",
]
