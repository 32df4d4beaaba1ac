"""Picture files, one a frame: decoded, sixteen bits too, and ahead of who asks."""
