"""What is remembered: the ledger and its views, and the files of the results."""

from functools import cached_property

from appliance.bootstrap.knowledge import Knowledge
from appliance.bootstrap.limits import seconds
from appliance.domain.errors import SettingsError
from appliance.services.rulebook import Rulebook
from appliance.store.claims import Claims
from appliance.store.destinations import DestinationStates
from appliance.store.engine import Ledger, open_ledger
from appliance.store.instances import Instances
from appliance.store.outbox import Outbox
from appliance.store.quarantine import Quarantine
from appliance.store.results import ResultFiles, Results
from appliance.store.rule_revisions import RuleRevisions
from appliance.store.series_choices import SeriesChoices
from appliance.store.studies import Studies
from appliance.store.workitems import Workitems


class Memory(Knowledge):
    """The ledger, and one view of it for each subject."""

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger, migrated to the newest schema. Raises SettingsError, LedgerUnavailable."""
        try:
            self.settings.state.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(f"the state folder cannot be made: {error.strerror}", where="state_dir") from error
        return open_ledger(self.settings.ledger_url)

    @cached_property
    def studies(self) -> Studies:
        """Studies and their receipts."""
        return Studies(self.ledger)

    @cached_property
    def instances(self) -> Instances:
        """What arrived."""
        return Instances(self.ledger)

    @cached_property
    def quarantine(self) -> Quarantine:
        """What was kept out."""
        return Quarantine(self.ledger)

    @cached_property
    def workitems(self) -> Workitems:
        """The work."""
        return Workitems(self.ledger)

    @cached_property
    def results(self) -> Results:
        """The result objects."""
        return Results(self.ledger)

    @cached_property
    def outbox(self) -> Outbox:
        """What is under way to where."""
        return Outbox(self.ledger)

    @cached_property
    def result_files(self) -> ResultFiles:
        """The files of the result objects."""
        return ResultFiles(self.settings.state / "results")

    @cached_property
    def series_choices(self) -> SeriesChoices:
        """The series that people chose for packages."""
        return SeriesChoices(self.ledger)

    @cached_property
    def rule_revisions(self) -> RuleRevisions:
        """Every text of rules that was ever in force."""
        return RuleRevisions(self.ledger)

    @cached_property
    def rulebook(self) -> Rulebook:
        """The rules in force, and how they change."""
        return Rulebook(
            file=self.settings.rules,
            revisions=self.rule_revisions,
            vocabulary=self.rule_vocabulary,
            explicit=self.settings.rules_activation == "explicit",
        )

    @cached_property
    def destination_states(self) -> DestinationStates:
        """How the destinations stand."""
        return DestinationStates(self.ledger)

    @cached_property
    def claims(self) -> Claims:
        """Attempts at workitems."""
        worker = self.settings.worker
        return Claims(self.ledger, lease=seconds(worker.lease_s), max_attempts=worker.maximum_attempts)
