"""A plan that comes back to earlier work has it done anew; work that a person repeated stays as it is."""

from dataclasses import replace

from appliance.domain.workitem import Workitem, report_uid, revised, workitem_uid
from appliance.store.engine import Ledger
from appliance.store.workitems import Workitems
from tests.unit.store.conftest import STUDY, Clock, workitem


def on_version(item: Workitem, version: str, clock: Clock) -> Workitem:
    clock.pass_by(minutes=1)
    content = (item.study_instance_uid, item.series_instance_uid, item.package, version, item.sop_instance_uids)
    return replace(item, uid=workitem_uid(*content), version=version, created_at=clock())


def test_coming_back_to_an_earlier_version_is_new_work_once(ledger: Ledger, clock: Clock) -> None:
    workitems, first = Workitems(ledger, clock), workitem("liver")
    second = on_version(first, "2", clock)
    for item in (first, second):
        assert workitems.due_revisions([item]) == {}
        workitems.schedule([item])
    clock.pass_by(minutes=1)
    again = replace(first, created_at=clock())
    assert workitems.due_revisions([again]) == {first.uid: 1}
    (renewed,) = revised([again], {first.uid: 1})
    assert workitems.schedule([renewed]) == (renewed.uid,)
    assert workitems.due_revisions([again]) == {first.uid: 1}
    assert workitems.schedule(revised([again], {first.uid: 1})) == ()
    clock.pass_by(minutes=1)
    assert workitems.due_revisions([second]) == {second.uid: 1}


def test_what_a_person_repeated_is_not_done_anew(ledger: Ledger, clock: Clock) -> None:
    workitems, item = Workitems(ledger, clock), workitem("liver")
    workitems.schedule([item])
    clock.pass_by(minutes=1)
    workitems.repeat(item.uid)
    assert workitems.due_revisions([item]) == {}


def test_what_waits_follows_to_the_new_revision() -> None:
    gate, waiting = workitem("gate"), replace(workitem("liver"), waits_for=(workitem("gate").uid,))
    report = replace(workitem("report"), series_instance_uid=None, waits_for=(gate.uid, waiting.uid))
    new_gate, new_waiting, new_report = revised([gate, waiting, report], {gate.uid: 3})
    assert (new_gate.revision, new_gate.uid != gate.uid) == (3, True)
    assert (new_waiting.uid, new_waiting.waits_for) == (waiting.uid, (new_gate.uid,))
    assert set(new_report.waits_for) == {new_gate.uid, waiting.uid}
    assert new_report.uid == report_uid(STUDY, report.version, report.language, (new_gate.uid, waiting.uid))
