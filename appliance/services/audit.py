"""Where duties put what has to stand in the audit trail."""

from typing import Protocol

from appliance.domain.audit import AuditEntry


class Audit(Protocol):
    """Takes entries. In the appliance it is `store.audit_trail.AuditTrail`."""

    def record(self, entry: AuditEntry) -> None:
        """Keep the entry for good, at the moment of now. Raises LedgerUnavailable: then the deed must not be done."""
        ...
