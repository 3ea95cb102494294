"""What a support engineer needs to see, in one file, without anything that belongs to a patient or opens a door.

Never in it: images, result objects, report texts, header values, secrets. UIDs of studies, series, instances and
workitems are replaced by hashes that mean something inside the file only.
"""

import json
import os
import re
import zipfile
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from appliance import __version__
from appliance.bootstrap import Appliance
from appliance.domain.errors import ApplianceError, SettingsError
from appliance.node import supervision
from appliance.node.health.examination import Extent, examination
from appliance.node.health.software import all_packages
from appliance.node.scrubbing import Scrubber
from appliance.services.presence import code_fingerprint, signs
from appliance.settings import Settings
from appliance.store.statistics import Failure, Statistics

LOG_BYTES = 2_000_000
"""Of each log, its end."""

_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_README = """What is in this file

versions.json   the program, its libraries, this system
settings.json   the settings; passwords are left out
doctor.json     what `appliance doctor` says
services.json   services as the supervisor sees them, and their signs of life
models.json     model packages and which of them are active
ledger.json     counts: studies, workitems, deliveries
failures.json   the newest failures: when, what kind, which code
logs/           the end of each service's log

What is not: images, results, report texts, header values, passwords, tokens, keys. UIDs are replaced by hashes that
can be compared within this file and lead nowhere else. Host names, addresses and AE titles of your network are in it.
"""


def write_bundle(file: Path, settings: Settings, node: Appliance) -> tuple[str, ...]:
    """Write the bundle, readable by its owner only; the names of what is in it.

    The file is there whole or not at all.
    """
    scrub = Scrubber(_secrets(settings))
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    names = []
    try:
        with (
            os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream,
            zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as bundle,
        ):
            for name, text in _parts(settings, node, scrub):
                bundle.writestr(name, scrub(text))
                names.append(name)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
    return tuple(names)


def _parts(settings: Settings, node: Appliance, scrub: Scrubber) -> Iterator[tuple[str, str]]:
    yield "README.txt", _README
    yield "versions.json", _json(_versions())
    yield "settings.json", _json(_settings(settings))
    yield "doctor.json", _json([asdict(check) for check in examination(settings, node, Extent())])
    yield "services.json", _json(_services(settings))
    yield "models.json", _json(_models(node))
    yield "ledger.json", _json(_ledger(node))
    yield "failures.json", _json(_failures(node, scrub))
    for log in sorted((settings.state / "logs").glob("*.log*")):
        yield f"logs/{log.name}", _end_of(log)


def _versions() -> dict[str, Any]:
    return {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "appliance": __version__,
        "code": code_fingerprint(),
        "system": dict(zip(("sysname", "node", "release", "version", "machine"), os.uname(), strict=True)),
        "packages": dict(all_packages()),
    }


def _settings(settings: Settings) -> dict[str, Any]:
    content: dict[str, Any] = settings.model_dump(mode="json")
    content["database_url"] = _without_password(settings.database_url)
    return content


def _without_password(url: str) -> str:
    try:
        return make_url(url).render_as_string(hide_password=True) if url else ""
    except ArgumentError:
        return "[not readable]"


def _services(settings: Settings) -> dict[str, Any]:
    return {
        "supervised": [asdict(service) for service in supervision.status(settings)],
        "signs": [asdict(sign) for sign in signs(settings.signs)],
    }


def _models(node: Appliance) -> list[dict[str, Any]]:
    return [
        {
            "name": state.name,
            "active": state.active,
            "problem": state.problem.code if state.problem else None,
            "files": {name: file.sha256 for name, file in state.package.files.items()} if state.package else {},
        }
        for state in node.catalogue.states()
    ]


def _ledger(node: Appliance) -> dict[str, Any]:
    try:
        return asdict(Statistics(node.ledger).figures())
    except ApplianceError as error:
        return {"error": error.code}


def _failures(node: Appliance, scrub: Scrubber) -> list[dict[str, Any]]:
    try:
        return [_failure(failure, scrub) for failure in Statistics(node.ledger).newest_failures()]
    except ApplianceError:
        return []


def _failure(failure: Failure, scrub: Scrubber) -> dict[str, Any]:
    """Numbers and codes of its detail; a free text may quote a header, and stays here."""
    detail = {
        key: value
        for key, value in failure.detail.items()
        if isinstance(value, int | float) or (isinstance(value, str) and _CODE.fullmatch(value))
    }
    return {
        "at": failure.at,
        "kind": failure.kind,
        "code": failure.code,
        "study": scrub.uid(failure.study_instance_uid),
        "series": scrub.uid(failure.series_instance_uid) if failure.series_instance_uid else None,
        "workitem": scrub.uid(failure.workitem_uid) if failure.workitem_uid else None,
        "detail": detail,
    }


def _end_of(log: Path) -> str:
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - LOG_BYTES))
        return stream.read().decode("utf-8", errors="replace")


def _secrets(settings: Settings) -> Iterator[str]:
    """Every secret of the installation that can be read here."""
    files = [path for path in settings.secrets.folder.glob("*") if path.is_file()]
    files += [place.password_file for place in settings.destinations if place.password_file]
    for file in files:
        if file.is_file():
            yield file.read_text(encoding="utf-8", errors="replace").strip()
    try:
        yield _password_of(settings.ledger_url)
    except SettingsError:
        return


def _password_of(url: str) -> str:
    try:
        return str(make_url(url).password or "") if url else ""
    except ArgumentError:
        return url


def _json(content: Any) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False, default=str) + "\n"
