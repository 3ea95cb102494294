"""Trains the demonstration report generator on renderings; torch is needed here and nowhere else."""
