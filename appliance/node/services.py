"""The services of the node: what runs, with which command, in which order."""

import socket
import sys
from dataclasses import dataclass
from pathlib import Path

from appliance.node.files import private_folder, write_private
from appliance.node.orthanc_config import demo_pacs_configuration, node_configuration, write_configuration
from appliance.node.system import find_orthanc, find_redis
from appliance.settings import EVERYWHERE, SecretName, Settings

CELERY_APP = "appliance.worker.app"
WEB_MODULE = "appliance.web.serve"
DEMO_PACS = "demo-pacs"
ORTHANC = "orthanc"
OUR_SERVICES = ("scheduler", "web", "worker-inference-cpu", "worker-inference-gpu", "worker-planning")
"""Those that give signs of life (`services.presence`); foreign programs are asked instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One supervised program. Lower `order` starts earlier and stops later."""

    name: str
    command: tuple[str, ...]
    order: int


def prepare_services(settings: Settings, *, demo: bool) -> tuple[Service, ...]:
    """Write the configuration of every service into the state folder and say how each is started.

    Raises SettingsError where a system package is missing.
    """
    private_folder(settings.state)
    for secret in SecretName:
        settings.secrets.get(secret)
    installation = find_orthanc(settings)
    run = private_folder(settings.state / "run")
    orthanc = write_configuration(run / "orthanc.json", node_configuration(settings, installation))
    services = [
        Service(name="redis", command=(str(find_redis()), str(_redis_configuration(settings, run))), order=10),
        Service(name=ORTHANC, command=_watched(settings, installation.binary, orthanc), order=20),
        *our_services(settings).values(),
    ]
    if demo:
        pacs = write_configuration(run / "demo-pacs.json", demo_pacs_configuration(settings, installation))
        services.append(Service(name=DEMO_PACS, command=(str(installation.binary), str(pacs)), order=20))
    return tuple(sorted(services, key=lambda service: (service.order, service.name)))


def our_services(settings: Settings) -> dict[str, Service]:
    """The services that are programs of ours, by name; nothing is written for them."""
    web = Service(name="web", command=(sys.executable, "-m", WEB_MODULE), order=30)
    return {service.name: service for service in (web, *_workers(settings))}


def pages_url(settings: Settings) -> str:
    """Where people reach the pages."""
    web = settings.web
    if web.tls_certificate is None:
        return f"http://{web.host}:{web.port}/"
    host = socket.getfqdn() if web.tls_bind == EVERYWHERE else web.tls_bind
    return f"https://{host}:{web.tls_port}/"


def _watched(settings: Settings, binary: Path, configuration: Path) -> tuple[str, ...]:
    """Orthanc under the eyes of whoever writes down what it died of."""
    module = "appliance.node.watched_orthanc"
    return (sys.executable, "-m", module, str(settings.crashes), str(binary), str(configuration))


def _workers(settings: Settings) -> list[Service]:
    """Planning and delivery share one worker, each device has its own: one process, many threads, warm models."""
    worker = settings.worker
    services = [
        _worker("worker-planning", ("planning", "delivery"), worker.planning_threads),
        _worker("worker-inference-cpu", ("inference-cpu",), worker.inference_threads),
        Service(name="scheduler", command=_scheduler(settings), order=50),
    ]
    if worker.gpu:
        services.append(_worker("worker-inference-gpu", ("inference-gpu",), worker.inference_threads))
    return services


def _worker(name: str, queues: tuple[str, ...], threads: int) -> Service:
    options = ("--pool", "threads", "--concurrency", str(threads), "--queues", ",".join(queues))
    quiet = ("--without-gossip", "--without-mingle", "--loglevel", "INFO")
    return Service(name=name, command=(*_celery(), "worker", "--hostname", f"{name}@%h", *options, *quiet), order=40)


def _scheduler(settings: Settings) -> tuple[str, ...]:
    return (*_celery(), "beat", "--schedule", str(settings.state / "run" / "schedule"), "--pidfile", "")


def _celery() -> tuple[str, ...]:
    return (sys.executable, "-m", "celery", "--app", CELERY_APP)


def _redis_configuration(settings: Settings, run: Path) -> Path:
    """Loopback, a password, and an append-only file: the ledger survives without it, but restarts are quicker."""
    folder = private_folder(settings.state / "redis")
    lines = (
        f"bind {settings.redis.host}",
        f"port {settings.redis.port}",
        "protected-mode yes",
        f"requirepass {settings.secrets.get(SecretName.REDIS)}",
        f"dir {_quoted(folder)}",
        "appendonly yes",
        "appendfsync everysec",
        'save ""',
        "maxmemory-policy noeviction",
        "daemonize no",
    )
    return write_private(run / "redis.conf", "\n".join(lines) + "\n")


def _quoted(path: Path) -> str:
    text = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
