"""Small models that run on numpy alone, for rows that come one by one.

Here live models that are asked about live signals and need no other library for it. Weights do not: the script
``examples/train_signal_models.py`` trains those of the examples.
"""

from headrace.signals.models.gru import SimpleGruModel

__all__ = ["SimpleGruModel"]
