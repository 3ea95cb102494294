"""Settings come from file and environment, name what is wrong, and never show a secret."""

from pathlib import Path

import pytest

from appliance.domain.errors import SettingsError
from appliance.settings import SecretName, Settings, WebSettings, load_settings

PASSWORD = "swordfish-17"
DATABASE = f"postgresql://ledger:{PASSWORD}@db.example/ledger"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "appliance.toml"


def test_everything_has_a_default_and_paths_are_relative_to_the_file(file: Path) -> None:
    made = load_settings()
    assert made.state == file.parent / "state"
    assert made.ledger_url == f"sqlite:///{file.parent / 'state' / 'ledger.sqlite'}"


def test_the_environment_wins_over_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("[web]\nport = 8081\n[dicom]\nport = 104\n", encoding="utf-8")
    monkeypatch.setenv("APPLIANCE_WEB__PORT", "8082")
    made = load_settings()
    assert (made.web.port, made.dicom.port) == (8082, 104)


@pytest.mark.parametrize(
    ("text", "where"),
    [("[web]\nport = 0\n", "web.port"), ("[web]\nprot = 1\n", "web.prot"), ("nonsense = 1\n", "nonsense")],
)
def test_what_is_wrong_is_named(file: Path, text: str, where: str) -> None:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert refused.value.where == where


def test_a_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="does not exist"):
        load_settings(tmp_path / "missing.toml")


def test_settings_never_print_a_secret(tmp_path: Path) -> None:
    made = Settings(home=tmp_path, database_url=DATABASE)
    secrets = [made.secrets.get(name) for name in SecretName]
    for text in (repr(made), str(made), repr(made.secrets)):
        assert not [secret for secret in (PASSWORD, *secrets) if secret in text]
    assert made.ledger_url == DATABASE


@pytest.mark.parametrize("text", [f'database_url = ["{DATABASE}"]', f'database_ulr = "{DATABASE}"'])
def test_an_error_in_a_setting_does_not_repeat_its_value(file: Path, text: str) -> None:
    file.write_text(text + "\n", encoding="utf-8")
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert PASSWORD not in str(refused.value)


def test_secrets_are_made_once_and_for_their_owner_only(tmp_path: Path) -> None:
    made = Settings(home=tmp_path)
    first = {name: made.secrets.get(name) for name in SecretName}
    assert len(set(first.values())) == len(SecretName)
    assert all(len(value) >= 32 for value in first.values())
    assert {name: Settings(home=tmp_path).secrets.get(name) for name in SecretName} == first
    folder = made.state / "secrets"
    assert folder.stat().st_mode & 0o077 == 0
    assert not [path for path in folder.iterdir() if path.stat().st_mode & 0o077]


def test_secrets_and_the_database_may_come_from_files_that_are_mounted(tmp_path: Path) -> None:
    mounted = tmp_path / "run secrets"
    mounted.mkdir()
    (mounted / "orthanc-password").write_text(f"{PASSWORD}\n", encoding="utf-8")
    (mounted / "database-url").write_text(f"{DATABASE}\n", encoding="utf-8")
    made = Settings(home=tmp_path, secrets_dir=mounted, database_url_file=mounted / "database-url")
    assert made.secrets.get(SecretName.ORTHANC) == PASSWORD
    assert made.ledger_url == DATABASE
    assert not (made.state / "secrets").exists()
    assert Settings(home=tmp_path, database_url="sqlite://", database_url_file="none").ledger_url == "sqlite://"


def test_a_file_of_a_secret_that_is_empty_or_cannot_be_made_is_a_wrong_setting(tmp_path: Path) -> None:
    (tmp_path / "database-url").write_text("\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="empty"):
        _ = Settings(home=tmp_path, database_url_file="database-url").ledger_url
    with pytest.raises(SettingsError, match="cannot be read"):
        _ = Settings(home=tmp_path, database_url_file="missing").ledger_url
    with pytest.raises(SettingsError, match="cannot be made"):
        Settings(home=tmp_path, secrets_dir=tmp_path / "database-url").secrets.get(SecretName.REDIS)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost"])
def test_the_pages_are_open_to_this_machine_without_tls(host: str) -> None:
    assert WebSettings(host=host).host == host
    assert WebSettings(host="node", bind=host).bind == host


@pytest.mark.parametrize("web", [{"host": "10.0.0.5"}, {"bind": "0.0.0.0"}, {"host": "node"}, {"bind": "::"}])
def test_beyond_this_machine_they_need_tls_or_a_proxy_that_speaks_it(tmp_path: Path, web: dict[str, str]) -> None:
    file = tmp_path / "appliance.toml"
    file.write_text("[web]\n" + "".join(f'{key} = "{value}"\n' for key, value in web.items()), encoding="utf-8")
    with pytest.raises(SettingsError, match="behind_proxy") as refused:
        load_settings(file)
    assert refused.value.where == "web"
    assert WebSettings(**web, behind_proxy="10.0.0.1").behind_proxy == "10.0.0.1"


def test_a_certificate_comes_with_its_key() -> None:
    with pytest.raises(ValueError, match="both"):
        WebSettings(tls_certificate=Path("web.pem"))
