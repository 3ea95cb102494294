"""All settings as one frozen object, read once from `appliance.toml` and the environment.

The environment wins over the file: `APPLIANCE_DICOM__PORT=11112` sets `dicom.port`. Paths are relative to the folder
of the settings file, which is the appliance's home. Secrets are not settings: they are generated into the state
folder, see `Secrets`.
"""

import contextlib
import ipaddress
import os
import secrets
import tomllib
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from appliance.domain.access import UserRole
from appliance.domain.errors import SettingsError
from appliance.gate.limits import Limits

AETitle = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9_.-]{1,16}$")]
Port = Annotated[int, Field(ge=1, le=65535)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
TransferSyntax = Annotated[str, StringConstraints(pattern=r"^1\.2\.840\.10008\.1\.2(\.[0-9.]+)?$")]
LOOPBACK = "127.0.0.1"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - the default with TLS alone
_MIB = 1024 * 1024
ORTHANC_USER = "appliance"
"""The one user of the node's Orthanc; its password is the secret `SecretName.ORTHANC`."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Modality(_Section):
    """A sender that the DICOM port accepts: by AE title and address."""

    aet: AETitle
    host: str
    port: Port = 104


class DicomSettings(_Section):
    """The DICOM side of the node (Orthanc)."""

    aet: AETitle = "APPLIANCE"
    port: Port = 4242
    modalities: tuple[Modality, ...] = (Modality(aet="SAMPLES", host=LOOPBACK),)
    tls_certificate: Path | None = None
    tls_private_key: Path | None = None
    tls_trusted_certificates: Path | None = None


class OrthancSettings(_Section):
    """The node's Orthanc. Its HTTP side answers this machine only, unless `host` is another name (containers)."""

    host: str = LOOPBACK
    http_port: Port = 8042
    version: str = Field(
        default="", pattern=r"^(\d+(\.\d+)+)?$", description="of an Orthanc that runs elsewhere and cannot be asked"
    )
    binary: Path | None = None
    plugins: tuple[Path, ...] = ()
    script: Path | None = None
    maximum_storage_mib: int = Field(default=200_000, ge=0)
    storage_cache_mib: int = Field(default=256, ge=0)
    limit_find_results: int = Field(default=500, ge=1)
    stable_age_s: int = Field(default=10, ge=1)
    threads: int = Field(default=4, ge=1)


class RedisSettings(_Section):
    """The queue: loopback, with a generated password."""

    host: str = LOOPBACK
    port: Port = 6390


class WebSettings(_Section):
    """The pages and the API, announcements of the plugin, health and readiness."""

    host: str = Field(default=LOOPBACK, description="where the plugin and the doctor reach it")
    port: Port = 8080
    bind: str = Field(default="", description="the address to listen on without TLS; that of host if empty")
    tls_certificate: Path | None = Field(default=None, description="with it, people reach the pages by TLS")
    tls_private_key: Path | None = None
    tls_bind: str = Field(default=EVERYWHERE, description="the address to listen on with TLS")
    tls_port: Port = 8443
    behind_proxy: str = Field(
        default="", description="addresses or networks of a proxy that speaks TLS; X-Forwarded-* is believed from them"
    )
    session_idle_s: float = Field(default=1800.0, ge=60, description="a session that is not used ends after this")
    session_longest_s: float = Field(default=43_200.0, ge=60, description="every session ends after this")

    @model_validator(mode="after")
    def _is_closed_to_eavesdroppers(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_private_key is None):
            raise ValueError("TLS needs both tls_certificate and tls_private_key")
        if not (_is_loopback(self.bind or self.host) or self.behind_proxy):
            raise ValueError(
                "without TLS the service listens on loopback only: set tls_certificate and tls_private_key, or "
                "behind_proxy to the address of a proxy that speaks TLS"
            )
        return self


class OpenIdSettings(_Section):
    """The OpenID provider that people sign in with, beside local accounts. Off without `issuer`."""

    issuer: str = Field(default="", description="exactly as the provider calls itself")
    client_id: str = ""
    client_secret_file: Path | None = Field(default=None, description="a public client has none")
    scope: str = "openid profile email"
    label: str = Field(default="", max_length=64, description="of the button; else a general one")
    name_claim: str = Field(default="preferred_username", description="what a new account is called")
    roles_claim: str = Field(default="groups", description="whose values `roles` maps to roles here")
    roles: dict[str, UserRole] = Field(default={}, description="value of the claim -> role")
    trusted_certificates: Path | None = Field(default=None, description="of the provider; else the public ones")

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if not self.issuer:
            return self
        address = urlsplit(self.issuer)
        if address.scheme != "https" and not (address.scheme == "http" and _is_loopback(address.hostname or "")):
            raise ValueError("issuer must be an address that begins with https://")
        if not self.client_id or not self.roles:
            raise ValueError("issuer needs client_id, and roles that say which values of the claim are which role")
        return self


def _is_loopback(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


class ViewerSettings(_Section):
    """The viewer (OHIF)."""

    title: str = Field(default="Appliance", max_length=60, description="in its corner; leads back to our pages")
    requests: int = Field(default=20, ge=1, le=100, description="for images at the same time")


class SupervisionSettings(_Section):
    """How services are started, stopped and logged."""

    start_timeout_s: float = Field(default=90.0, gt=0)
    stop_grace_s: int = Field(default=30, ge=1)
    log_mib: int = Field(default=10, ge=1)
    log_files: int = Field(default=5, ge=1)


class WorkerSettings(_Section):
    """How much runs at once, for how long, and how often it is tried."""

    planning_threads: int = Field(default=4, ge=1, description="planning and delivery share them")
    inference_threads: int = Field(default=2, ge=1)
    gpu: bool = False
    network_threads: int = Field(default=0, ge=0, description="threads inside one network call; 0: all cores")
    memory_budget_mib: int = Field(default=6144, ge=256)
    volume_cache_mib: int = Field(default=2048, ge=0)
    decoding_processes: int = Field(default=0, ge=0, description="0: one per core, eight at most")
    decoding_memory_mib: int = Field(default=6144, ge=1024, description="address space of one of them")
    decoding_cpu_s: int = Field(default=300, ge=1, description="processor time for one request to one of them")
    lease_s: float = Field(default=60.0, gt=0)
    time_limit_s: float = Field(default=1800.0, gt=0)
    maximum_attempts: int = Field(default=3, ge=1)
    long_work_s: float = Field(
        default=20.0, gt=0, description="work of packages that expect to take this long leaves one thread to the rest"
    )
    sweep_s: float = Field(default=5.0, gt=0)
    poll_s: float = Field(default=5.0, gt=0)


class ArrivalSettings(_Section):
    """When a series counts as complete: the quiet time adapts between these bounds."""

    quiet_minimum_s: float = Field(default=0.5, gt=0)
    quiet_maximum_s: float = Field(default=5.0, gt=0)
    patience_s: float = Field(default=60.0, gt=0, description="how long missing images are waited for")


class LimitSettings(_Section):
    """Bounds on what is read."""

    file_mib: int = Field(default=2048, ge=1)
    frame_pixels: int = Field(default=200_000_000, ge=1)
    series_mib: int = Field(default=4096, ge=1)
    archive_members: int = Field(default=100_000, ge=1)


class UploadSettings(_Section):
    """Bounds on what comes over HTTP (STOW-RS), besides `limits.file_mib` for each object."""

    request_mib: int = Field(default=16_384, ge=1, description="of a whole request")
    parts: int = Field(default=20_000, ge=1, description="objects in one request")
    at_once: int = Field(default=4, ge=1, description="requests that are worked on at the same time; others wait")
    patience_s: float = Field(default=60.0, gt=0, description="how long a sender may be silent within a request")


class GateSettings(_Section):
    """Bounds on what is let in, besides those of `limits`; and how much is kept of what is not."""

    depth: int = Field(default=Limits.depth, ge=1, le=40, description="sequences within sequences")
    elements: int = Field(default=Limits.elements, ge=1)
    level_elements: int = Field(default=Limits.level_elements, ge=1, description="elements side by side")
    frames: int = Field(default=Limits.frames, ge=1)
    decoded_mib: int = Field(default=Limits.decoded_bytes // _MIB, ge=1)
    inflated_mib: int = Field(default=Limits.inflated_bytes // _MIB, ge=1)
    quarantine_mib: int = Field(default=4096, ge=1, description="beyond it the oldest bytes go, their records stay")


class DestinationSettings(_Section):
    """Where results go, and what that place can read."""

    name: Name
    kind: Literal["dimse", "stow"]
    host: str = LOOPBACK
    port: Port = 104
    aet: AETitle = "PACS"
    url: str = ""
    user: str = ""
    password_file: Path | None = None
    accepts: tuple[Literal["SEG", "SR", "REPORT", "PDF", "SUMMARY"], ...] = ("SEG", "SR", "REPORT", "PDF")
    seg_type: Literal["BINARY", "LABELMAP"] = "BINARY"
    language: Literal["en", "de"] | None = Field(default=None, description="of reports; else the rule's or report's")
    refuse_burnt_in_text: bool = False
    accepts_rejection_notes: bool = Field(default=False, description="IHE IOCM; else superseded results stay there")
    largest_segment_count: int = Field(default=0, ge=0, description="a SEG with more is split; 0: no bound")
    transfer_syntaxes: tuple[TransferSyntax, ...] = Field(default=(), description="the only ones sent; empty: any")
    character_set: Literal["ISO_IR 192", "ISO_IR 100"] = "ISO_IR 192"
    query_aet: AETitle | None = Field(default=None, description="of C-FIND, where it is another than `aet`")
    query_port: Port | None = Field(default=None, description="of C-FIND; with it, or qido_url, visibility is checked")
    qido_url: str = Field(default="", description="of QIDO-RS; with it, or query_port, visibility is checked")


class ReportSettings(_Section):
    """The report that is written from all findings of a study."""

    enabled: bool = True
    language: Literal["en", "de"] = "en"


class DeviceSettings(_Section):
    """How this appliance names itself in its results."""

    serial_number: str = "0001"
    station_name: str = "APPLIANCE"
    institution_name: str = ""


class DemoSettings(_Section):
    """The demonstration PACS of `make run`."""

    aet: AETitle = "DEMOPACS"
    dicom_port: Port = 4243
    http_port: Port = 8043


class Settings(BaseSettings):
    """Everything that can be set; see the sections."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix="APPLIANCE_", env_nested_delimiter="__", env_ignore_empty=True
    )

    home: Path = Field(default_factory=Path.cwd)
    state_dir: Path = Path("state")
    models_dir: Path = Path("models_onnx")
    rules_file: Path = Path("rules.toml")
    rules_activation: Literal["file", "explicit"] = "file"
    database_url: str = Field(default="", repr=False)
    database_url_file: Path | None = Field(default=None, description="holds the database_url, as containers have it")
    secrets_dir: Path | None = Field(default=None, description="where the passwords are; else state/secrets")
    dicom: DicomSettings = DicomSettings()
    orthanc: OrthancSettings = OrthancSettings()
    redis: RedisSettings = RedisSettings()
    web: WebSettings = WebSettings()
    openid: OpenIdSettings = OpenIdSettings()
    viewer: ViewerSettings = ViewerSettings()
    supervision: SupervisionSettings = SupervisionSettings()
    worker: WorkerSettings = WorkerSettings()
    arrival: ArrivalSettings = ArrivalSettings()
    limits: LimitSettings = LimitSettings()
    gate: GateSettings = GateSettings()
    uploads: UploadSettings = UploadSettings()
    report: ReportSettings = ReportSettings()
    device: DeviceSettings = DeviceSettings()
    demo: DemoSettings = DemoSettings()
    destinations: tuple[DestinationSettings, ...] = ()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file, whose content comes in as init arguments."""
        return env_settings, init_settings

    @property
    def state(self) -> Path:
        """The state folder, absolute."""
        return (self.home / self.state_dir).resolve()

    @property
    def signs(self) -> Path:
        """Where the services give signs of life."""
        return self.state / "run" / "alive"

    @property
    def models(self) -> Path:
        """The folder of model packages, absolute."""
        return (self.home / self.models_dir).resolve()

    @property
    def rules(self) -> Path:
        """The rules file, absolute."""
        return (self.home / self.rules_file).resolve()

    @property
    def ledger_url(self) -> str:
        """SQLAlchemy URL of the ledger: SQLite in the state folder unless `database_url` or its file says otherwise.

        Raises SettingsError where the file cannot be read.
        """
        if self.database_url_file and not self.database_url:
            return _content(self.home / self.database_url_file, "database_url_file")
        return self.database_url or f"sqlite:///{self.state / 'ledger.sqlite'}"

    @property
    def secrets(self) -> "Secrets":
        """The secrets of this installation: generated, or put there by who runs the containers."""
        return Secrets(self.home / self.secrets_dir if self.secrets_dir else self.state / "secrets")

    @property
    def gate_limits(self) -> Limits:
        """The bounds of the gate, in Orthanc and here."""
        return Limits(
            object_bytes=self.limits.file_mib * _MIB,
            inflated_bytes=self.gate.inflated_mib * _MIB,
            depth=self.gate.depth,
            level_elements=self.gate.level_elements,
            elements=self.gate.elements,
            frame_pixels=self.limits.frame_pixels,
            frames=self.gate.frames,
            decoded_bytes=self.gate.decoded_mib * _MIB,
        )

    @property
    def quarantine(self) -> Path:
        """The folder of what was kept out."""
        return self.state / "quarantine"

    @property
    def upload_spool(self) -> Path:
        """The folder of uploads that are under way; nothing in it outlives its request."""
        return self.state / "uploads"

    @property
    def crashes(self) -> Path:
        """The folder of Orthanc's crashes and of its notes about work in progress."""
        return self.state / "crashes"

    @property
    def orthanc_url(self) -> str:
        """Base URL of the node's Orthanc; log in as ORTHANC_USER."""
        return f"http://{self.orthanc.host}:{self.orthanc.http_port}"

    @property
    def broker_url(self) -> str:
        """The queue, with its password."""
        return f"redis://:{self.secrets.get(SecretName.REDIS)}@{self.redis.host}:{self.redis.port}/0"


def load_settings(path: Path | None = None) -> Settings:
    """Read the settings file (`path`, else $APPLIANCE_CONFIG, else ./appliance.toml if there is one) and the
    environment.

    Raises SettingsError that names the setting.
    """
    named = path or (Path(os.environ["APPLIANCE_CONFIG"]) if os.environ.get("APPLIANCE_CONFIG") else None)
    file = (named or Path("appliance.toml")).resolve()
    if named and not file.is_file():
        raise SettingsError("the settings file does not exist", where=str(file))
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        return Settings(**{"home": file.parent, **content})
    except ValidationError as error:
        first = error.errors()[0]
        setting = ".".join(str(part) for part in first["loc"])
        raise SettingsError(f"{first['msg']}", where=setting) from error
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"not valid TOML: {error}", where=str(file)) from error


def _content(file: Path, setting: str) -> str:
    """What a small file holds, without the line end that editors add. Raises SettingsError."""
    try:
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"the file cannot be read ({type(error).__name__})", where=setting) from error
    if not text:
        raise SettingsError("the file is empty", where=setting)
    return text


class SecretName(StrEnum):
    """The secrets of an installation, by the name of their file."""

    ORTHANC = "orthanc-password"
    REDIS = "redis-password"
    ANNOUNCEMENTS = "announcement-token"
    UPLOADS = "upload-token"
    DEMO_PACS = "demo-pacs-password"


def _token() -> str:
    return secrets.token_urlsafe(32)


class Secrets:
    """Passwords and tokens of this installation, generated once, readable by their owner only."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def folder(self) -> Path:
        """Where they are."""
        return self._folder

    def path(self, name: str) -> Path:
        """The file that holds the secret of that name."""
        return self._folder / name

    def get(self, name: str, make: Callable[[], str] = _token) -> str:
        """The secret of that name; made on first use. Raises SettingsError where it can be neither read nor made."""
        file = self.path(name)
        try:
            if not file.exists():
                self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._create(file, make)
            return _content(file, str(file))
        except OSError as error:
            raise SettingsError(f"the secret cannot be made: {error.strerror}", where=str(file)) from error

    def renew(self, name: str) -> None:
        """Put a new secret in place of the one of that name; whoever has read the old one keeps it until it restarts.

        Raises SettingsError where it cannot be written.
        """
        file = self.path(name)
        try:
            self._draft(file, _token).replace(file)
        except OSError as error:
            raise SettingsError(f"the secret cannot be made: {error.strerror}", where=str(file)) from error

    def _create(self, file: Path, make: Callable[[], str]) -> None:
        """Linked into its place, so that of two who make it at once one wins and both read the same."""
        draft = self._draft(file, make)
        with contextlib.suppress(FileExistsError):
            os.link(draft, file)
        draft.unlink()

    def _draft(self, file: Path, make: Callable[[], str]) -> Path:
        """A new secret, written whole under another name, so that nobody ever reads half of one."""
        draft = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(make())
        return draft
