"""Structured logs: one JSON object a line, with workitem and study UID, never with patient data.

Names, identifiers and dates of patients are dropped by key before anything is written, as the second line of defence;
the first is that nobody passes them.
"""

import logging
import sys
import warnings
from collections.abc import MutableMapping
from typing import Any

import structlog

_PATIENT_KEYS = ("patient", "birth", "accession", "referring", "text")


def _drop_patient_data(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key in [key for key in event if any(word in key.lower() for word in _PATIENT_KEYS)]:
        event[key] = "[withheld]"
    return event


def configure_logs(*, level: str = "INFO", readable: bool = False) -> None:
    """Send logs to standard error: JSON lines, or readable lines for a terminal."""
    renderer: Any = structlog.dev.ConsoleRenderer() if readable else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _drop_patient_data,
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level)),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    # warnings of libraries quote header values, and headers name patients
    warnings.simplefilter("ignore")
    for chatty in ("pynetdicom", "pydicom", "httpx", "highdicom"):
        logging.getLogger(chatty).setLevel(logging.ERROR)


def get_logger(name: str) -> Any:
    """A logger whose events are keyword arguments: `log.info("claimed", workitem=uid)`."""
    return structlog.get_logger(name)
