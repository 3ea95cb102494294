"""Every runbook, word by word: the situation it is for is brought about on a running node, then its commands are typed.

One node and one PACS, both real, live through all of it. At the end of each page the doctor finds no failure and the
results of the study that the page was needed for are in the PACS. What cannot be tried here is named below.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydicom import Dataset

from appliance.bootstrap import Appliance
from appliance.cli.output import ExitCode
from appliance.domain.errors import DestinationUnavailable, UnknownStudy
from appliance.domain.identifiers import StudyInstanceUID
from appliance.node import supervision
from appliance.node.sender import send
from appliance.settings import SecretName, Settings, load_settings
from appliance.store.destinations import BreakerRule
from appliance.store.engine import open_ledger
from appliance.store.withdrawals import Withdrawals
from tests.helpers.dicom_builder import blob_phantom, ct_series, mr_series, save
from tests.helpers.runbook import Administrator, Runbook, blocks, column
from tests.helpers.services import OrthancServer, free_ports, orthanc, plugin, wait_for
from tests.helpers.tiny_models import write_threshold_package
from tests.helpers.warm_command import warm_command

pytestmark = pytest.mark.integration

_CONTAINERS = "no container engine here; compose/ is checked by tests/unit/docs/test_compose.py"
_SYSTEMD = "no systemd here; the unit is checked by tests/unit/docs/test_systemd.py"
_POSTGRESQL = "tests/integration/test_backup_and_restore.py runs it on a database of its own"
_OWN_NODE = "starts a node of its own for minutes; `make faults` is that test"
NOT_EXECUTED = {
    "stuck-workitem.md": {"make faults N=50": _OWN_NODE},
    "lost-redis.md": {"make faults": _OWN_NODE},
    "late-slices.md": {"python -m benchmarks arrival": "a benchmark, no step; tests/unit/study tests what it prints"},
    "backup-and-restore.md": {
        'pg_dump --format custom --file "$BACKUP/ledger.dump" "$DATABASE"': _POSTGRESQL,
        'pg_restore --no-owner --dbname "$NEW_DATABASE" "$BACKUP/ledger.dump"': _POSTGRESQL,
    },
    "upgrade.md": {
        "make setup": "installs into the system",
        "systemctl start appliance": _SYSTEMD,
        "systemctl stop appliance": _SYSTEMD,
        "ln -sfn /opt/appliance-NEW /opt/appliance": _SYSTEMD,
        "docker compose build --pull": _CONTAINERS,
        "docker compose down": _CONTAINERS,
        "docker run --rm -v appliance_state:/state -v appliance_orthanc-storage:/orthanc"
        ' -v "$BACKUP":/backup debian:bookworm-slim tar cf /backup/state.tar /state /orthanc': _CONTAINERS,
        "docker compose up --detach postgres": _CONTAINERS,
        "docker compose exec -T postgres pg_dump --username ledger --format custom ledger"
        ' > "$BACKUP/ledger.dump"': _CONTAINERS,
        "docker compose up --detach --wait": _CONTAINERS,
        "docker image ls": _CONTAINERS,
    },
    "rotate-secrets.md": {
        "systemctl restart appliance": _SYSTEMD,
        "docker compose down": _CONTAINERS,
        "rm secrets/redis-password && ./make-secrets.sh": _CONTAINERS,
        "docker compose up --detach --wait": _CONTAINERS,
        "docker compose exec postgres psql --username ledger --command '\\password ledger'": _CONTAINERS,
    },
}
"""Commands of the pages that nobody types here, and why."""
NOT_TRIED = {
    "add-a-model.md": "no bad day; tests/unit/catalogue tests what it says of packages",
    "connect-a-pacs.md": "no bad day; its commands are those of destination-down.md",
    "decisions.md": "no commands",
    "error-codes.md": "made from the code",
    "install.md": "installs into the system",
    "rules.md": "tests/unit/docs/test_rules_page.py tries it",
    "viewer.md": "no bad day; tests/integration/test_viewer.py opens its links",
}
"""Pages that this module does not try, and why."""

_PATIENCE_S = 90.0
_DISK_BYTES = 20 * 2**30
_FAILED, _UNAVAILABLE = ExitCode.FAILED, ExitCode.UNAVAILABLE


@dataclass
class Pacs:
    """An Orthanc of its own that can be switched off and on."""

    folder: Path
    http: int
    dicom: int
    _running: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def on(self) -> None:
        self.server: OrthancServer = self._running.enter_context(
            orthanc(
                self.folder,
                DicomAet="PACS",
                HttpPort=self.http,
                DicomPort=self.dicom,
                DicomModalities={"node": {"AET": "APPLIANCE", "Host": "127.0.0.1", "Port": 104}},
                Plugins=[str(plugin("libOrthancDicomWeb.so"))],
            )
        )

    def off(self) -> None:
        self._running.close()

    def objects(self, study: str) -> set[str]:
        """SOP Instance UIDs of what it shows of a study."""
        found = self.server.get(f"/dicom-web/instances?StudyInstanceUID={study}")
        return {item["00080018"]["Value"][0] for item in found}


@dataclass
class Site:
    """A node that an administrator keeps, and the PACS beside it."""

    home: Path
    pacs: Pacs
    pages: Path
    somebody: Administrator
    elsewhere: Path
    has_own_disk: bool

    @property
    def settings(self) -> Settings:
        return load_settings(self.home / "appliance.toml")

    def page(self, name: str) -> Runbook:
        return Runbook(self.pages / name, self.somebody)

    def study(self, objects: Sequence[Dataset]) -> tuple[StudyInstanceUID, Path]:
        """The study as files."""
        uid = StudyInstanceUID(str(objects[0].StudyInstanceUID))
        folder = self.elsewhere / f"{uid[-8:]}-{len(objects)}"
        save(objects, folder)
        return uid, folder

    def ct(self, seed: str) -> StudyInstanceUID:
        """A CT study that was sent."""
        uid, folder = self.study(ct_series(blob_phantom(), seed=seed))
        send(self.settings, [folder])
        return uid

    @contextlib.contextmanager
    def node(self) -> Iterator[Appliance]:
        """The appliance, for a look at its ledger."""
        node = Appliance(self.settings)
        try:
            yield node
        finally:
            node.close()

    def until(self, study: StudyInstanceUID, state: str, instances: int = 1) -> None:
        """Wait until a study has so many instances and is in this state, and nothing is to be withdrawn any more."""
        with self.node() as node:

            def there() -> bool:
                with contextlib.suppress(UnknownStudy):
                    summary = node.studies.summary(study)
                    known = summary.state == state and summary.instances >= instances
                    return known and not Withdrawals(node.ledger).to_withdraw()
                return False

            wait_for(there, f"a study that is {state}", _PATIENCE_S)

    def pid(self, service: str) -> int:
        """The process of a service that runs."""
        (found,) = [each.pid for each in supervision.status(self.settings) if each.name == service]
        assert found is not None
        return found

    def is_well(self, study: StudyInstanceUID) -> None:
        """What every page ends with: one set of results stands and is in the PACS, and no failure for the doctor."""
        self.until(study, "done")
        with self.node() as node:
            results = node.studies.receipt(study).results
        standing = [record for record in results if record.superseded_by is None]
        assert Counter(str(record.kind) for record in standing) == {"SEG": 1, "SR": 1, "REPORT": 1, "PDF": 1}
        shown = self.pacs.objects(study)
        assert {record.sop_instance_uid for record in standing} <= shown
        assert shown <= {record.sop_instance_uid for record in results}
        assert "no failure" in self.somebody.type("appliance doctor")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, project: Path) -> Iterator[Site]:
    """The node runs, with a model for CT, and the package that the doctor's whole way needs."""
    folder = tmp_path_factory.mktemp("site")
    home = folder / "a home"
    write_threshold_package(home / "models_onnx")
    (home / "models_onnx" / "phantom-report").symlink_to(project / "models_onnx" / "phantom-report")
    dicom, http, redis, web, pacs_http, pacs_dicom = free_ports(6)
    (home / "appliance.toml").write_text(
        f"""
[dicom]
port = {dicom}
[orthanc]
http_port = {http}
[redis]
port = {redis}
[web]
port = {web}
[worker]
sweep_s = 1.0
poll_s = 1.0
[gate]
level_elements = 2000
[arrival]
quiet_maximum_s = 1.0

[[destinations]]
name = "pacs"
kind = "dimse"
port = {pacs_dicom}
query_port = {pacs_dicom}
""",
        encoding="utf-8",
    )
    with pytest.MonkeyPatch.context() as environment, contextlib.ExitStack() as stack:
        environment.delenv("APPLIANCE_DATABASE_URL", raising=False)
        pacs = Pacs(folder / "pacs", pacs_http, pacs_dicom)
        pacs.on()
        stack.callback(pacs.off)
        somebody = Administrator(home, stack.enter_context(warm_command(folder / "bin")).parent)
        (home / "state").mkdir()
        if own_disk := _mount(home / "state", _DISK_BYTES):
            stack.callback(subprocess.run, ["umount", str(home / "state")], check=True)
        made = Site(home, pacs, project / "runbooks", somebody, folder / "elsewhere", own_disk)
        stack.callback(lambda: supervision.stop(made.settings))
        made.somebody.type("appliance up")
        yield made


