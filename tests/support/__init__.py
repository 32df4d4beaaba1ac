"""Helpers of the tests, importable as `support` from every test (see `pythonpath` in pyproject.toml)."""
