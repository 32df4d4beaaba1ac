"""How models are exported."""
