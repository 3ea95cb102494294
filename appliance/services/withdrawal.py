"""Takes superseded results out of the node's own Orthanc, once what replaces them is there.

They are deleted rather than marked: viewers of the node show whatever Orthanc holds, and Orthanc knows no rejection
notes. Nothing is lost, since the ledger keeps every result and its file. Other places get a rejection note instead,
where they take one.
"""

from appliance.logs import get_logger
from appliance.store.withdrawals import Withdrawals
from appliance.study.orthanc import OrthancClient

_log = get_logger(__name__)


class Withdrawal:
    """Safe to be asked twice, and to be interrupted at any moment."""

    def __init__(self, withdrawals: Withdrawals, orthanc: OrthancClient) -> None:
        self._withdrawals = withdrawals
        self._orthanc = orthanc

    def withdraw(self) -> int:
        """Delete what has been replaced; how many objects. Raises OrthancUnavailable."""
        replaced = self._withdrawals.to_withdraw()
        for delivery in replaced:
            self._orthanc.remove_instance(delivery.sop_instance_uid)
            self._withdrawals.withdrawn(delivery)
            _log.info("withdrawn", workitem=delivery.workitem_uid, kind=delivery.kind.value)
        return len(replaced)
