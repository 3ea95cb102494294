"""Sample studies for a first run, brought in or rendered on this machine."""

from appliance.node.samples.pull import SampleStudy, pull_samples

__all__ = ["SampleStudy", "pull_samples"]
