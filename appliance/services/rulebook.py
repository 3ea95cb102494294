"""The rules in force: revisions in the ledger, and the rules file that becomes one when it is edited.

An invalid file takes nothing down: the last revision stays in force, and `file_state` says what is wrong. A file that
goes away changes nothing either.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from appliance.catalogue.rules_file import RuleVocabulary, parse_rules
from appliance.domain.errors import RulesConflict, RulesInvalid, SettingsError
from appliance.domain.rule_problem import RuleProblem
from appliance.domain.selection import EVERYTHING, Rule
from appliance.logs import get_logger
from appliance.store.clock import Clock, utc_now
from appliance.store.rule_revisions import RevisionKind, RuleRevision, RuleRevisions, sha256_of

FILE_AUTHOR = "file"
SETTLING = timedelta(seconds=2)
"""How long a file must have been left alone before it replaces a revision: an editor may still be writing."""

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """Rules, and the number of the revision that they are; 0 where none has ever been activated."""

    revision: int
    rules: tuple[Rule, ...]


class FileState(StrEnum):
    """How the rules file stands to the revision in force."""

    ABSENT = "absent"
    IN_FORCE = "in force"
    PENDING = "to be taken up with the next study"
    NOT_USED = "not in force"
    INVALID = "invalid"


class Rulebook:
    """Answers what the rules are now. `explicit`: the file is a draft only, and people activate.

    vocabulary: what rules may name now; it changes with models and destinations.
    """

    def __init__(
        self,
        *,
        file: Path,
        revisions: RuleRevisions,
        vocabulary: Callable[[], RuleVocabulary],
        explicit: bool,
        clock: Clock = utc_now,
    ) -> None:
        self._file = file
        self._revisions = revisions
        self._vocabulary = vocabulary
        self._explicit = explicit
        self._clock = clock
        self._parsed: dict[int, tuple[Rule, ...]] = {}
        self._complained = ""

    def in_force(self) -> InForce:
        """The rules to plan by; an edited file that is valid becomes a revision first.

        Raises RulesInvalid only where there has never been a valid text.
        """
        active = self._revisions.active()
        if not self._explicit:
            active = self._take_up(active)
        return self._rules_of(active)

    def current(self) -> InForce:
        """The rules that the next study would be planned by, and nothing is changed. Raises RulesInvalid."""
        active = self._revisions.active()
        state, problem = self.file_state()
        if state is FileState.PENDING:
            return InForce(revision=active.number if active else 0, rules=self.check(self.file_text()))
        if active is None and problem is not None and not self._explicit:
            raise problem
        return self._rules_of(active)

    def file_state(self) -> tuple[FileState, RulesInvalid | None]:
        """How the file stands to the revision in force, and what is wrong with it, if anything."""
        active = self._revisions.active()
        try:
            text = self.file_text()
            if not self._file.is_file():
                return FileState.ABSENT, None
            self.check(text)
        except RulesInvalid as error:
            return FileState.INVALID, error
        if active is not None and sha256_of(text) == active.sha256:
            return FileState.IN_FORCE, None
        edited = active is None or sha256_of(text) != active.file_sha256
        return (FileState.PENDING if edited and not self._explicit else FileState.NOT_USED), None

    def file_text(self) -> str:
        """What the rules file holds; "" if there is none. Raises RulesInvalid if it cannot be read."""
        try:
            return self._file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError) as error:
            problem = RuleProblem(what=f"the file cannot be read ({type(error).__name__})")
            raise RulesInvalid([problem], where=str(self._file)) from error

    def check(self, text: str, where: str = "") -> tuple[Rule, ...]:
        """The rules of a candidate text, held against models and destinations of now. Raises RulesInvalid."""
        return parse_rules(text, self._vocabulary(), where=where or str(self._file))

    def activate(self, text: str, *, author: str, reason: str, where: str = "") -> RuleRevision:
        """Put a text in force. Raises RulesInvalid with everything that is wrong, RulesConflict."""
        self.check(text, where)
        return self._append(text, RevisionKind.ACTIVATED, author, reason)

    def roll_back(self, number: int, *, author: str, reason: str) -> RuleRevision:
        """Put an earlier text in force again, as a revision of its own. Raises UnknownRevision, RulesInvalid."""
        earlier = self._revisions.get(number)
        self.check(earlier.text, f"revision {number}")
        return self._append(earlier.text, RevisionKind.ROLLED_BACK, author, f"to revision {number}: {reason}")

    def _append(self, text: str, kind: RevisionKind, author: str, reason: str) -> RuleRevision:
        if not reason.strip():
            raise SettingsError("a reason is needed: it stands in the history", where="rules")
        active = self._revisions.active()
        if active is not None and active.sha256 == sha256_of(text):
            raise RulesConflict("this text is in force already", where=f"revision {active.number}")
        revision = self._revisions.append(
            text,
            after=active.number if active else 0,
            kind=kind,
            author=author,
            reason=reason,
            file_sha256=self._file_sha256(),
        )
        if revision is None:
            raise RulesConflict("somebody else has activated rules at this moment", where="rules")
        _log.info("rules activated", revision=revision.number, kind=kind.value, sha256=revision.sha256)
        return revision

    def _file_sha256(self) -> str:
        return sha256_of(self._file.read_bytes().decode("utf-8", "replace")) if self._file.is_file() else ""

    def _take_up(self, active: RuleRevision | None) -> RuleRevision | None:
        if not self._file.is_file() or self._is_settling(active):
            return active
        try:
            text = self.file_text()
            if active is not None and sha256_of(text) in (active.file_sha256, active.sha256):
                return active
            self.check(text)
        except RulesInvalid as error:
            if active is None:
                raise
            if self._complained != error.what:
                self._complained = error.what
                _log.error("the rules file is invalid; the last revision stays in force", revision=active.number)
            return active
        added = self._revisions.append(
            text,
            after=active.number if active else 0,
            kind=RevisionKind.FILE,
            author=FILE_AUTHOR,
            reason="the rules file was edited",
            file_sha256=sha256_of(text),
        )
        return added or self._revisions.active()

    def _is_settling(self, active: RuleRevision | None) -> bool:
        if active is None:
            return False
        written = datetime.fromtimestamp(self._file.stat().st_mtime, UTC)
        return abs(self._clock() - written) < SETTLING

    def _rules_of(self, active: RuleRevision | None) -> InForce:
        if active is None:
            return InForce(revision=0, rules=() if self._explicit else (EVERYTHING,))
        for revision in (active, *reversed(self._revisions.all()[: active.number - 1])):
            rules = self._read(revision)
            if rules is not None:
                return InForce(revision=revision.number, rules=rules)
        raise RulesInvalid([RuleProblem(what="no revision can be read by this version")], where="rules")

    def _read(self, revision: RuleRevision) -> tuple[Rule, ...] | None:
        """The rules of a revision, whatever has become of the models and destinations that it names."""
        if revision.number not in self._parsed:
            vocabulary = replace(self._vocabulary(), models=None, destinations=None, keywords=None)
            try:
                self._parsed[revision.number] = parse_rules(revision.text, vocabulary)
            except RulesInvalid:
                _log.error("a revision of the rules cannot be read by this version", revision=revision.number)
                return None
        return self._parsed[revision.number]
