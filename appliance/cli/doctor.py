"""`appliance doctor`: every part that a study needs, checked, with what to do about what is wrong."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import typer

from appliance.cli import context
from appliance.cli.output import ExitCode, JsonOption, show
from appliance.domain.errors import ApplianceError, WeightsMissing
from appliance.node import supervision
from appliance.node.system import missing_packages

OK, WARNING, FAILED = "ok", "warning", "failed"
_LOW_DISK_GIB = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One part, how it is, and what to do."""

    part: str
    state: str
    detail: str
    do: str = ""


def doctor(as_json: JsonOption = False) -> None:
    """Check settings, system packages, models, rules, ledger, disk, services, Orthanc and destinations."""
    checks = [result for part, check in _CHECKS.items() for result in _guarded(part, check)]
    columns = {"part": "Part", "state": "State", "detail": "Detail", "do": "Do"}
    show([asdict(check) for check in checks], columns, as_json=as_json)
    if any(check.state == FAILED for check in checks):
        raise typer.Exit(ExitCode.FAILED)


def _guarded(part: str, check: Callable[[], Iterator[Check]]) -> Iterator[Check]:
    try:
        yield from check()
    except ApplianceError as error:
        yield Check(part=part, state=FAILED, detail=str(error), do=error.remedy)
    except OSError as error:
        yield Check(
            part=part, state=FAILED, detail=f"{error.strerror} ({error.filename})", do="Mend or free this file."
        )


def _settings() -> Iterator[Check]:
    settings = context.settings()
    yield Check(part="settings", state=OK, detail=f"home {settings.home}, state {settings.state}")


def _system() -> Iterator[Check]:
    missing = missing_packages(context.settings())
    if missing:
        names = " ".join(missing)
        yield Check(part="system packages", state=FAILED, detail=f"missing: {names}", do=f"apt-get install {names}")
    else:
        yield Check(part="system packages", state=OK, detail="Orthanc, its plugins and Redis are there")


def _models() -> Iterator[Check]:
    for state in context.appliance().catalogue.states():
        if isinstance(state.problem, WeightsMissing):
            yield Check(part=state.name, state=WARNING, detail=state.problem.what, do=state.problem.remedy)
        elif state.problem:
            yield Check(part=state.name, state=FAILED, detail=str(state.problem), do=state.problem.remedy)
        else:
            yield Check(part=state.name, state=OK, detail="active" if state.active else "off")


def _rules() -> Iterator[Check]:
    rules = context.appliance().rules()
    yield Check(part="rules", state=OK, detail=", ".join(rule.name for rule in rules))


def _ledger() -> Iterator[Check]:
    depth = context.appliance().outbox.depth()
    detail = ", ".join(f"{count} {state}" for state, count in depth.items()) or "no deliveries yet"
    stuck = context.appliance().outbox.stuck()
    if stuck:
        names = ", ".join(sorted({delivery.destination for delivery in stuck}))
        yield Check(
            part="deliveries", state=WARNING, detail=f"{len(stuck)} stuck: {names}", do="appliance studies show UID"
        )
    yield Check(part="ledger", state=OK, detail=detail)


def _disk() -> Iterator[Check]:
    state = context.settings().state
    state.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(state).free / 2**30
    low = free < _LOW_DISK_GIB
    yield Check(
        part="disk",
        state=WARNING if low else OK,
        detail=f"{free:.0f} GiB free",
        do="Free space, or lower orthanc.maximum_storage_mib." if low else "",
    )


def _services() -> Iterator[Check]:
    services = supervision.status(context.settings())
    if not services:
        yield Check(part="services", state=WARNING, detail="the node does not run", do="appliance up")
    for service in services:
        good = service.is_running
        log = context.settings().state / "logs" / f"{service.name}.log"
        yield Check(
            part=service.name, state=OK if good else FAILED, detail=service.state, do="" if good else f"Read {log}"
        )
    if services:
        system = context.appliance().orthanc.system()
        yield Check(part="Orthanc answers", state=OK, detail=f"version {system['Version']}, {system['DicomAet']}")


def _destinations() -> Iterator[Check]:
    for name in context.appliance().destinations:
        context.appliance().echo(name)
        yield Check(part=f"destination {name}", state=OK, detail="answers")


_CHECKS: dict[str, Callable[[], Iterator[Check]]] = {
    "settings": _settings,
    "system packages": _system,
    "disk": _disk,
    "models": _models,
    "rules": _rules,
    "ledger": _ledger,
    "services": _services,
    "destinations": _destinations,
}
