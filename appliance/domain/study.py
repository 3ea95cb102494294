"""Study, series and instance as their headers describe them (PS3.3 C.7); no pixel data."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from appliance.domain.identifiers import SeriesInstanceUID, SOPInstanceUID, StudyInstanceUID

AttributeValue = str | float | int | tuple[str, ...] | tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One SOP instance: its identity and the attributes by DICOM keyword that geometry and selection read.

    `attributes` holds only what the header had, under DICOM keywords: numbers (DS, IS, US, FD) as float or int,
    several values as a tuple, everything else as stripped str. Enhanced multi-frame attributes that are the same in all
    frames (shared functional groups) are lifted to the top level.
    """

    sop_instance_uid: SOPInstanceUID
    sop_class_uid: str
    transfer_syntax_uid: str
    number_of_frames: int = 1
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One series: General Series Module attributes, and its instances in no particular order.

    `attributes` are those that all instances share (same value everywhere), by DICOM keyword.
    """

    series_instance_uid: SeriesInstanceUID
    modality: str
    instances: tuple[Instance, ...]
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict, compare=False, repr=False)

    @property
    def sop_instance_uids(self) -> tuple[SOPInstanceUID, ...]:
        """Sorted, so that the order of arrival changes nothing."""
        return tuple(sorted(instance.sop_instance_uid for instance in self.instances))

    @property
    def number_of_frames(self) -> int:
        """Frames over all instances."""
        return sum(instance.number_of_frames for instance in self.instances)


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """One study and what arrived of it. Patient attributes stay in `attributes` and are never in the repr."""

    study_instance_uid: StudyInstanceUID
    series: tuple[Series, ...]
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict, compare=False, repr=False)

    def series_by_uid(self, uid: SeriesInstanceUID) -> Series:
        """The series of that UID; KeyError if the study has none."""
        for series in self.series:
            if series.series_instance_uid == uid:
                return series
        raise KeyError(uid)
