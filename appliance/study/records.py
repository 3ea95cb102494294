"""Instances as JSON, for the ledger: a round trip that loses nothing."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from appliance.domain.identifiers import SOPInstanceUID
from appliance.domain.study import AttributeValue, Instance


def to_json(instance: Instance) -> dict[str, Any]:
    """`instance` as what `json.dumps` takes; several values become lists."""
    return {
        "sop_instance_uid": instance.sop_instance_uid,
        "sop_class_uid": instance.sop_class_uid,
        "transfer_syntax_uid": instance.transfer_syntax_uid,
        "number_of_frames": instance.number_of_frames,
        "attributes": {
            key: list(value) if isinstance(value, tuple) else value for key, value in instance.attributes.items()
        },
    }


def from_json(record: Mapping[str, Any]) -> Instance:
    """The instance that `to_json` wrote."""
    attributes: dict[str, AttributeValue] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in record["attributes"].items()
    }
    return Instance(
        sop_instance_uid=SOPInstanceUID(record["sop_instance_uid"]),
        sop_class_uid=record["sop_class_uid"],
        transfer_syntax_uid=record["transfer_syntax_uid"],
        number_of_frames=record["number_of_frames"],
        attributes=MappingProxyType(attributes),
    )
