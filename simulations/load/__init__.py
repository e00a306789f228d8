"""Scenarios as HTTP traffic on a running service, open-loop, with honest latencies."""
