"""What must survive: the event log, courier positions, and answers kept for safe retries."""
