"""What a simulation runs: an evening written down, read and checked."""
