"""The stimuli, kernels and data of ``convis.samples``."""

from headrace.frames.stimuli.linear_nonlinear import SampleGenerator
from headrace.frames.stimuli.samples import (
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
from headrace.frames.stimuli.text import text_kernel

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
