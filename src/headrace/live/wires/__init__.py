"""Wires: how bytes and messages of devices come in and what they mean, reconnects included; what is sensed is in live/."""
