"""Positions only go forward, and survive."""

from appliance.store.cursors import Cursors
from appliance.store.engine import Ledger


def test_a_feed_that_was_never_read_is_at_its_start(ledger: Ledger) -> None:
    assert Cursors(ledger).position("changes") == 0


def test_positions_go_forward_only(ledger: Ledger) -> None:
    cursors = Cursors(ledger)
    for position in (5, 3, 8, 8):
        cursors.advance("changes", position)
    assert Cursors(ledger).position("changes") == 8


def test_feeds_do_not_know_each_other(ledger: Ledger) -> None:
    cursors = Cursors(ledger)
    cursors.advance("changes", 5)
    assert cursors.position("other") == 0


def test_a_feed_that_began_anew_is_read_from_its_start(ledger: Ledger) -> None:
    cursors = Cursors(ledger)
    cursors.advance("changes", 5)
    cursors.reset("changes")
    cursors.reset("never read")
    assert cursors.position("changes") == 0
    cursors.advance("changes", 2)
    assert cursors.position("changes") == 2
