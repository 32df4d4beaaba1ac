"""Video files, cameras and addresses: opened, indexed, decoded, turned into frames, written; no other files."""
