"""Arrivals as they really happened, recorded by `python -m tests.traces.record`, and how they are read."""
