"""The file that supervisord reads: every service restarted, logs bounded, no secret inside."""

import configparser
from pathlib import Path

import pytest

from appliance.node.services import Service
from appliance.node.supervisor_config import environment_mark, supervisor_configuration
from appliance.settings import Settings
from tests.unit.node.conftest import secret_values

SERVICES = (
    Service(name="one", command=("/bin/pro gram", "--percent", "50%"), order=10),
    Service(name="two", command=("/bin/true",), order=20),
)


def parsed(settings: Settings) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser()
    parser.read_string(supervisor_configuration(settings, SERVICES, Path("/run/a socket"), "mark-1"))
    return parser


@pytest.mark.parametrize("name", ["one", "two"])
def test_a_service_that_dies_is_started_again_for_ever(settings: Settings, name: str) -> None:
    program = parsed(settings)[f"program:{name}"]
    assert (program["autostart"], program["autorestart"]) == ("true", "true")
    assert int(program["startretries"]) >= 1000
    assert (program["stopsignal"], program["stopwaitsecs"]) == ("TERM", str(settings.supervision.stop_grace_s))


def test_spaces_and_percent_signs_reach_the_program_as_they_are(settings: Settings) -> None:
    assert parsed(settings)["program:one"]["command"] == "'/bin/pro gram' --percent 50%%"


def test_the_order_of_services_is_their_priority(settings: Settings) -> None:
    assert [parsed(settings)[f"program:{name}"]["priority"] for name in ("one", "two")] == ["10", "20"]


def test_logs_are_bounded(settings: Settings) -> None:
    made = parsed(settings)
    for section in ("program:one", "supervisord"):
        bounds = {key: value for key, value in made[section].items() if "logfile_" in key}
        assert set(bounds.values()) == {"10MB", "5"}, section


def test_the_socket_is_private_and_nothing_listens_on_the_network(settings: Settings) -> None:
    made = parsed(settings)
    assert made["unix_http_server"]["chmod"] == "0700"
    assert "inet_http_server" not in made
    assert made["supervisord"]["umask"] == "077"


def test_the_file_holds_no_secret(settings: Settings) -> None:
    text = supervisor_configuration(settings, SERVICES, Path("/run/socket"), "mark-1")
    assert not [secret for secret in secret_values(settings) if secret in text]


def test_other_settings_or_services_give_another_mark() -> None:
    mark = environment_mark({"APPLIANCE_WEB": "1", "PATH": "a"}, SERVICES)
    assert environment_mark({"APPLIANCE_WEB": "1", "PATH": "b"}, SERVICES) == mark
    assert environment_mark({"APPLIANCE_WEB": "2", "PATH": "a"}, SERVICES) != mark
    assert environment_mark({"APPLIANCE_WEB": "1", "PATH": "a"}, SERVICES[:1]) != mark
