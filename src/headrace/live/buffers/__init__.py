"""Buffers: the newest rows of named columns in memory, and their forms as other people's tables; nothing on disk."""
