"""Every text of routing rules that was ever in force: who put it there, when and why. Append only."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from appliance.domain.errors import UnknownRevision
from appliance.store.clock import Clock, utc_now
from appliance.store.engine import Ledger
from appliance.store.faults import retried
from appliance.store.schema import RuleRevisionRow


class RevisionKind(StrEnum):
    """How a revision came about."""

    FILE = "file"
    ACTIVATED = "activated"
    ROLLED_BACK = "rolled-back"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRevision:
    """A text of rules; the one with the highest number is in force.

    file_sha256: what the rules file held when this revision came about, so that a later edit of the file can be told
    from a file that was overtaken.
    """

    number: int
    text: str
    kind: RevisionKind
    author: str
    reason: str
    file_sha256: str
    at: datetime

    @property
    def sha256(self) -> str:
        """Of the text."""
        return sha256_of(self.text)


def sha256_of(text: str) -> str:
    """The sha256 of a text of rules in hexadecimal; "" for no text."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest() if text else ""


class RuleRevisions:
    """The revisions, oldest first."""

    def __init__(self, ledger: Ledger, clock: Clock = utc_now) -> None:
        self._ledger = ledger
        self._clock = clock

    @retried
    def append(
        self, text: str, *, after: int, kind: RevisionKind, author: str, reason: str, file_sha256: str
    ) -> RuleRevision | None:
        """Put `text` in force after the revision number `after` (0: none yet); None if another one came before us."""
        row = RuleRevisionRow(
            number=after + 1,
            text=text,
            sha256=sha256_of(text),
            kind=kind.value,
            author=author,
            reason=reason,
            file_sha256=file_sha256,
            at=self._clock(),
        )
        try:
            with self._ledger.write() as session:
                if _last(session) != after:
                    return None
                session.add(row)
                session.flush()
                return _revision(row)
        except IntegrityError:
            return None

    def active(self) -> RuleRevision | None:
        """The revision in force; None if there has been none."""
        with self._ledger.read() as session:
            row = session.scalars(select(RuleRevisionRow).order_by(RuleRevisionRow.number.desc()).limit(1)).first()
            return _revision(row) if row else None

    def get(self, number: int) -> RuleRevision:
        """One revision. Raises UnknownRevision."""
        with self._ledger.read() as session:
            row = session.get(RuleRevisionRow, number)
            if row is None:
                raise UnknownRevision(where=str(number))
            return _revision(row)

    def all(self) -> tuple[RuleRevision, ...]:
        """Every revision, oldest first."""
        with self._ledger.read() as session:
            rows = session.scalars(select(RuleRevisionRow).order_by(RuleRevisionRow.number))
            return tuple(_revision(row) for row in rows)


def _last(session: Session) -> int:
    newest = select(RuleRevisionRow.number).order_by(RuleRevisionRow.number.desc()).limit(1)
    return session.scalars(newest).first() or 0


def _revision(row: RuleRevisionRow) -> RuleRevision:
    return RuleRevision(
        number=row.number,
        text=row.text,
        kind=RevisionKind(row.kind),
        author=row.author,
        reason=row.reason,
        file_sha256=row.file_sha256,
        at=row.at,
    )
