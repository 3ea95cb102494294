"""What the audit trail speaks of, in the words of the DICOM audit message vocabulary (PS3.15 A.5)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class Action(StrEnum):
    """Event Action Code (PS3.15 A.5.1)."""

    CREATE = "C"
    READ = "R"
    UPDATE = "U"
    DELETE = "D"
    EXECUTE = "E"


class Outcome(StrEnum):
    """Event Outcome Indicator (PS3.15 A.5.1)."""

    SUCCESS = "0"
    MINOR_FAILURE = "4"
    SERIOUS_FAILURE = "8"


@dataclass(frozen=True, slots=True)
class Code:
    """A code of the DICOM Controlled Terminology (DCM)."""

    value: str
    meaning: str


APPLICATION_ACTIVITY = Code("110100", "Application Activity")
AUDIT_LOG_USED = Code("110101", "Audit Log Used")
INSTANCES_ACCESSED = Code("110103", "DICOM Instances Accessed")
EXPORT = Code("110106", "Export")
IMPORT = Code("110107", "Import")
QUERY = Code("110112", "Query")
SECURITY_ALERT = Code("110113", "Security Alert")
USER_AUTHENTICATION = Code("110114", "User Authentication")
LOGIN = Code("110122", "Login")
LOGOUT = Code("110123", "Logout")
NETWORK_CONFIGURATION = Code("110128", "Network Configuration")
SECURITY_CONFIGURATION = Code("110129", "Security Configuration")
SOFTWARE_CONFIGURATION = Code("110131", "Software Configuration")
RESTRICTED_FUNCTION = Code("110132", "Use of Restricted Function")
ROLES_CHANGED = Code("110136", "Security Roles Changed")
USER_ATTRIBUTES_CHANGED = Code("110137", "User Security Attributes Changed")


class AuditKind(StrEnum):
    """What can stand in the trail; the stable names that searches and exports use."""

    SIGNED_IN = "signed-in"
    SIGN_IN_REFUSED = "sign-in-refused"
    SIGNED_OUT = "signed-out"
    ACCESS_REFUSED = "access-refused"
    ACCOUNT_CREATED = "account-created"
    ACCOUNT_REMOVED = "account-removed"
    ACCOUNT_LOCKED = "account-locked"
    ACCOUNT_UNLOCKED = "account-unlocked"
    PASSWORD_CHANGED = "password-changed"  # noqa: S105 - the name of an event
    ROLES_CHANGED = "roles-changed"
    TOKEN_ISSUED = "token-issued"  # noqa: S105 - the name of an event
    TOKEN_REVOKED = "token-revoked"  # noqa: S105 - the name of an event
    STUDY_OPENED = "study-opened"
    STUDIES_SEARCHED = "studies-searched"
    STUDY_CLAIMED = "study-claimed"
    STUDY_RELEASED = "study-released"
    STUDY_READ = "study-read"
    OBJECTS_STORED = "objects-stored"
    OBJECTS_EXPORTED = "objects-exported"
    STUDY_RUN = "study-run"
    FEEDBACK_GIVEN = "feedback-given"
    RESULT_SENT = "result-sent"
    RESULT_WITHDRAWN = "result-withdrawn"
    WORKITEM_MANAGED = "workitem-managed"
    RULES_CHANGED = "rules-changed"
    DESTINATION_CHANGED = "destination-changed"
    MODEL_CHANGED = "model-changed"
    QUARANTINE_MANAGED = "quarantine-managed"
    AUDIT_READ = "audit-read"
    AUDIT_EXPORTED = "audit-exported"


@dataclass(frozen=True, slots=True)
class DicomEvent:
    """Event ID, Event Type Code where there is one, and Event Action Code of an audit message."""

    event: Code
    action: Action
    type: Code | None = None


_U = USER_ATTRIBUTES_CHANGED

DICOM_EVENTS: Mapping[AuditKind, DicomEvent] = MappingProxyType(
    {
        AuditKind.SIGNED_IN: DicomEvent(USER_AUTHENTICATION, Action.EXECUTE, LOGIN),
        AuditKind.SIGN_IN_REFUSED: DicomEvent(USER_AUTHENTICATION, Action.EXECUTE, LOGIN),
        AuditKind.SIGNED_OUT: DicomEvent(USER_AUTHENTICATION, Action.EXECUTE, LOGOUT),
        AuditKind.ACCESS_REFUSED: DicomEvent(SECURITY_ALERT, Action.EXECUTE, RESTRICTED_FUNCTION),
        AuditKind.ACCOUNT_CREATED: DicomEvent(SECURITY_ALERT, Action.CREATE, _U),
        AuditKind.ACCOUNT_REMOVED: DicomEvent(SECURITY_ALERT, Action.DELETE, _U),
        AuditKind.ACCOUNT_LOCKED: DicomEvent(SECURITY_ALERT, Action.UPDATE, _U),
        AuditKind.ACCOUNT_UNLOCKED: DicomEvent(SECURITY_ALERT, Action.UPDATE, _U),
        AuditKind.PASSWORD_CHANGED: DicomEvent(SECURITY_ALERT, Action.UPDATE, _U),
        AuditKind.ROLES_CHANGED: DicomEvent(SECURITY_ALERT, Action.UPDATE, ROLES_CHANGED),
        AuditKind.TOKEN_ISSUED: DicomEvent(SECURITY_ALERT, Action.CREATE, _U),
        AuditKind.TOKEN_REVOKED: DicomEvent(SECURITY_ALERT, Action.DELETE, _U),
        AuditKind.STUDY_OPENED: DicomEvent(INSTANCES_ACCESSED, Action.READ),
        AuditKind.STUDIES_SEARCHED: DicomEvent(QUERY, Action.EXECUTE),
        AuditKind.STUDY_CLAIMED: DicomEvent(INSTANCES_ACCESSED, Action.UPDATE),
        AuditKind.STUDY_RELEASED: DicomEvent(INSTANCES_ACCESSED, Action.UPDATE),
        AuditKind.STUDY_READ: DicomEvent(INSTANCES_ACCESSED, Action.UPDATE),
        AuditKind.OBJECTS_STORED: DicomEvent(IMPORT, Action.CREATE),
        AuditKind.OBJECTS_EXPORTED: DicomEvent(EXPORT, Action.READ),
        AuditKind.STUDY_RUN: DicomEvent(INSTANCES_ACCESSED, Action.EXECUTE),
        AuditKind.FEEDBACK_GIVEN: DicomEvent(INSTANCES_ACCESSED, Action.UPDATE),
        AuditKind.RESULT_SENT: DicomEvent(EXPORT, Action.READ),
        AuditKind.RESULT_WITHDRAWN: DicomEvent(INSTANCES_ACCESSED, Action.DELETE),
        AuditKind.WORKITEM_MANAGED: DicomEvent(APPLICATION_ACTIVITY, Action.EXECUTE),
        AuditKind.RULES_CHANGED: DicomEvent(SECURITY_ALERT, Action.UPDATE, SOFTWARE_CONFIGURATION),
        AuditKind.DESTINATION_CHANGED: DicomEvent(SECURITY_ALERT, Action.UPDATE, NETWORK_CONFIGURATION),
        AuditKind.MODEL_CHANGED: DicomEvent(SECURITY_ALERT, Action.UPDATE, SOFTWARE_CONFIGURATION),
        AuditKind.QUARANTINE_MANAGED: DicomEvent(SECURITY_ALERT, Action.EXECUTE, SECURITY_CONFIGURATION),
        AuditKind.AUDIT_READ: DicomEvent(AUDIT_LOG_USED, Action.READ),
        AuditKind.AUDIT_EXPORTED: DicomEvent(AUDIT_LOG_USED, Action.READ),
    }
)
"""How each kind is said in an audit message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who did it, and from which network address; the command line says "cli" and the login of its user."""

    name: str
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One event as it is to be recorded.

    about: what it was done to (an account, a rule, a destination), never a patient.
    detail: further plain values; no patient data.
    """

    kind: AuditKind
    actor: Actor
    outcome: Outcome = Outcome.SUCCESS
    study_instance_uid: str | None = None
    about: str = ""
    detail: Mapping[str, str | int] = field(default_factory=dict)
