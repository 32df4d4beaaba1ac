"""What every stream of frames is: its place and settings, how a recipe reads and a writer writes; no format."""
