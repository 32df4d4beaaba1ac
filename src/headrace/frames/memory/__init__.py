"""Frames in memory and out of nothing: sequences that grow, frames between frames, noise; no file."""
