"""The model of letters drawn by a mouse."""

from headrace.signals.models.gru import SimpleGruModel

__all__ = ["SimpleGruModel"]
