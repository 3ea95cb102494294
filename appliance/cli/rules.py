"""`appliance rules`: which studies go to which models; trying, activating and taking back."""

import difflib
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from appliance.catalogue.rules_text import print_rules
from appliance.cli import context
from appliance.cli.login import login
from appliance.cli.output import ExitCode, JsonOption, complain, out, print_json, show
from appliance.cli.rules_try import try_rules
from appliance.domain.errors import RulesInvalid, SettingsError, UsageError
from appliance.domain.selection import Rule
from appliance.selection.wording import rule_in_words, sentence
from appliance.services.rulebook import FileState
from appliance.store.rule_revisions import RuleRevision

app = typer.Typer(
    no_args_is_help=True,
    help="Routing rules: show, check, try without running anything, activate, history, diff, rollback.",
)
app.command("try")(try_rules)

FileArgument = Annotated[
    Path | None, typer.Argument(help="A file of rules; the rules file of the settings if none.", dir_okay=False)
]
RevisionArgument = Annotated[int, typer.Argument(min=1, help="Number of a revision, as `history` shows it.")]
ReasonOption = Annotated[str, typer.Option(help="Why; it stands in the history.")]
AuthorOption = Annotated[str, typer.Option(help="Who; the name of the login if none.")]


@app.command("show")
def show_rules(
    revision: Annotated[
        int | None, typer.Argument(min=1, help="Number of a revision; the rules in force if none.")
    ] = None,
    as_toml: Annotated[bool, typer.Option("--toml", help="As a file, to begin a new one with.")] = False,
    as_json: JsonOption = False,
) -> None:
    """The rules in force in file order, or the text of a revision."""
    node = context.appliance()
    if revision is not None:
        found = node.rule_revisions.get(revision)
        if as_json:
            print_json({**_row(found, node.rule_revisions.active()), "text": found.text})
        else:
            out.print(found.text, markup=False, highlight=False, end="")
        return
    rules = node.rulebook.current().rules
    if as_toml:
        typer.echo(print_rules(rules), nl=False)
        return
    columns = {
        "name": "Rule",
        "enabled": "On",
        "when": "When",
        "models": "Models",
        "destinations": "Destinations",
        "priority": "Priority",
    }
    show([_rule_row(rule) for rule in rules], columns, as_json=as_json, empty="No rule: nothing is analysed.")


def _rule_row(rule: Rule) -> dict[str, object]:
    return {
        "name": rule.name,
        "enabled": rule.enabled,
        "when": [sentence(condition) for condition in rule.when] or ["always"],
        "models": list(rule.models),
        "destinations": list(rule.destinations),
        "priority": rule.priority,
        "language": rule.language,
        "meaning": list(rule_in_words(rule)),
    }


@app.command("check")
def check(file: FileArgument = None, as_json: JsonOption = False) -> None:
    """Read a file of rules strictly; say everything that is wrong, or what each rule means in plain words."""
    rulebook = context.appliance().rulebook
    source = file or context.settings().rules
    if file is None and not source.is_file():
        _say_absent(source, as_json=as_json)
        return
    try:
        rules = rulebook.check(_text_of(source), str(source))
    except RulesInvalid as error:
        if as_json:
            print_json({"file": source, "valid": False, "problems": [str(problem) for problem in error.problems]})
        else:
            complain(error)
        raise typer.Exit(ExitCode.SETTINGS) from error
    if as_json:
        print_json({"file": source, "valid": True, "rules": [_rule_row(rule) for rule in rules]})
        return
    out.print(f"{len(rules)} rules in {escape(str(source))}", highlight=False)
    for rule in rules:
        out.print(f"\n[bold]{escape(rule.name)}[/]")
        for line in rule_in_words(rule):
            out.print(f"  {escape(line)}", highlight=False)
    if file is None:
        out.print(f"\n{_standing()}", highlight=False)


def _say_absent(source: Path, *, as_json: bool) -> None:
    if as_json:
        print_json({"file": source, "valid": True, "rules": None})
        return
    active = context.appliance().rule_revisions.active()
    if active is None:
        out.print(f"No file {source}: every model, every destination.", highlight=False)
    else:
        out.print(f"No file {source}; revision {active.number} stays in force.", highlight=False)


def _standing() -> str:
    state, _ = context.appliance().rulebook.file_state()
    active = context.appliance().rule_revisions.active()
    number = f"revision {active.number}" if active else "no revision yet"
    if state is FileState.NOT_USED:
        return f"In force: {number}. This file is not; `appliance rules activate FILE --reason …` puts it in force."
    return f"In force: {number}. This file: {state}."


@app.command("activate")
def activate(
    file: Annotated[Path, typer.Argument(help="The file of rules.", dir_okay=False)],
    reason: ReasonOption,
    author: AuthorOption = "",
) -> None:
    """Put a file of rules in force as a new revision; an invalid one is refused with everything that is wrong."""
    revision = context.appliance().rulebook.activate(
        _text_of(file), author=author or login(), reason=reason, where=str(file)
    )
    out.print(f"Revision {revision.number} is in force", highlight=False)


@app.command("rollback")
def rollback(revision: RevisionArgument, reason: ReasonOption, author: AuthorOption = "") -> None:
    """Put the text of an earlier revision in force again, as a new revision."""
    new = context.appliance().rulebook.roll_back(revision, author=author or login(), reason=reason)
    out.print(f"Revision {new.number} is in force: the text of revision {revision}", highlight=False)


@app.command("history")
def history(as_json: JsonOption = False) -> None:
    """Every revision of the rules: who, when, why."""
    node = context.appliance()
    active = node.rule_revisions.active()
    rows = [_row(revision, active) for revision in reversed(node.rule_revisions.all())]
    columns = {
        "number": "Revision",
        "at": "When (UTC)",
        "author": "Who",
        "kind": "How",
        "reason": "Why",
        "sha256_start": "sha256",
        "state": "State",
    }
    show(rows, columns, as_json=as_json, empty="No revision yet: every model, every destination.")


def _row(revision: RuleRevision, active: RuleRevision | None) -> dict[str, object]:
    return {
        "number": revision.number,
        "at": revision.at,
        "author": revision.author,
        "kind": revision.kind,
        "reason": revision.reason,
        "sha256": revision.sha256,
        "sha256_start": revision.sha256[:12],
        "state": "in force" if active is not None and active.number == revision.number else "",
    }


@app.command("diff")
def diff(before: RevisionArgument, after: RevisionArgument) -> None:
    """What changed between two revisions, line by line."""
    revisions = context.appliance().rule_revisions
    old, new = revisions.get(before), revisions.get(after)
    lines = difflib.unified_diff(
        old.text.splitlines(),
        new.text.splitlines(),
        f"revision {before}",
        f"revision {after}",
        lineterm="",
    )
    for line in lines:
        colour = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
        out.print(f"[{colour}]{escape(line)}[/]" if colour else escape(line), highlight=False)
    if old.text == new.text:
        out.print("No difference.")


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UsageError("there is no such file", where=str(file)) from error
    except UnicodeDecodeError as error:
        raise SettingsError("the file is no UTF-8 text", where=str(file)) from error
