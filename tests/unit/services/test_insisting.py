"""A ledger that is away for a while costs a while, not the work."""

import pytest

from appliance.domain.errors import LeaseLost, LedgerUnavailable
from appliance.services import insisting
from appliance.services.insisting import insist


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(insisting, "_PAUSE_S", 0.0)


class Ledger:
    """Away for the first `absences` writes."""

    def __init__(self, absences: int) -> None:
        self.absences = absences
        self.written = 0

    def write(self) -> None:
        self.absences -= 1
        if self.absences >= 0:
            raise LedgerUnavailable
        self.written += 1


def test_what_can_be_written_is_written_once() -> None:
    for absences in (0, 3):
        ledger = Ledger(absences)
        insist(ledger.write)
        assert ledger.written == 1


def test_nobody_insists_on_work_that_another_has_taken_over() -> None:
    def taken_over() -> None:
        raise LeaseLost

    with pytest.raises(LeaseLost):
        insist(Ledger(1_000_000).write, while_true=taken_over)


def test_it_ends_at_some_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(insisting, "_LONGEST_S", -1.0)
    with pytest.raises(LedgerUnavailable):
        insist(Ledger(1_000_000).write)


def test_other_errors_are_not_repeated() -> None:
    def lost() -> None:
        raise LeaseLost

    with pytest.raises(LeaseLost):
        insist(lost)
