"""Waivers of the DICOM validators, and tests of the harness that applies them."""
