"""Merging: the rows of one device with what others said at that moment; no signals."""
