"""Model packages and rules."""

from collections.abc import Iterator

from appliance.bootstrap import Appliance
from appliance.catalogue.packages import verify_files
from appliance.domain.errors import ModelPackageError, WeightsMissing
from appliance.node.health.check import Line, failed, ok, warning


def models(node: Appliance, *, deep: bool) -> Iterator[Line]:
    """Every package: manifest and files; `deep` compares every file with its hash and runs the golden cases."""
    states = node.catalogue.states()
    if not any(state.active and not state.problem for state in states):
        yield failed("models", "no package can be used", "Run `appliance models pull`, or add a package.")
    for state in states:
        if isinstance(state.problem, WeightsMissing):
            yield warning(state.name, state.problem.what, state.problem.remedy)
        elif state.problem or state.package is None:
            yield failed(state.name, str(state.problem), state.problem.remedy if state.problem else "")
        elif not deep:
            yield ok(state.name, "active" if state.active else "off")
        else:
            try:
                verify_files(state.package)
                yield ok(state.name, f"files as in the manifest; {node.run_golden_cases(state.package)}")
            except ModelPackageError as error:
                yield failed(state.name, str(error), error.remedy)


def rules(node: Appliance) -> Iterator[Line]:
    """The rules file, where there is one."""
    names = ", ".join(rule.name for rule in node.rules())
    yield ok("rules", names if node.settings.rules.is_file() else "no rules file: every model on every study")
