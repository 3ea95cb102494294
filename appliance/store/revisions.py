"""Work that a plan asks for again after other work had taken its place: it is done anew, under the next revision."""

from collections.abc import Iterator, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.domain.identifiers import WorkitemUID
from appliance.domain.workitem import Workitem
from appliance.store.schema import WorkitemRow
from appliance.store.workitem_rows import load


def due_revisions(session: Session, workitems: Sequence[Workitem]) -> dict[WorkitemUID, int]:
    """The revision that each of these workitems is to have now, for those to which it is not their own.

    A workitem is known by its content, so that a plan that comes back to an earlier series (version, set of slices)
    names a workitem that ended when another took its place, and whose results are superseded. Work that a person had
    repeated keeps the revision that the plan names, as long as nothing else came between.
    """
    return {item.uid: revision for item in workitems for revision in _due(session, item)}


def _due(session: Session, item: Workitem) -> Iterator[int]:
    if item.series_instance_uid is None:
        return
    line = _line(session, item)
    known = next((index for index, one in enumerate(line) if one.uid == item.uid), None)
    if known is None:
        return
    same = [one.revision for one in line if _content(one) == _content(item)]
    if _content(line[-1]) != _content(item):
        yield max(same) + 1
    elif line[-1].uid != item.uid and any(_content(one) != _content(item) for one in line[known:]):
        yield line[-1].revision


def _line(session: Session, item: Workitem) -> list[Workitem]:
    """The workitems of which each took the place of those before it, oldest first."""
    query = select(WorkitemRow).where(
        WorkitemRow.study_instance_uid == item.study_instance_uid, WorkitemRow.package == item.package
    )
    if not item.instead:
        query = query.where(WorkitemRow.series_instance_uid == item.series_instance_uid)
    rows = session.scalars(query.order_by(WorkitemRow.created_at, WorkitemRow.uid))
    return [load(session, row) for row in rows]


def _content(item: Workitem) -> tuple[object, ...]:
    return item.series_instance_uid, item.version, frozenset(item.sop_instance_uids)
