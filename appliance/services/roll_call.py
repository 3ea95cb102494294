"""What Orthanc holds of a study and we do not know yet: announcements may be late, lost, or waiting their turn."""

from appliance.domain.identifiers import StudyInstanceUID
from appliance.store.instances import Instances
from appliance.study.orthanc import OrthancClient

_TOGETHER = 1000


class RollCall:
    """Compares Orthanc's index with the ledger."""

    def __init__(self, orthanc: OrthancClient, instances: Instances) -> None:
        self._orthanc = orthanc
        self._instances = instances

    def missing(self, study: StudyInstanceUID) -> tuple[str, ...]:
        """Orthanc's ids of what was neither taken over nor set aside. Raises OrthancUnavailable."""
        held = sorted(self._orthanc.instances_of_study(study))
        missing: list[str] = []
        for start in range(0, len(held), _TOGETHER):
            part = held[start : start + _TOGETHER]
            known = self._instances.known(part)
            missing += [uid for uid in part if uid not in known]
        return tuple(missing)
