"""What exists on the local Discord."""
