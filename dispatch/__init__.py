"""The decision and its state: pure, deterministic, no I/O, no clock."""
