"""What frames become in an eye or a camera: sensors of change, spikes; event files are in events."""
