"""What must answer before the node is ready: ledger, queue, Orthanc."""

from collections.abc import Callable, Mapping

import httpx
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from appliance.domain.errors import ApplianceError, LedgerError, OrthancUnavailable
from appliance.logs import get_logger
from appliance.settings import ORTHANC_USER, SecretName, Settings
from appliance.store.engine import Ledger
from appliance.web.queue import AnnouncementQueue

Check = Callable[[], None]
_TIMEOUT_S = 5.0
_log = get_logger(__name__)


def checks(settings: Settings, queue: AnnouncementQueue) -> Mapping[str, Check]:
    """Component -> a function that raises an ApplianceError unless it answers."""
    ledger = Ledger(settings.ledger_url)
    return {
        "ledger": lambda: _check_ledger(ledger),
        "queue": queue.check,
        "orthanc": lambda: _check_orthanc(settings),
    }


def failures(components: Mapping[str, Check]) -> dict[str, str]:
    """Component -> error code, of those that do not answer."""
    failed = {}
    for name, check in components.items():
        try:
            check()
        except ApplianceError as error:
            _log.warning("not ready", component=name, reason=str(error))
            failed[name] = error.code
    return failed


def _check_ledger(ledger: Ledger) -> None:
    try:
        with ledger.connection() as connection:
            connection.execute(text("SELECT 1 FROM alembic_version"))
    except SQLAlchemyError as error:
        raise LedgerError(type(error).__name__) from error


def _check_orthanc(settings: Settings) -> None:
    login = (ORTHANC_USER, settings.secrets.get(SecretName.ORTHANC))
    try:
        httpx.get(f"{settings.orthanc_url}/system", auth=login, timeout=_TIMEOUT_S, trust_env=False).raise_for_status()
    except httpx.HTTPError as error:
        raise OrthancUnavailable(type(error).__name__) from error
