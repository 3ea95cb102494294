"""Clinical inference appliance: study -> selection -> preprocessing -> inference -> findings -> results -> delivery."""

import os

__version__ = "0.1.0"

# ONNX Runtime of late keeps a device identifier and reports on what it runs; nothing leaves a hospital unasked. It
# reads this when it is loaded, so the variable is set before any module of ours can load it.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
