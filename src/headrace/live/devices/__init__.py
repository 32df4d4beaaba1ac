"""Devices: what every one is made of, its clocks, its thread, the rows it holds until they are read; no sensor."""
