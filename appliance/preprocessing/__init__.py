"""Make of a source what a network was trained on, and remember where every voxel came from. No I/O."""

from appliance.preprocessing.focusing import FOCUS_OPTIONS, focus
from appliance.preprocessing.preparation import prepare
from appliance.preprocessing.steps import STEP_OPTIONS

__all__ = ["FOCUS_OPTIONS", "STEP_OPTIONS", "focus", "prepare"]
