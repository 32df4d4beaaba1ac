"""Handwritten digits: their files, their walk, their saccades, as frames and as events."""
