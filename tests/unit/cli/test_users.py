"""`appliance users`: what a person does at the command line counts on the pages, and stands in the audit trail."""

import io

import pytest

from appliance.bootstrap import Appliance
from appliance.settings import load_settings
from appliance.store.audit_trail import AuditQuery
from tests.helpers.people import PASSWORD
from tests.unit.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("home")

ADD = ("users", "add", "ada", "pacs-admin", "--shown-as", "Ada L", "--password-stdin")


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The password on standard input."""
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n" * 3))


@pytest.mark.usefixtures("typed")
def test_the_life_of_an_account(run: Run) -> None:
    assert run(*ADD).code == 0
    assert run("users", "add", "rad", "radiologist", "auditor", "--password-stdin").code == 0
    assert run("users", "role", "rad", "ai-lead").code == 0
    assert run("users", "lock", "rad").code == 0
    rows = {row["name"]: row for row in run("users", "list", "--json").data}
    assert (rows["rad"]["roles"], rows["rad"]["state"]) == (["ai-lead"], "locked")
    assert (rows["ada"]["shown"], rows["ada"]["signs_in_by"]) == ("Ada L", ["password"])
    assert run("users", "unlock", "rad").code == 0
    assert run("users", "password", "rad", "--password-stdin").code == 0
    assert run("users", "remove", "rad").code == 0
    assert [row["name"] for row in run("users", "list", "--json").data] == ["ada"]
    node = Appliance(load_settings())
    actors = {record.actor.split(":")[0] for record in node.audit.search(AuditQuery(), 20)}
    assert actors == {"cli"}
    assert node.sign_in.with_password("ada", PASSWORD, address="x").user.name == "ada"
    node.close()


@pytest.mark.usefixtures("typed")
@pytest.mark.parametrize("deed", [("remove", "ada"), ("lock", "ada"), ("role", "ada", "auditor"), ("lock", "nobody")])
def test_what_must_not_be_is_refused_with_the_reason(run: Run, deed: tuple[str, ...]) -> None:
    run(*ADD)
    said = run("users", *deed)
    assert said.code == 6
    assert "account" in said.err
    assert "do " in said.err


def test_before_there_is_an_account_the_list_says_how_to_make_one(run: Run) -> None:
    assert "appliance up" in run("users", "list").out


def test_a_password_is_never_waited_for_without_a_terminal(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert run("users", "add", "ada", "pacs-admin").code == 2


def test_the_code_for_the_first_account_is_printed_until_there_is_one(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    code = run("users", "setup-code").out.strip()
    assert len(code) == 19
    run(*ADD)
    said = run("users", "setup-code")
    assert said.code == 6
    assert "already" in said.err