def test_every_page_is_tried_or_named(project: Path) -> None:
    tried = {f"{name.removeprefix('test_').replace('_', '-')}.md" for name in globals() if name.startswith("test_")}
    pages = {path.name for path in (project / "runbooks").glob("*.md")}
    assert pages - tried == set(NOT_TRIED)


def _mount(folder: Path, size: int, again: str = "") -> bool:
    """A disk in memory of that many bytes, which costs what is written to it; whether the system lets us."""
    command = ["mount", "-t", "tmpfs", "-o", f"{again}size={size}", "tmpfs", str(folder)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def _too_many_elements(objects: Sequence[Dataset]) -> None:
    block = objects[0].private_block(0x0011, "TESTS", create=True)
    for element in range(0xF0):
        block.add_new(element, "LO", "one of many")
    for group in range(0x0013, 0x0025, 2):
        block = objects[0].private_block(group, "TESTS", create=True)
        for element in range(0xF0):
            block.add_new(element, "LO", "one of many")


def _nested(objects: Sequence[Dataset]) -> None:
    inner = Dataset()
    for _ in range(60):
        outer = Dataset()
        outer.ContentSequence = [inner]
        inner = outer
    objects[1].ContentSequence = inner.ContentSequence


def test_quarantine(site: Site) -> None:
    page = site.page("quarantine.md")
    objects = ct_series(blob_phantom(), seed="quarantine")
    _too_many_elements(objects)
    _nested(objects)
    study, folder = site.study(objects)
    assert send(site.settings, [folder]) == len(objects) - 2
    listed = page.run("appliance quarantine list")
    large, deep = column(listed, "gate-elements", "Id"), column(listed, "gate-nesting", "Id")
    shown = page.run("appliance quarantine show ID", ID=large)
    assert "gate-elements" in shown
    assert re.search(r"may_be_released\s+yes", shown)
    assert re.search(r"calling_aet\s+SAMPLES", shown)
    assert re.search(r"may_be_released\s+no", page.run("appliance quarantine show ID", ID=deep))
    page.run('appliance quarantine release ID --reason "known scanner, confirmed by phone"', ID=large)
    page.run('appliance quarantine discard ID --reason "sent by a vulnerability scanner"', ID=deep)
    assert "Nothing is held" in page.run("appliance quarantine list")
    corrected = ct_series(blob_phantom(), seed="quarantine")[1:2]
    send(site.settings, [site.study(corrected)[1]])
    site.until(study, "done", instances=len(objects))
    os.kill(_child_of(site.pid("orthanc")), signal.SIGSEGV)
    wait_for(lambda: "crashed 1 times" in site.somebody.type("appliance status"), "the crash in the status")
    page.run("appliance status")
    supervision.wait_ready(site.settings)
    page.run("appliance doctor")
    page.finish(NOT_EXECUTED.get(page.name, {}))
    site.is_well(study)


def _child_of(process: int) -> int:
    (found,) = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return int(found)


def test_stuck_workitem(site: Site) -> None:
    page = site.page("stuck-workitem.md")
    model = write_threshold_package(site.settings.models, "heads", modality="MR", threshold=150.0) / "model.onnx"
    whole = model.read_bytes()
    model.write_bytes(whole[:-1])
    study, folder = site.study(mr_series(blob_phantom(), seed="stuck"))
    send(site.settings, [folder])
    site.until(study, "failed")
    listed = page.run("appliance studies list")
    assert column(listed, study, "State") == "failed"
    assert "model-file-changed" in page.run("appliance studies show UID", UID=study)
    assert "model-file-changed" in page.run("appliance studies show UID --json", UID=study)
    page.run('appliance workitems list --state "IN PROGRESS"')
    page.run("appliance status")
    page.run("appliance doctor")
    dead = column(page.run("appliance workitems list --state dead"), "heads@1.0.0", "Id")
    assert "model-file-changed" in page.run("appliance workitems show UID", UID=dead)
    model.write_bytes(whole)
    assert "Scheduled" in page.run("appliance workitems retry UID", UID=dead)
    site.until(study, "done")
    shown = page.run("appliance destinations show NAME", NAME="pacs")
    assert re.search(r"stuck\s+0", shown)
    page.run("appliance destinations list")
    page.run("appliance destinations retry NAME", NAME="pacs")
    _cancel(site, page)
    page.finish(NOT_EXECUTED[page.name])
    site.is_well(study)


def _cancel(site: Site, page: Runbook) -> None:
    """The second way out, on a study of its own whose work cannot begin; and back."""
    worker = site.pid("worker-inference-cpu")
    os.kill(worker, signal.SIGSTOP)
    try:
        study = site.ct("canceled")
        site.until(study, "working")
        waiting = column(page.run("appliance studies show UID", UID=study), "blob@1.0.0", "Id")
        page.run('appliance workitems cancel UID --reason "wrong patient in the header"', UID=waiting)
    finally:
        os.kill(worker, signal.SIGCONT)
    shown = page.run("appliance workitems show UID", UID=waiting)
    assert "wrong patient in the header" in shown
    assert waiting not in page.run("appliance workitems list --state dead")
    page.run("appliance workitems retry UID", UID=waiting)
    site.is_well(study)


def test_destination_down(site: Site) -> None:
    page = site.page("destination-down.md")
    name = {"NAME": "pacs"}
    site.pacs.off()
    study = site.ct("down")
    site.until(study, "delivering")
    with site.node() as node:
        wait_for(lambda: node.destination_states.get("pacs").failures, "an attempt", _PATIENCE_S)
        for _ in range(BreakerRule().failures):
            node.destination_states.failed("pacs", "no connection")
    assert "pending" in page.run("appliance studies show UID", UID=study)
    assert column(page.run("appliance destinations list"), "PACS@", "Breaker") == "open"
    shown = page.run("appliance destinations show NAME", **name)
    assert re.search(r"closed_until\s+\d{4}-", shown)
    assert re.search(r"said\s+no connection", shown)
    assert "destination-unavailable" in page.run("appliance destinations echo NAME", expect=_UNAVAILABLE, **name)
    assert "store" in page.run("appliance destinations test NAME", expect=_UNAVAILABLE, **name)
    site.pacs.on()
    assert "answers" in page.run("appliance destinations echo NAME", **name)
    assert "Segmentation Storage" in page.run("appliance destinations probe NAME", **name)
    tried = page.run("appliance destinations test NAME", **name)
    assert "ok  find: it is shown" in tried
    assert re.search(r"left over: .*1\.2|2\.25", tried.splitlines()[-1])
    assert re.match(r"[1-4] deliveries are due again", page.run("appliance destinations retry NAME", **name))
    site.until(study, "done")
    assert "4 results" in page.run("appliance replay UID --destination NAME", UID=study, **name)
    site.is_well(study)
    assert "Scheduled" in page.run("appliance replay UID --model MODEL", UID=study, MODEL="blob")
    page.finish(NOT_EXECUTED.get(page.name, {}))
    site.is_well(study)


def test_late_slices(site: Site) -> None:
    page = site.page("late-slices.md")
    objects = ct_series(blob_phantom(), seed="late")
    study = StudyInstanceUID(str(objects[0].StudyInstanceUID))
    save(objects[:-1], site.home / "early")
    save(objects[-1:], site.home / "late")
    settings = next(text for text in blocks(page.text, "toml") if "[arrival]" in text)
    file = site.home / "appliance.toml"
    file.write_text(re.sub(r"\[arrival\]\n[^\[]*", f"{settings}\n", file.read_text()), encoding="utf-8")
    page.run("appliance up")
    for folder, count in (("early", len(objects) - 1), ("late", len(objects))):
        (line,) = [each for each in page.commands if each.startswith("TCP_NODELAY=1") and each.endswith(f" {folder}")]
        page.run(line, **{"4242": site.settings.dicom.port})
        site.until(study, "done", instances=count)
        assert column(page.run("appliance studies list"), study, "Instances") == str(count)
    shown = page.run("appliance studies show STUDY", STUDY=study)
    assert "superseded" in shown
    assert "withdrawn" in shown
    standing = page.run("appliance results list STUDY", STUDY=study).splitlines()[1:]
    assert sorted(line.split()[1] for line in standing) == ["PDF", "REPORT", "SEG", "SR"]
    events = json.loads(page.run("appliance studies show STUDY --json", STUDY=study))["events"]
    planned = [event["detail"] for event in events if event["kind"] == "planned"]
    assert [each["instances"] for each in planned] == [len(objects) - 1, len(objects)]
    because = {each["because"] for each in planned}
    assert because <= set(re.findall(r"^\| ([^|]+?) \|", page.text, re.MULTILINE))
    page.finish(NOT_EXECUTED[page.name])
    site.is_well(study)


def test_lost_redis(site: Site) -> None:
    page = site.page("lost-redis.md")
    for file in (site.settings.state / "redis").rglob("*.incr.aof"):
        file.write_bytes(b"no append-only file" * 100)
    os.kill(site.pid("redis"), signal.SIGKILL)
    study = site.ct("redis")
    log = site.settings.state / "logs" / "redis.log"
    wait_for(lambda: "Bad file format reading the append only file" in log.read_text(), "the complaint of Redis")
    assert column(page.run("appliance status"), "redis", "State") != "ok"
    assert "queue" in page.run("appliance doctor", expect=_FAILED)
    page.run("appliance down")
    page.run("rm -rf state/redis")
    page.run("appliance up")
    site.until(study, "done")
    assert not {"arriving", "working"} & set(page.run("appliance studies list").split())
    page.finish(NOT_EXECUTED[page.name])
    site.is_well(study)


def test_disk_full(site: Site) -> None:
    if not site.has_own_disk:
        pytest.skip("a disk that can be filled takes the right to mount one")
    page = site.page("disk-full.md")
    state = site.settings.state
    _mount(state, shutil.disk_usage(state).used + 3 * 2**29, "remount,")
    (state / "samples").mkdir()
    with (state / "samples" / "much").open("wb") as much:
        os.posix_fallocate(much.fileno(), 0, shutil.disk_usage(state).free - 2**20)
    with contextlib.suppress(OSError), (state / "samples" / "more").open("wb", buffering=0) as more:
        while True:
            more.write(bytes(4096))
    study, folder = site.study(ct_series(blob_phantom(), seed="full"))
    with pytest.raises(DestinationUnavailable):
        send(site.settings, [folder])
    assert "runbooks/disk-full.md" in page.run("appliance doctor", expect=_FAILED)
    page.run("rm -rf state/downloads state/samples")
    page.run("rm -f state/logs/*.log.*")
    supervision.wait_ready(site.settings)  # "services may restart and wait", says the page
    send(site.settings, [folder])
    site.until(study, "done")
    limit = re.search(r"maximum_storage_mib to (\d+)", page.run("appliance doctor"))
    assert limit
    page.run("appliance down")
    assert "the node does not run" in site.somebody.type("appliance doctor")
    page.run("rm -rf state/cache")
    file = site.home / "appliance.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("[orthanc]", f"[orthanc]\nmaximum_storage_mib = {limit[1]}"), encoding="utf-8")
    page.run("appliance up")
    assert "removed" in page.run("appliance doctor --whole-way")
    page.run("appliance studies list")
    assert not [check for check in json.loads(page.run("appliance doctor --json")) if check["state"] == "failed"]
    page.finish(NOT_EXECUTED.get(page.name, {}))
    _mount(state, _DISK_BYTES, "remount,")
    site.is_well(study)


def test_rotate_secrets(site: Site) -> None:
    page = site.page("rotate-secrets.md")
    before = {name: site.settings.secrets.get(name) for name in SecretName}
    assert "orthanc-password" in page.run("appliance secrets list")
    page.run_block("sh rotate")
    after = {name: site.settings.secrets.get(name) for name in SecretName}
    assert not [name for name in SecretName if after[name] == before[name]]
    used = [path.read_text(errors="replace") for path in (site.settings.state / "run").iterdir() if path.is_file()]
    assert not [name for name, value in before.items() if any(value in content for content in used)]
    assert [name for name in ("orthanc-password", "redis-password") if any(after[name] in content for content in used)]
    page.run("appliance down")
    for name in SecretName:
        page.run(f"appliance secrets rotate {name}")
    assert not [name for name in SecretName if site.settings.secrets.get(name) == after[name]]
    page.run("appliance up")
    page.run("appliance destinations echo NAME", NAME="pacs")
    page.finish(NOT_EXECUTED[page.name])
    site.is_well(site.ct("rotated"))


def test_backup_and_restore(site: Site) -> None:
    page = site.page("backup-and-restore.md")
    study = site.ct("kept")
    site.until(study, "done")
    new = site.home.parent / "a new home"
    site.somebody.names |= {"BACKUP": str(site.home.parent / "a backup"), "NEW": str(new)}
    page.run_block("sh backup-ledger")
    page.run_block("sh backup")
    page.run_block("sh restore")
    assert site.somebody.folder == new
    assert study in page.run_block("sh look")
    site.home = new
    page.run("appliance up")
    page.run("appliance doctor")
    page.finish(NOT_EXECUTED[page.name])
    site.is_well(study)
    site.is_well(site.ct("after the restore"))


def test_upgrade(site: Site) -> None:
    page = site.page("upgrade.md")
    study = site.ct("upgraded")
    site.until(study, "done")
    page.run("appliance doctor")
    page.run("appliance down")
    ledger = open_ledger(site.settings.ledger_url)
    ledger.downgrade("-1")
    ledger.close()
    assert re.search(r"from schema \d+ to \d+", page.run("appliance migrate"))
    page.run("appliance up")
    page.run("appliance doctor --deep --whole-way")
    page.run("appliance doctor --whole-way")
    assert "blob" in page.run("appliance models list")
    page.run("appliance models enable NAME@VERSION", **{"NAME@VERSION": "blob@1.0.0"})
    page.finish(NOT_EXECUTED[page.name])
    site.is_well(study)
