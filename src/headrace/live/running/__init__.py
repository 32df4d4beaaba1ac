"""Running: the system, its thread, its signals and who is given its blocks; no sensor and no file of its own."""
