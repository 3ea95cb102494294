"""Settings in, wired appliance out: the only module that knows every adapter."""

import functools
from pathlib import Path

from appliance import __version__
from appliance.catalogue.manifest import Vocabulary, parse_manifest
from appliance.catalogue.packages import Catalogue
from appliance.catalogue.rules_file import read_rules
from appliance.delivery.destinations import Destination
from appliance.domain.dicom_result import MANUFACTURER, MODEL_NAME, DeviceIdentity
from appliance.domain.model_package import ModelPackage
from appliance.domain.selection import Rule
from appliance.findings import FAMILIES
from appliance.inference.golden import run_golden_cases
from appliance.inference.onnx_runtime import OnnxRuntime
from appliance.inference.strategies import STRATEGY_OPTIONS
from appliance.pipeline import ReportOrder
from appliance.preprocessing import FOCUS_OPTIONS, STEP_OPTIONS
from appliance.settings import Settings
