"""Genki Signals' module paths and names on :mod:`headrace.signals`: those of its 1.0 and those of its documented notebook.

Functions here remember from call to call, as there; time is axis 0.
"""
