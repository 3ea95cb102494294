"""`appliance users`: accounts of the pages and the API."""

import sys
from typing import Annotated, Any

import typer

from appliance.cli import context
from appliance.cli.login import login
from appliance.cli.output import JsonOption, out, show
from appliance.domain.access import UserRole
from appliance.domain.audit import Actor
from appliance.domain.errors import AccountRefused, UsageError
from appliance.store.users import User

app = typer.Typer(no_args_is_help=True, help="Accounts: add, list, role, lock, unlock, password, remove.")

NameArgument = Annotated[str, typer.Argument(help="The name to sign in with.")]
RolesArgument = Annotated[list[UserRole], typer.Argument(help="One or more roles.")]
StdinOption = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input instead of asking.")
]
_COLUMNS = {
    "name": "Name",
    "shown": "Shown as",
    "roles": "Roles",
    "state": "State",
    "signs_in_by": "Signs in by",
    "signed_in_at": "Last signed in",
}


@app.command("list")
def list_users(as_json: JsonOption = False) -> None:
    """Every account."""
    rows = [_row(user) for user in context.appliance().users.all()]
    show(rows, _COLUMNS, as_json=as_json, empty="There is no account yet; `appliance up` says how to make the first.")


@app.command("add")
def add(
    name: NameArgument,
    roles: RolesArgument,
    shown: Annotated[str, typer.Option("--shown-as", help="The name that others see.")] = "",
    password_stdin: StdinOption = False,
) -> None:
    """Make an account with a password."""
    user = context.appliance().account_desk.add(
        name, roles=roles, password=_password(password_stdin), shown=shown, actor=_actor()
    )
    out.print(f"Made: {user.name} ({', '.join(sorted(user.roles))}).", highlight=False)


@app.command("role")
def role(name: NameArgument, roles: RolesArgument) -> None:
    """Give an account these roles, in place of those that it has."""
    user = context.appliance().account_desk.set_roles(name, roles, actor=_actor())
    out.print(f"{user.name}: {', '.join(sorted(user.roles))}.", highlight=False)


@app.command("lock")
def lock(name: NameArgument) -> None:
    """Let an account sign in no more; whoever is signed in with it is out at once, and so are its tokens."""
    context.appliance().account_desk.set_locked(name, True, actor=_actor())
    out.print(f"{name} is locked.", highlight=False)


@app.command("unlock")
def unlock(name: NameArgument) -> None:
    """Let a locked account sign in again."""
    context.appliance().account_desk.set_locked(name, False, actor=_actor())
    out.print(f"{name} can sign in.", highlight=False)


@app.command("password")
def password(name: NameArgument, password_stdin: StdinOption = False) -> None:
    """Set another password; every session of the account ends."""
    context.appliance().users.get(name)
    context.appliance().account_desk.set_password(name, _password(password_stdin), actor=_actor())
    out.print(f"{name} has a new password.", highlight=False)


@app.command("remove")
def remove(name: NameArgument) -> None:
    """Remove an account with its sessions and tokens; the audit trail keeps what it did."""
    context.appliance().account_desk.remove(name, actor=_actor())
    out.print(f"{name} is removed.", highlight=False)


@app.command("setup-code")
def setup_code() -> None:
    """Print the one-time code that makes the first account on the pages; only while there is none."""
    first = context.appliance().first_account
    if first.is_made:
        raise AccountRefused("there is an account already")
    out.print(first.code, highlight=False)


def _row(user: User) -> dict[str, Any]:
    ways = (["password"] if user.has_password else []) + (["OpenID Connect"] if user.subject else [])
    return {
        "name": user.name,
        "shown": user.display_name,
        "roles": sorted(user.roles),
        "state": "locked" if user.locked else "ok",
        "signs_in_by": ways,
        "created_at": user.created_at,
        "signed_in_at": user.signed_in_at,
    }


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask for the password; use --password-stdin", where="users")
    given: str = typer.prompt("Password", hide_input=True, confirmation_prompt="Password again")
    return given


def _actor() -> Actor:
    return Actor(name=f"cli:{login()}", address="")
