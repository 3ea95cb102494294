"""Every string is there in every language; moments, numbers and spans are written as the language does."""

from datetime import UTC, datetime, timedelta

import pytest

from appliance.web.i18n import LANGUAGES, SOURCE, Formats, language_for, translations
from tools.catalogues import translated, used

OTHERS = sorted(set(LANGUAGES) - {SOURCE})


@pytest.mark.parametrize("language", OTHERS)
def test_no_string_is_missing_and_none_is_left_over(language: str) -> None:
    there, done = used(), translated(language)
    assert there - done == set()
    assert done - there == set()
    assert len(there) > 50


@pytest.mark.parametrize("language", OTHERS)
def test_translations_keep_the_places_of_values(language: str) -> None:
    catalogue = translations(language)
    for message in used():
        if isinstance(message, str):
            assert catalogue.gettext(message).count("%(") == message.count("%(")
        else:
            one, many = message
            assert {catalogue.ngettext(one, many, n).count("%(") for n in (1, 2)} == {one.count("%("), many.count("%(")}


def test_a_catalogue_translates() -> None:
    assert translations("de").gettext("Sign in") == "Anmelden"
    assert translations("en").gettext("Sign in") == "Sign in"


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-CH, fr;q=0.9", "de"),
        ("fr, de;q=0.5, en;q=0.9", "en"),
        ("xx;q=zz,*", "en"),
        ("de;q=0", "en"),
    ],
)
def test_the_language_is_the_one_that_the_browser_likes_best(accepted: str, language: str) -> None:
    assert language_for(accepted) == language


def test_numbers_and_spans_are_written_as_the_language_does() -> None:
    english, german = Formats("en"), Formats("de")
    assert (english.number(1234.5), german.number(1234.5)) == ("1,234.5", "1.234,5")
    assert (english.span(90), german.span(timedelta(hours=3))) == ("90 seconds", "3 Stunden")
    assert german.percent(0.25).startswith("25")
    assert english.moment(None) == english.ago(None) == english.day(None) == english.clock(None) == "–"
    assert "ago" in english.ago(datetime.now(UTC) - timedelta(hours=2))
    assert "2026" in german.moment(datetime(2026, 11, 24, 12, tzinfo=UTC))
    assert german.listing(["a", "b"]) == "a, b"
