"""`appliance rules`: which studies go to which models, and what would happen to a folder."""

from pathlib import Path
from typing import Annotated

import typer
from rich.tree import Tree

from appliance.cli import context
from appliance.cli.output import JsonOption, coloured, out, print_json, short, show
from appliance.pipeline import Plan
from appliance.selection.wording import sentence

app = typer.Typer(no_args_is_help=True, help="Routing rules: show, check, try on a folder without running anything.")


@app.command("show")
def show_rules(as_json: JsonOption = False) -> None:
    """The rules in force, in file order."""
    rows = [
        {
            "name": rule.name,
            "when": [sentence(criterion) for criterion in rule.when] or ["always"],
            "models": list(rule.models),
            "destinations": list(rule.destinations),
            "priority": rule.priority,
            "language": rule.language,
        }
        for rule in context.appliance().rules()
    ]
    columns = {
        "name": "Rule",
        "when": "When",
        "models": "Models",
        "destinations": "Destinations",
        "priority": "Priority",
    }
    show(rows, columns, as_json=as_json)


@app.command("check")
def check() -> None:
    """Read the rules file strictly; say what is wrong, or that it is right."""
    rules = context.appliance().rules()
    file = context.settings().rules
    out.print(f"{len(rules)} rules in {file}" if file.is_file() else f"No file {file}: every model, every destination.")


@app.command("try")
def try_rules(
    folder: Annotated[Path, typer.Argument(help="Folder or archive of DICOM files.", exists=True)],
    as_json: JsonOption = False,
) -> None:
    """Say which models would run on which series of FOLDER, and why not on the others. Nothing is run or sent."""
    plans = [(str(study.study_instance_uid), plan) for study, plan in context.appliance().plans_for_folder(folder)]
    if as_json:
        print_json([{"study": uid, "selections": _as_data(plan)} for uid, plan in plans])
        return
    for uid, plan in plans:
        out.print(_tree(uid, plan))


def _as_data(plan: Plan) -> list[dict[str, object]]:
    return [
        {
            "package": selection.package,
            "rules": list(selection.rules),
            "chosen": list(selection.chosen),
            "considered": [
                {"series": item.series_instance_uid, "fits": item.fits, "reasons": list(item.reasons)}
                for item in selection.considered
            ],
        }
        for selection in plan.selections
    ]


def _tree(uid: str, plan: Plan) -> Tree:
    tree = Tree(f"Study {uid}", highlight=False)
    for selection in plan.selections:
        word = coloured("ok") if selection.chosen else coloured("NOT APPLICABLE")
        branch = tree.add(f"{selection.package}  {word}", highlight=False)
        for item in selection.considered:
            mark = "runs on" if item.series_instance_uid in selection.chosen else ("fits" if item.fits else "not on")
            why = "; ".join(item.reasons)
            branch.add(f"{mark:8} {item.modality} …{short(item.series_instance_uid)}  {why}", highlight=False)
    return tree
