"""A day from a live ledger again: exactly, under another policy, and what it teaches."""
