"""Shipments and vehicles without a town around them: what `POST /v1/solve` and benchmarks ask."""
