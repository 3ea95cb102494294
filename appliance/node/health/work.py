"""The ledger, the queue, and what waits in them."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from appliance.bootstrap import Appliance
from appliance.node.health.check import Line, failed, ok, warning
from appliance.settings import SecretName, Settings
from appliance.store.schema_version import schema_version
from appliance.store.statistics import Figures, Statistics

QUEUES = ("planning", "delivery", "inference-cpu", "inference-gpu")
_TIMEOUT_S = 5.0
_LATE = timedelta(minutes=10)


def ledger(settings: Settings) -> Iterator[Line]:
    """The database: there, whole, of this program's schema. Nothing is changed."""
    version = schema_version(settings.ledger_url)
    if version.found is None:
        yield warning("ledger", "not made yet", "Run `appliance up` or `appliance migrate`.")
    elif not version.is_known:
        do = "A newer version of the appliance has used it: install that one again, or restore the backup before it."
        yield failed("ledger", f"its schema {version.found} is not known here", do)
    elif not version.is_current:
        do = "Run `appliance migrate` (after a backup), or start the node, which does the same."
        yield warning("ledger", f"schema {version.found}, the newest is {version.newest}", do)
    elif version.damage:
        yield failed("ledger", f"the file is damaged: {version.damage}", "Stop the node and restore the last backup.")
    else:
        yield ok("ledger", f"schema {version.found}, {settings.ledger_url.split(':')[0].split('+')[0]}")


def work(node: Appliance) -> Iterator[Line]:
    """Workitems and deliveries: how many, and whether they move."""
    figures = Statistics(node.ledger).figures()
    counts = f"{figures.studies} studies, {figures.instances} instances, {figures.results} results"
    yield ok("studies", counts)
    yield _workitems(figures)
    yield from _deliveries(node, figures)
    if figures.set_aside_because:
        detail = ", ".join(f"{count} {code}" for code, count in figures.set_aside_because.items())
        yield ok("set aside", detail)


def _workitems(figures: Figures) -> Line:
    detail = ", ".join(f"{count} {state}" for state, count in figures.workitems.items()) or "none yet"
    if figures.leases_expired:
        do = "The sweep takes them over within seconds; if this stays, see whether the scheduler runs."
        return warning("workitems", f"{detail}; {figures.leases_expired} lost their worker", do)
    if figures.oldest_waiting_at and datetime.now(UTC) - figures.oldest_waiting_at > _LATE:
        do = "See whether the inference workers run; `appliance workitems list` names what waits."
        return warning("workitems", f"{detail}; the oldest waits since {figures.oldest_waiting_at:%Y-%m-%d %H:%M}", do)
    return ok("workitems", detail)


def _deliveries(node: Appliance, figures: Figures) -> Iterator[Line]:
    if stuck := node.outbox.stuck():
        names = ", ".join(sorted({delivery.destination for delivery in stuck}))
        do = (
            "`appliance studies show UID` says why; after mending the destination: `appliance destinations retry NAME`."
        )
        yield warning("deliveries", f"{len(stuck)} stuck: {names}", do)
    else:
        counts = ", ".join(f"{count} {state}" for state, count in figures.deliveries.items())
        yield ok("deliveries", counts or "none yet")


def queue(settings: Settings) -> Iterator[Line]:
    """Redis answers, keeps what it is given, and is emptied."""
    try:
        with _redis(settings) as client:
            client.ping()
            persistence = dict(client.info("persistence"))
            depth = queue_depth(client)
    except RedisError as error:
        do = "Start the node; if it runs, read state/logs/redis.log."
        yield failed("queue", f"Redis does not answer ({type(error).__name__})", do)
        return
    if persistence.get("aof_last_write_status", "ok") != "ok":
        yield failed("queue", "Redis cannot write its file", "Free disk space, see runbooks/disk-full.md.")
    waiting = ", ".join(f"{count} in {name}" for name, count in depth.items() if count) or "empty"
    yield ok("queue", waiting)


def queue_depth(client: "redis.Redis") -> Mapping[str, int]:
    """Queue -> messages that wait; Kombu keeps one list for each priority beside the queue's own."""
    depth = {}
    for name in QUEUES:
        keys = [key for key in client.scan_iter(f"{name}*") if client.type(key) == b"list"]
        depth[name] = sum(int(client.llen(key)) for key in keys)
    return depth


def _redis(settings: Settings) -> "redis.Redis":
    return redis.Redis(
        host=settings.redis.host,
        port=settings.redis.port,
        password=settings.secrets.get(SecretName.REDIS),
        socket_timeout=_TIMEOUT_S,
        socket_connect_timeout=_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
    )
