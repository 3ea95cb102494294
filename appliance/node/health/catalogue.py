"""Model packages and rules."""

from collections.abc import Iterable, Iterator

from appliance.bootstrap import Appliance
from appliance.catalogue.packages import verify_files
from appliance.domain.errors import ModelPackageError, WeightsMissing
from appliance.domain.selection import Rule
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


def rules(node: Appliance, *, remembers: bool) -> Iterator[Line]:
    """The rules in force, and what is wrong with the rules file, if anything; without a ledger the file alone."""
    file = node.settings.rules
    if not remembers:
        names = _enabled(node.rulebook.check(node.rulebook.file_text())) if file.is_file() else ""
        yield ok("rules", names or "no rules file: every model on every study")
        return
    state, problem = node.rulebook.file_state()
    if problem is not None:
        first, *others = problem.problems
        more = f"; and {len(others)} more" if others else ""
        yield failed("rules file", f"{first}{more}", "Run `appliance rules check`; the last valid rules stay in force.")
    in_force = node.rulebook.current()
    names = _enabled(in_force.rules)
    revision = f"revision {in_force.revision}" if in_force.revision else "no revision yet"
    if names:
        yield ok("rules", f"{revision}, rules file {state}: {names}")
    else:
        yield warning("rules", f"{revision}: no rule, so nothing is analysed", "Run `appliance rules activate FILE`.")


def _enabled(rules: Iterable[Rule]) -> str:
    return ", ".join(rule.name for rule in rules if rule.enabled)
