"""Sensors on their own clocks: the only room with clocks and timing threads.

What reads a device, keeps what it says, derives signals from it, records and replays it lives here. What draws pictures
does not.
"""
