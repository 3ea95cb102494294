"""Why each package was, or was not, applied to each series: kept until the study is planned again."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select

from appliance.domain.identifiers import SeriesInstanceUID, StudyInstanceUID
from appliance.domain.selection import Considered, Selection
from appliance.store.clock import Clock, utc_now
from appliance.store.engine import Ledger
from appliance.store.faults import retried
from appliance.store.schema import SelectionRow

CHOSEN, FITS, NOT_APPLICABLE = "chosen", "fits", "not-applicable"


class Selections:
    """The reasons of the latest planning of each study."""

    def __init__(self, ledger: Ledger, clock: Clock = utc_now) -> None:
        self._ledger = ledger
        self._clock = clock

    @retried
    def replace(self, study: StudyInstanceUID, selections: Sequence[Selection]) -> None:
        """Keep these reasons in place of earlier ones."""
        now = self._clock()
        with self._ledger.write() as session:
            session.execute(delete(SelectionRow).where(SelectionRow.study_instance_uid == study))
            for selection in selections:
                session.add_all(_rows(study, selection, now))

    def of_study(self, study: StudyInstanceUID) -> tuple[Selection, ...]:
        """The reasons, by package."""
        query = select(SelectionRow).where(SelectionRow.study_instance_uid == study)
        by_package: dict[str, list[SelectionRow]] = {}
        with self._ledger.read() as session:
            for row in session.scalars(query.order_by(SelectionRow.package, SelectionRow.series_instance_uid)):
                by_package.setdefault(row.package, []).append(row)
        return tuple(_selection(package, rows) for package, rows in by_package.items())


def _rows(study: str, selection: Selection, now: datetime) -> list[SelectionRow]:
    common = {
        "study_instance_uid": study,
        "package": selection.package,
        "rules": list(selection.rules),
        "decided_at": now,
    }
    if not selection.considered:
        return [SelectionRow(**common, verdict=NOT_APPLICABLE, reasons=[])]
    return [
        SelectionRow(
            **common,
            series_instance_uid=considered.series_instance_uid,
            verdict=_verdict(selection, considered),
            modality=considered.modality,
            score=considered.score,
            reasons=list(considered.reasons),
        )
        for considered in selection.considered
    ]


def _verdict(selection: Selection, considered: Considered) -> str:
    if considered.series_instance_uid in selection.chosen:
        return CHOSEN
    return FITS if considered.fits else NOT_APPLICABLE


def _selection(package: str, rows: list[SelectionRow]) -> Selection:
    considered = tuple(
        Considered(
            series_instance_uid=SeriesInstanceUID(row.series_instance_uid),
            modality=row.modality,
            fits=row.verdict != NOT_APPLICABLE,
            score=row.score,
            reasons=tuple(row.reasons),
        )
        for row in rows
        if row.series_instance_uid
    )
    chosen = tuple(SeriesInstanceUID(row.series_instance_uid) for row in rows if row.verdict == CHOSEN)
    return Selection(package=package, chosen=chosen, considered=considered, rules=tuple(rows[0].rules))
