"""The version of Pescador whose interface this is; headrace's own is ``headrace.__version__``."""

short_version = "3.0"
version = "3.0.0"
