"""Frames that a model makes of frames, block by block; no model of its own."""
