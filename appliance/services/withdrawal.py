"""Takes superseded results out of the node's own Orthanc, once what replaces them is there.

They are deleted rather than marked: viewers of the node show whatever Orthanc holds, and Orthanc knows no rejection
notes. Nothing is lost, since the ledger keeps every result and its file. Other places get a rejection note instead,
where they take one.
"""

from appliance.logs import get_logger
from appliance.store.outbox import Outbox
from appliance.study.orthanc import OrthancClient

_log = get_logger(__name__)


class Withdrawal:
    """Safe to be asked twice, and to be interrupted at any moment."""

    def __init__(self, outbox: Outbox, orthanc: OrthancClient) -> None:
        self._outbox = outbox
        self._orthanc = orthanc

    def withdraw(self) -> int:
        """Delete what has been replaced; how many objects. Raises OrthancUnavailable."""
        replaced = self._outbox.to_withdraw()
        for delivery in replaced:
            self._orthanc.remove_instance(delivery.sop_instance_uid)
            self._outbox.withdrawn(delivery)
            _log.info("withdrawn", workitem=delivery.workitem_uid, kind=delivery.kind.value)
        return len(replaced)
