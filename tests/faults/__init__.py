"""A node under fire: services are killed at random moments while studies are in flight; nothing may be lost or doubled.

`python -m tests.faults --studies 500 --seed 7` or `make faults N=500`; the test runs a short form of it.
"""
