"""The services: running, alive, of this version, and answering."""

from collections.abc import Iterator

import httpx

from appliance.bootstrap import Appliance
from appliance.node import supervision
from appliance.node.health.check import Line, failed, ok, warning
from appliance.node.services import OUR_SERVICES
from appliance.node.supervision import ServiceStatus
from appliance.services.presence import Sign, code_fingerprint, signs
from appliance.settings import SecretName, Settings

_ALWAYS = tuple(name for name in OUR_SERVICES if name != "worker-inference-gpu")
_TIMEOUT_S = 5.0


def services(settings: Settings) -> Iterator[Line]:
    """Every service of the supervisor, or, where something else starts them (containers, systemd), by their signs."""
    supervised = supervision.status(settings)
    given = {sign.service: sign for sign in sorted(signs(settings.signs), key=lambda sign: -sign.age_s)}
    if not supervised and not given:
        yield warning("services", "the node does not run", "Start it with `appliance up`.")
        return
    for service in supervised:
        yield _supervised(settings, service, given.get(service.name))
    if not supervised:
        for name in sorted({*_ALWAYS, *given}):
            yield _alive(name, given.get(name), "its log (docker compose logs, journalctl)")


def _supervised(settings: Settings, service: ServiceStatus, sign: Sign | None) -> Line:
    log = settings.state / "logs" / f"{service.name}.log"
    if not service.is_running:
        return failed(service.name, service.state, f"Read {log}")
    if service.name not in OUR_SERVICES:
        return ok(service.name, f"process {service.pid}")
    return _alive(service.name, sign, str(log))


def _alive(name: str, sign: Sign | None, log: str) -> Line:
    if sign is None:
        return failed(name, "gives no sign of life", f"Read {log}; restart the service.")
    if not sign.is_fresh:
        return failed(name, f"silent for {sign.age_s:.0f} s", f"It hangs or was killed: read {log}, then restart it.")
    if sign.code != code_fingerprint():
        return failed(name, f"runs version {sign.version}, code {sign.code}", "Restart the node: appliance up")
    return ok(name, f"process {sign.pid}, version {sign.version}")


def anything_lives(settings: Settings) -> bool:
    """Whether some service of ours gives a sign, whoever started it."""
    return any(sign.is_fresh for sign in signs(settings.signs))


def answers(settings: Settings, node: Appliance) -> Iterator[Line]:
    """Orthanc and the web service answer."""
    system = node.orthanc.system()
    if system["DicomAet"] != settings.dicom.aet:
        do = "Restart the node: another AE title was set since it was started."
        yield failed("Orthanc answers", f"AE title {system['DicomAet']}, the settings say {settings.dicom.aet}", do)
    else:
        yield ok("Orthanc answers", f"version {system['Version']}, AE title {system['DicomAet']}")
    yield _web(settings)


def _web(settings: Settings) -> Line:
    token = settings.secrets.get(SecretName.ANNOUNCEMENTS)
    url = f"http://{settings.web.host}:{settings.web.port}/ready"
    try:
        answer = httpx.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=_TIMEOUT_S, trust_env=False)
    except httpx.HTTPError as error:
        return failed("web service answers", type(error).__name__, "Read state/logs/web.log.")
    if answer.status_code == httpx.codes.OK:
        return ok("web service answers", "ready")
    missing = ", ".join(f"{name}: {code}" for name, code in answer.json().get("failed", {}).items())
    return failed("web service answers", missing or f"status {answer.status_code}", "Mend what it names; see above.")
