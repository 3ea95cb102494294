"""`appliance rules try`: candidate rules against studies, with the reasons and what would change."""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.tree import Tree

from appliance.bootstrap import Appliance
from appliance.cli import context
from appliance.cli.output import JsonOption, coloured, out, print_json, short
from appliance.domain.errors import UsageError
from appliance.domain.identifiers import StudyInstanceUID
from appliance.domain.study import Study
from appliance.selection.wording import hours_in_words
from appliance.services.rehearsal import Rehearsal, rehearse
from appliance.store.clock import utc_now

_SPANS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def try_rules(
    file: Annotated[
        Path | None,
        typer.Argument(help="Candidate rules; those that the next study would meet if none.", dir_okay=False),
    ] = None,
    study: Annotated[str, typer.Option(help="A study that arrived: its UID, or the end of it.")] = "",
    last: Annotated[str, typer.Option(help="Studies of the last time, such as 30d, 12h or 2w.")] = "",
    folder: Annotated[Path | None, typer.Option(help="Folder or archive of DICOM files.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Say for each study which models would run on which series, why, and how that differs from the rules in force.

    Nothing is run or sent, and no rule changes.
    """
    node = context.appliance()
    active = node.rulebook.current().rules
    candidate = node.rulebook.check(_text_of(file), str(file)) if file else active
    studies = _studies(node, study, last, folder)
    found = [
        rehearse(item, candidate, active, node.plan_by, node.series_choices.of_study(item.study_instance_uid))
        for item in studies
    ]
    if as_json:
        print_json([_as_data(item) for item in found])
        return
    for item in found:
        out.print(_tree(item))
    changed = sum(bool(item.differences) for item in found)
    out.print(f"{len(found)} studies, {changed} of them otherwise than by the rules in force.", highlight=False)


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError("this file cannot be read as text", where=str(file)) from error


def _studies(node: Appliance, study: str, last: str, folder: Path | None) -> Sequence[Study]:
    if sum((bool(study), bool(last), folder is not None)) != 1:
        raise UsageError("name the studies: one of --study, --last and --folder")
    if folder is not None:
        if not folder.exists():
            raise UsageError("there is no such file or folder", where=str(folder))
        return node.studies_in(folder)
    if study:
        uids = [StudyInstanceUID(context.complete_study_uid(study))]
    else:
        uids = list(node.studies.arrived_since(utc_now() - _span(last)))
    return [images for uid in uids if (images := node.images_of(uid))]


def _span(text: str) -> timedelta:
    found = re.fullmatch(r"([1-9][0-9]{0,4})([mhdw])", text)
    if found is None:
        raise UsageError("a time is a number and m, h, d or w, such as 30d", where="--last")
    return timedelta(**{_SPANS[found[2]]: int(found[1])})


def _as_data(item: Rehearsal) -> dict[str, Any]:
    return {
        "study": item.study,
        "rules": [
            {"name": r.rule.name, "holds": r.holds, "series": list(r.series), "reasons": list(r.reasons)}
            for r in item.rulings
        ],
        "selections": [
            {
                "package": selection.package,
                "rules": list(selection.rules),
                "chosen": list(selection.chosen),
                "considered": [
                    {"series": one.series_instance_uid, "fits": one.fits, "reasons": list(one.reasons)}
                    for one in selection.considered
                ],
            }
            for selection in item.plan.selections
        ],
        "workitems": [
            {
                "package": work.package,
                "series": work.series_instance_uid,
                "priority": work.priority,
                "destinations": list(work.destinations),
                "language": work.language,
                "run_between": hours_in_words(work.run_between) if work.run_between else None,
            }
            for work in item.plan.workitems
        ],
        "chosen_by_hand": list(item.by_hand),
        "differences": list(item.differences),
    }


def _tree(item: Rehearsal) -> Tree:
    tree = Tree(f"Study {item.study}", highlight=False)
    rules = tree.add("Rules")
    for ruling in item.rulings:
        word = coloured("ok") + " holds" if ruling.holds else "does not hold: " + escape("; ".join(ruling.reasons))
        rules.add(f"{escape(ruling.rule.name)}  {word}", highlight=False)
    for selection in item.plan.selections:
        word = coloured("ok") if selection.chosen else coloured("NOT APPLICABLE")
        branch = tree.add(f"{selection.package}  {word}  by {escape(', '.join(selection.rules))}", highlight=False)
        for one in selection.considered:
            mark = "runs on" if one.series_instance_uid in selection.chosen else ("fits" if one.fits else "not on")
            why = escape("; ".join(one.reasons))
            branch.add(f"{mark:8} {one.modality} …{short(one.series_instance_uid)}  {why}", highlight=False)
    for line in _ways(item):
        tree.add(line, highlight=False)
    for line in item.by_hand:
        tree.add(escape(line), highlight=False)
    if item.differences:
        changes = tree.add("Otherwise than by the rules in force")
        for difference in item.differences:
            changes.add(escape(difference), highlight=False)
    return tree


def _ways(item: Rehearsal) -> Iterator[str]:
    for work in item.plan.workitems:
        where = ", ".join(work.destinations) or "the node only"
        hours = f", only {hours_in_words(work.run_between)}" if work.run_between else ""
        yield f"{work.package}: {work.priority}{hours}, to {escape(where)}"
