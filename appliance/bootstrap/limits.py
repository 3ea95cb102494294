"""Settings in the units that the adapters take."""

from datetime import timedelta

from appliance.settings import Settings
from appliance.study.objects import MIB, ReadLimits


def read_limits(settings: Settings) -> ReadLimits:
    """The bounds on what is read, in bytes."""
    limits = settings.limits
    return ReadLimits(
        file_bytes=limits.file_mib * MIB,
        frame_pixels=limits.frame_pixels,
        series_bytes=limits.series_mib * MIB,
        archive_members=limits.archive_members,
        gate=settings.gate_limits,
    )


def seconds(value: float) -> timedelta:
    """A span of time."""
    return timedelta(seconds=value)
