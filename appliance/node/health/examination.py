"""All checks in the order in which an administrator reads them: the machine first, the way of a study last."""

from collections.abc import Iterator
from dataclasses import dataclass

from appliance.bootstrap import Appliance
from appliance.domain.errors import ApplianceError
from appliance.node import supervision
from appliance.node.health import catalogue, machine, peers, protection, quarantine, services, software, whole_way, work
from appliance.node.health.check import Check, Line, Look, examine, ok
from appliance.node.services import DEMO_PACS
from appliance.settings import Settings
from appliance.store.schema_version import schema_version


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much is looked at beyond what costs nothing. deep: hashes and golden cases. whole_way: a synthetic study."""

    deep: bool = False
    whole_way: bool = False


def examination(settings: Settings, node: Appliance, extent: Extent) -> Iterator[Check]:
    """One check after another, as they are made; a failing one does not keep the others from being made."""
    for group, part, look in _looks(settings, node, extent):
        yield from examine(group, part, look)


def _looks(settings: Settings, node: Appliance, extent: Extent) -> Iterator[tuple[str, str, Look]]:
    supervised = supervision.status(settings)
    demo = any(service.name == DEMO_PACS for service in supervised)
    lives = services.anything_lives(settings)
    running = bool(supervised) or lives
    remembers = _has_ledger(settings)
    yield "Machine", "settings", lambda: _settings(settings)
    yield "Machine", "disk", lambda: machine.disk(settings)
    if running:
        yield "Machine", "Orthanc's limit", lambda: machine.storage(settings, node)
    if supervised or not lives:  # the ports of containers and of systemd's services are theirs to give
        yield "Machine", "ports", lambda: machine.open_ports(settings, demo=demo)
    yield "Machine", "clock", lambda: machine.clock(settings, node)
    if remembers:
        yield "Machine", "clock", lambda: machine.clock_and_ledger(node)
    yield "Machine", "secrets", lambda: protection.secrets(settings)
    yield "Machine", "DICOM TLS", lambda: protection.certificates(settings)
    yield "Software", "system packages", lambda: software.programs(settings)
    yield "Software", "appliance", lambda: software.python(settings)
    yield "Models and rules", "models", lambda: catalogue.models(node, deep=extent.deep)
    yield "Models and rules", "rules", lambda: catalogue.rules(node, remembers=remembers)
    yield "Work", "ledger", lambda: work.ledger(settings)
    if remembers:
        yield "Work", "work", lambda: work.work(node)
        yield "Work", "quarantine", lambda: quarantine.quarantine(settings, node)
    if running:
        yield "Work", "queue", lambda: work.queue(settings)
    yield "Services", "services", lambda: services.services(settings)
    yield "Services", "Orthanc crashes", lambda: quarantine.orthanc_crashes(settings)
    if running:
        yield "Services", "Orthanc answers", lambda: services.answers(settings, node)
    yield "Peers", "destinations", lambda: peers.destinations(node)
    if remembers:
        yield "Peers", "senders", lambda: peers.senders(settings, node)
    yield "Peers", "senders", lambda: peers.nobody_may_send(settings)
    yield "Peers", "DICOM port", lambda: peers.admission(settings)
    if extent.whole_way:
        yield "Whole way", "whole way", lambda: whole_way.whole_way(settings, node)


def _has_ledger(settings: Settings) -> bool:
    """Whether the ledger can be read as it is: looking at it must neither make nor migrate it."""
    try:
        return schema_version(settings.ledger_url).is_current
    except ApplianceError:
        return False


def _settings(settings: Settings) -> Iterator[Line]:
    yield ok("settings", f"home {settings.home}, state {settings.state}")
