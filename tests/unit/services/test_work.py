"""Long work leaves a thread to short work, the most urgent long work is next, and no lane is lost."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from appliance.domain.identifiers import WorkitemUID
from appliance.domain.workitem import Priority, Workitem
from appliance.services.lanes import LongLanes
from appliance.services.work import Work
from appliance.store.engine import Ledger
from appliance.store.workitems import Workitems
from tests.unit.store.conftest import Clock, clock, ledger, workitem

__all__ = ["clock", "ledger"]


@dataclass
class SlowAnalyst:
    """Long work ends when `go_on` is set; everything is remembered in the order of its end."""

    go_on: threading.Event = field(default_factory=threading.Event)
    begun: "list[str]" = field(default_factory=list)
    ended: "list[str]" = field(default_factory=list)
    something_began: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    fails: bool = False

    def run(self, uid: WorkitemUID, worker: str) -> bool:
        self.begun.append(uid)
        self.something_began.release()
        if self.fails:
            raise RuntimeError
        if uid in self.long and not self.go_on.wait(30):
            raise AssertionError("nobody let it go on")
        self.ended.append(uid)
        return True

    long: "set[str]" = field(default_factory=set)


@pytest.fixture
def make(ledger: Ledger, clock: Clock):  # type: ignore[no-untyped-def]
    def build(threads: int, *items: Workitem) -> tuple[Callable[[Workitem], None], SlowAnalyst]:
        workitems, analyst = Workitems(ledger, clock), SlowAnalyst()
        workitems.schedule(items)
        analyst.long = {item.uid for item in items if item.package.startswith("ct")}
        stand_in: Any = analyst
        work = Work(
            analyst=stand_in,
            workitems=workitems,
            is_long=lambda item: item.package.startswith("ct"),
            threads=threads,
        )
        return lambda item: work.run(item.uid, "worker"), analyst

    return build


def test_a_chest_x_ray_passes_long_work_that_fills_every_lane(make) -> None:  # type: ignore[no-untyped-def]
    first, second, chest = workitem("ct-1"), workitem("ct-2"), workitem("chest")
    run, analyst = make(2, first, second, chest)
    slow = threading.Thread(target=run, args=(first,))
    slow.start()
    assert analyst.something_began.acquire(timeout=30)
    run(second)  # returns at once: it waits for the lane, not this thread
    run(chest)
    assert analyst.ended == [chest.uid]
    analyst.go_on.set()
    slow.join(30)
    assert analyst.ended == [chest.uid, first.uid, second.uid]


def test_of_long_work_that_waits_the_most_urgent_is_next(make) -> None:  # type: ignore[no-untyped-def]
    first, routine, stat = workitem("ct-1"), workitem("ct-2"), workitem("ct-3", priority=Priority.HIGH)
    run, analyst = make(2, first, routine, stat)
    slow = threading.Thread(target=run, args=(first,))
    slow.start()
    assert analyst.something_began.acquire(timeout=30)
    for item in (routine, routine, stat):
        run(item)
    analyst.go_on.set()
    slow.join(30)
    assert analyst.ended == [first.uid, stat.uid, routine.uid]


def test_one_thread_does_everything_in_turn(make) -> None:  # type: ignore[no-untyped-def]
    item, chest = workitem("ct-1"), workitem("chest")
    run, analyst = make(1, item, chest)
    analyst.go_on.set()
    run(item)
    run(chest)
    assert analyst.ended == [item.uid, chest.uid]


def test_an_error_loses_no_lane(make) -> None:  # type: ignore[no-untyped-def]
    item, other = workitem("ct-1"), workitem("ct-2")
    run, analyst = make(2, item, other)
    analyst.fails = True
    run(item)
    analyst.fails = False
    analyst.go_on.set()
    run(other)
    assert analyst.ended == [other.uid]


def test_lanes_are_given_back_and_nobody_waits_twice() -> None:
    lanes = LongLanes(1)
    a, b = WorkitemUID("1"), WorkitemUID("2")
    assert lanes.enter(a, (1, 0.0))
    assert not lanes.enter(b, (1, 0.0))
    assert not lanes.enter(b, (1, 0.0))
    assert lanes.leave() == b
    assert lanes.leave() is None
    assert lanes.enter(a, (1, 0.0))
