"""Names in result objects: never longer than a reader accepts, and always marked."""

import pytest

from appliance.results.provenance import UNVERIFIED, series_description, shortened


@pytest.mark.parametrize("text", ["Münster " * 12, "肺" * 40, "a" * 64, "short"])
def test_long_names_fit_in_sixty_four_bytes_and_break_no_character(text: str) -> None:
    assert len(shortened(text).encode()) <= 64
    assert text.startswith(shortened(text))
    assert shortened("a" * 64) == "a" * 64


@pytest.mark.parametrize("subject", ["", "SEG"])
def test_a_series_says_that_nobody_has_checked_it_however_long_its_title(subject: str) -> None:
    described = series_description("Größe der Leber " * 8, subject)
    assert described.endswith(f"({UNVERIFIED})")
    assert len(described.encode()) <= 64
    assert described.startswith(subject)
