"""Streams as the datasets of other frameworks: PyTorch, Keras, scikit-learn, Hugging Face.

A module for each framework, called as it is, which imports it when its functions are called. What decides which items
there are belongs in the rooms below.
"""

from headrace.bridges import huggingface, keras, sklearn, torch

__all__ = ["huggingface", "keras", "sklearn", "torch"]
