"""Claiming, releasing and finishing readings, with a line in the audit trail for each."""

from collections.abc import Callable

from appliance.domain.audit import Actor, AuditEntry, AuditKind, Outcome
from appliance.domain.errors import LedgerError
from appliance.domain.identifiers import StudyInstanceUID
from appliance.domain.reading import Reading
from appliance.services.audit import Audit
from appliance.store.reading_room import Performer, ReadingRoom


class ReadingDesk:
    """Every change of a reading goes through here. Raises what ReadingRoom raises."""

    def __init__(self, room: ReadingRoom, audit: Audit) -> None:
        self.room = room
        self._audit = audit

    def claim(self, study: StudyInstanceUID, by: Performer, actor: Actor, transaction_uid: str = "") -> Reading:
        """Claim it."""
        return self._noted(AuditKind.STUDY_CLAIMED, study, actor, lambda: self.room.claim(study, by, transaction_uid))

    def release(self, study: StudyInstanceUID, by: Performer, actor: Actor, transaction_uid: str = "") -> Reading:
        """Let go of it."""
        return self._noted(
            AuditKind.STUDY_RELEASED, study, actor, lambda: self.room.release(study, by, transaction_uid)
        )

    def complete(self, study: StudyInstanceUID, by: Performer, actor: Actor, transaction_uid: str = "") -> Reading:
        """It is read."""
        return self._noted(AuditKind.STUDY_READ, study, actor, lambda: self.room.complete(study, by, transaction_uid))

    def _noted(self, kind: AuditKind, study: StudyInstanceUID, actor: Actor, deed: Callable[[], Reading]) -> Reading:
        """The trail has it before it is done, and once more if it could not be done."""
        self._audit.record(AuditEntry(kind=kind, actor=actor, study_instance_uid=study))
        try:
            return deed()
        except LedgerError as error:
            refused = AuditEntry(
                kind=kind, actor=actor, outcome=Outcome.MINOR_FAILURE, study_instance_uid=study, about=error.code
            )
            self._audit.record(refused)
            raise
