"""Stimuli by formula: gratings, bars, kernels, letters, noise for linear-nonlinear models; plain arrays."""
