"""Doors: the module paths, names, argument orders and defaults of existing systems, on headrace's rooms.

A door translates arguments and keeps the books that old code reads. What changes an item belongs in a room, as a
documented option.
"""
