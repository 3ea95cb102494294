"""Studies of a few headers."""

from typing import Any

from appliance.domain.identifiers import SeriesInstanceUID, SOPInstanceUID, StudyInstanceUID
from appliance.domain.study import AttributeValue, Instance, Series, Study


def series(
    uid: str, modality: str = "CT", frames: int = 1, *, came: dict[str, AttributeValue] | None = None, **attributes: Any
) -> Series:
    """A series of `frames` instances; `came` are the facts of their arrival."""
    instances = tuple(
        Instance(
            sop_instance_uid=SOPInstanceUID(f"{uid}.{index}"),
            sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
            transfer_syntax_uid="1.2.840.10008.1.2.1",
            attributes=came or {},
        )
        for index in range(frames)
    )
    return Series(
        series_instance_uid=SeriesInstanceUID(uid), modality=modality, instances=instances, attributes=attributes
    )


def study(*members: Series, **attributes: Any) -> Study:
    """A study of these series."""
    return Study(study_instance_uid=StudyInstanceUID("1.2"), series=members, attributes=attributes)
