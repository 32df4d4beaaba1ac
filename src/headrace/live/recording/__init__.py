"""Recordings: how they are written, what is in the file, how they are read, replayed and exported; no device but a replay."""
