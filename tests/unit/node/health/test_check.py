"""One look that fails does not keep the others from being made."""

from collections.abc import Iterator

from appliance.domain.errors import OrthancUnavailable
from appliance.node.health.check import Line, State, examine, ok


def _answers_then_raises(error: Exception) -> Iterator[Line]:
    yield ok("first", "well")
    raise error


def test_what_was_seen_before_an_error_is_kept() -> None:
    error = OrthancUnavailable("no answer", where="/system")
    first, second = examine("Services", "Orthanc", lambda: _answers_then_raises(error))
    assert (first.group, first.part, first.state) == ("Services", "first", State.OK)
    assert (second.part, second.state) == ("Orthanc", State.FAILED)
    assert second.detail == "orthanc-unavailable: no answer (/system)"
    assert second.do == OrthancUnavailable.remedy


def test_an_error_of_the_system_names_the_file() -> None:
    error = PermissionError(13, "Permission denied", "secrets/token")
    *_, last = examine("Machine", "secrets", lambda: _answers_then_raises(error))
    assert (last.state, last.detail) == (State.FAILED, "Permission denied (secrets/token)")
