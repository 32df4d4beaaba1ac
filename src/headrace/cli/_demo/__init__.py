"""What ``headrace demo`` does, step by step; nobody else imports it.

``digits.py`` and ``cancer.py`` are the files of ``examples/``, to the byte: an installed package has no such folder,
and the demonstration hands the user the very files it runs.
"""
