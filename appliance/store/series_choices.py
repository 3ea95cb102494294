"""The series that people chose for packages, with who and why. Append only."""

from sqlalchemy import func, select

from appliance.domain.identifiers import SeriesInstanceUID, StudyInstanceUID
from appliance.domain.selection import SeriesChoice
from appliance.store.clock import Clock, utc_now
from appliance.store.engine import Ledger
from appliance.store.events import EventKind, lock, record
from appliance.store.faults import retried
from appliance.store.schema import SeriesChoiceRow, WorkitemRow


class SeriesChoices:
    """Choices by study."""

    def __init__(self, ledger: Ledger, clock: Clock = utc_now) -> None:
        self._ledger = ledger
        self._clock = clock

    @retried
    def add(
        self,
        study: StudyInstanceUID,
        series: SeriesInstanceUID,
        package: str,
        *,
        unmet: tuple[str, ...],
        author: str,
        reason: str,
    ) -> SeriesChoice:
        """From now on `package` runs on `series` of this study; it is on the timeline. Raises UnknownStudy."""
        now = self._clock()
        with self._ledger.write() as session:
            lock(session, study)
            last = session.scalars(
                select(func.max(WorkitemRow.revision)).where(
                    WorkitemRow.study_instance_uid == study,
                    WorkitemRow.series_instance_uid == series,
                    WorkitemRow.package == package,
                )
            ).one()
            choice = SeriesChoice(
                package=package,
                series_instance_uid=series,
                revision=0 if last is None else last + 1,
                unmet=unmet,
            )
            session.add(
                SeriesChoiceRow(
                    study_instance_uid=study,
                    package=package,
                    series_instance_uid=series,
                    revision=choice.revision,
                    unmet=list(unmet),
                    author=author,
                    reason=reason,
                    at=now,
                )
            )
            detail = {"package": package, "author": author, "reason": reason}
            record(session, study, EventKind.SERIES_CHOSEN, now, series=series, **detail)
        return choice

    def of_study(self, study: StudyInstanceUID) -> dict[str, SeriesChoice]:
        """The choices that count, by package."""
        query = select(SeriesChoiceRow).where(SeriesChoiceRow.study_instance_uid == study)
        with self._ledger.read() as session:
            rows = session.scalars(query.order_by(SeriesChoiceRow.id))
            return {row.package: _choice(row) for row in rows}


def _choice(row: SeriesChoiceRow) -> SeriesChoice:
    return SeriesChoice(
        package=row.package,
        series_instance_uid=SeriesInstanceUID(row.series_instance_uid),
        revision=row.revision,
        unmet=tuple(row.unmet),
    )
