"""Who may do what: the roles of people and the permissions each of them has, as one table.

Pages, API routes and tokens ask for a permission, never for a role, so that this table is the only place to change.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType


class UserRole(StrEnum):
    """What somebody is to the appliance; one person may be several."""

    RADIOLOGIST = "radiologist"
    PACS_ADMIN = "pacs-admin"
    AI_LEAD = "ai-lead"
    AUDITOR = "auditor"


class Permission(StrEnum):
    """One thing that can be allowed. `...:read` shows, the others change something."""

    ACCOUNT = "account"
    """One's own account: password, appearance, tokens."""
    STUDIES_READ = "studies:read"
    """Worklist, study pages and results, without who the patient is."""
    PATIENTS_READ = "patients:read"
    """Name, identifiers and dates of patients, wherever they stand."""
    DICOM_READ = "dicom:read"
    """Images and results as DICOM objects, which carry the patient: DICOMweb and the viewer."""
    STORE = "dicom:store"
    """Storing objects through DICOMweb."""
    WORKLIST_CLAIM = "worklist:claim"
    FEEDBACK_GIVE = "feedback:give"
    FEEDBACK_READ = "feedback:read"
    STUDIES_RUN = "studies:run"
    """Running a model again, or on another series."""
    RESULTS_WITHDRAW = "results:withdraw"
    RESULTS_SEND = "results:send"
    NODE_READ = "node:read"
    """Overview and system: services, queue, times, disk, versions; nothing of any patient."""
    WORKITEMS_READ = "workitems:read"
    WORKITEMS_MANAGE = "workitems:manage"
    RULES_READ = "rules:read"
    RULES_EDIT = "rules:edit"
    DESTINATIONS_READ = "destinations:read"
    DESTINATIONS_EDIT = "destinations:edit"
    MODELS_READ = "models:read"
    MODELS_MANAGE = "models:manage"
    QUARANTINE_READ = "quarantine:read"
    QUARANTINE_MANAGE = "quarantine:manage"
    USERS_READ = "users:read"
    USERS_MANAGE = "users:manage"
    AUDIT_READ = "audit:read"
    SYSTEM_MANAGE = "system:manage"


_P = Permission

PERMISSIONS: Mapping[UserRole, frozenset[Permission]] = MappingProxyType(
    {
        UserRole.RADIOLOGIST: frozenset(
            {
                _P.ACCOUNT,
                _P.STUDIES_READ,
                _P.PATIENTS_READ,
                _P.DICOM_READ,
                _P.STORE,
                _P.WORKLIST_CLAIM,
                _P.FEEDBACK_GIVE,
                _P.STUDIES_RUN,
                _P.RESULTS_WITHDRAW,
                _P.RESULTS_SEND,
                _P.MODELS_READ,
            }
        ),
        UserRole.PACS_ADMIN: frozenset(
            {
                _P.ACCOUNT,
                _P.STUDIES_READ,
                _P.PATIENTS_READ,
                _P.DICOM_READ,
                _P.STORE,
                _P.STUDIES_RUN,
                _P.RESULTS_WITHDRAW,
                _P.RESULTS_SEND,
                _P.NODE_READ,
                _P.WORKITEMS_READ,
                _P.WORKITEMS_MANAGE,
                _P.RULES_READ,
                _P.RULES_EDIT,
                _P.DESTINATIONS_READ,
                _P.DESTINATIONS_EDIT,
                _P.MODELS_READ,
                _P.QUARANTINE_READ,
                _P.QUARANTINE_MANAGE,
                _P.USERS_READ,
                _P.USERS_MANAGE,
                _P.AUDIT_READ,
                _P.SYSTEM_MANAGE,
            }
        ),
        UserRole.AI_LEAD: frozenset(
            {
                _P.ACCOUNT,
                _P.STUDIES_READ,
                _P.STUDIES_RUN,
                _P.FEEDBACK_READ,
                _P.NODE_READ,
                _P.WORKITEMS_READ,
                _P.RULES_READ,
                _P.DESTINATIONS_READ,
                _P.MODELS_READ,
                _P.MODELS_MANAGE,
            }
        ),
        UserRole.AUDITOR: frozenset({_P.ACCOUNT, _P.NODE_READ, _P.RULES_READ, _P.USERS_READ, _P.AUDIT_READ}),
    }
)
"""Role -> what it may do. Auditors and AI leads see no patient."""


def permissions_of(roles: Iterable[UserRole]) -> frozenset[Permission]:
    """What somebody with these roles may do; nothing without a role."""
    return frozenset().union(*(PERMISSIONS[role] for role in roles))
