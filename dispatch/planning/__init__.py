"""Decide: knows the model only, never events, state or engine."""
