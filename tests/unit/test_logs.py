"""Logs: one JSON object a line, and no patient in it."""

import json
import logging
import warnings
from collections.abc import Iterator

import pytest
import structlog

from appliance.logs import configure_logs, get_logger


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Logging, warnings and structlog as they were."""
    before = structlog.get_config()
    levels = {name: logging.getLogger(name).level for name in ("pynetdicom", "pydicom", "httpx", "highdicom")}
    with warnings.catch_warnings():
        yield
    structlog.configure(**before)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def line(capsys: pytest.CaptureFixture[str], **values: object) -> dict[str, object]:
    get_logger("test").warning("happened", **values)
    data: dict[str, object] = json.loads(capsys.readouterr().err)
    return data


def test_a_line_is_one_json_object_with_level_and_utc_time(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs()
    data = line(capsys, study="1.2")
    assert (data["event"], data["level"], data["study"]) == ("happened", "warning", "1.2")
    assert str(data["timestamp"]).endswith("Z")


@pytest.mark.parametrize(
    "key", ["patient", "PatientName", "patient_id", "birth_date", "accession_number", "referring_physician", "text"]
)
def test_what_may_name_a_patient_is_withheld(capsys: pytest.CaptureFixture[str], key: str) -> None:
    configure_logs()
    assert line(capsys, **{key: "Doe^Jane"})[key] == "[withheld]"


def test_what_is_below_the_level_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(level="ERROR")
    get_logger("test").warning("happened")
    assert capsys.readouterr().err == ""


def test_a_terminal_gets_readable_lines(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(readable=True)
    get_logger("test").warning("happened", patient="Doe")
    said = capsys.readouterr().err
    assert "happened" in said
    assert "Doe" not in said


def test_libraries_that_quote_headers_are_kept_quiet() -> None:
    configure_logs()
    assert all(logging.getLogger(name).level == logging.ERROR for name in ("pydicom", "pynetdicom", "highdicom"))
