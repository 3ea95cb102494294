"""Clinical inference appliance: study -> selection -> preprocessing -> inference -> findings -> results -> delivery."""

__version__ = "0.1.0"
