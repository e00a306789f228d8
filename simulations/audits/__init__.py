"""What the log of an evening says of itself, checked by rules of its own."""
