"""WADO-RS of a series straight from Orthanc and through the web service: the same node, in turn, in one run.

    python -m benchmarks dicomweb

The series has 200 slices of 0.5 MB, asked for as a whole, and as single frames one after the other on one connection.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import httpx
import numpy as np

from appliance.bootstrap import Appliance
from appliance.domain.access import Permission, UserRole
from appliance.domain.audit import Actor
from appliance.domain.identifiers import derived_uid
from appliance.node import supervision
from appliance.node.sender import send
from appliance.settings import LOOPBACK, ORTHANC_USER, SecretName, Settings
from benchmarks.decoding import ct_slice
from benchmarks.ingest import free_port

SLICES = 200
FRAMES = 50
ROUNDS = 7
_WHOLE = 'multipart/related; type="application/dicom"; transfer-syntax=*'
_FRAME = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'
Ask = Callable[[httpx.Client, str, list[str]], int]


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="benchmark ") as name:
        settings = _settings(Path(name))
        supervision.start(settings)
        try:
            supervision.wait_ready(settings, 120)
            series, instances = _fill(settings, Path(name) / "series")
            for what, ask in (("series", _series), ("frames", _frames)):
                _report(what, _seconds(settings, ask, series, instances))
        finally:
            supervision.stop(settings)


def _settings(home: Path) -> Settings:
    dicom, http, redis, web = (free_port() for _ in range(4))
    return Settings(
        home=home, dicom={"port": dicom}, orthanc={"http_port": http}, redis={"port": redis}, web={"port": web}
    )


def _fill(settings: Settings, folder: Path) -> tuple[str, list[str]]:
    folder.mkdir()
    values = np.random.default_rng(1).integers(-1000, 1000, (512, 512)).astype(np.int16)
    items = [ct_slice(index, values) for index in range(SLICES)]
    for index, item in enumerate(items):
        item.SOPInstanceUID = derived_uid("benchmark", "dicomweb", str(index))
        item.file_meta.MediaStorageSOPInstanceUID = item.SOPInstanceUID
        item.save_as(folder / f"{index:04d}.dcm", enforce_file_format=True)
    send(settings, [folder])
    series = f"/dicom-web/studies/{items[0].StudyInstanceUID}/series/{items[0].SeriesInstanceUID}"
    return series, [str(item.SOPInstanceUID) for item in items]


def _clients(settings: Settings) -> dict[str, httpx.Client]:
    node = Appliance(settings)
    actor = Actor(name="benchmark")
    names = {user.name for user in node.users.all()}
    for name, role in (("admin", UserRole.PACS_ADMIN), ("reader", UserRole.RADIOLOGIST)):
        if name not in names:
            node.account_desk.add(name, roles=(role,), password="bark-lantern-ferry-onyx", actor=actor)  # noqa: S106 - of a node that lives as long as this
    token = node.token_desk.issue(
        node.users.get("reader"), label="benchmark", permissions=[Permission.DICOM_READ], days=1, actor=actor
    )
    node.close()
    password = settings.secrets.get(SecretName.ORTHANC)
    limits = httpx.Limits(keepalive_expiry=0.5)  # Orthanc closes connections that are idle for a second
    options = {"trust_env": False, "timeout": 120.0, "limits": limits}
    return {
        "straight": httpx.Client(base_url=settings.orthanc_url, auth=(ORTHANC_USER, password), **options),
        "through": httpx.Client(
            base_url=f"http://{LOOPBACK}:{settings.web.port}",
            headers={"Authorization": f"Bearer {token.secret}"},
            **options,
        ),
    }


def _seconds(settings: Settings, ask: Ask, series: str, instances: list[str]) -> dict[str, list[float]]:
    clients = _clients(settings)
    seconds: dict[str, list[float]] = {kind: [] for kind in clients}
    for number in range(ROUNDS + 1):
        for kind in list(clients) if number % 2 else list(reversed(clients)):
            start = time.perf_counter()
            ask(clients[kind], series, instances)
            if number:
                seconds[kind].append(time.perf_counter() - start)
    for client in clients.values():
        client.close()
    return seconds


def _series(client: httpx.Client, series: str, instances: list[str]) -> int:
    with client.stream("GET", series, headers={"Accept": _WHOLE, "Accept-Encoding": "identity"}) as answer:
        answer.raise_for_status()
        return sum(len(chunk) for chunk in answer.iter_raw())


def _frames(client: httpx.Client, series: str, instances: list[str]) -> int:
    headers = {"Accept": _FRAME, "Accept-Encoding": "identity"}
    answers = (client.get(f"{series}/instances/{uid}/frames/1", headers=headers) for uid in instances[:FRAMES])
    return sum(len(answer.raise_for_status().content) for answer in answers)


def _report(what: str, seconds: dict[str, list[float]]) -> None:
    ratio = median(through / straight for straight, through in zip(*seconds.values(), strict=True))
    best = min(seconds["through"]) / min(seconds["straight"])
    times = ", ".join(f"{kind} {1000 * median(values):.0f} ms" for kind, values in seconds.items())
    print(f"{what}: {times}; through / straight: median of pairs {ratio:.2f}, best against best {best:.2f}")


if __name__ == "__main__":
    main()
