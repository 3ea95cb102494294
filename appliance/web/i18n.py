"""The languages of the pages: gettext catalogues, compiled when the service starts; dates and numbers by Babel.

Strings stand in English in the code and the templates. A catalogue is every `*.po` file of its folder together, so that
each part of the pages has a file of its own. In Python, `translatable("…")` marks a string that a template translates.
"""

import gettext
import io
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

from babel import Locale, dates, negotiate_locale, numbers, units
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LANGUAGES = {"en": "English", "de": "Deutsch"}
SOURCE = "en"
LOCALES = Path(__file__).with_name("locales")


def translatable(text: str) -> str:
    """The text as it is: a mark for whoever collects strings."""
    return text


def catalogue_of(language: str) -> Catalog:
    """The strings of all parts in one catalogue."""
    whole = Catalog(locale=language)
    for file in sorted((LOCALES / language).glob("*.po")):
        with file.open("rb") as stream:
            part = read_po(stream, locale=language, abort_invalid=True)
        whole.plural_forms  # noqa: B018 - computed from the locale, and kept
        for message in part:
            if message.id:
                whole[message.id] = message
    return whole


@cache
def translations(language: str) -> gettext.NullTranslations:
    """What translates into a language; English as it stands."""
    if language == SOURCE:
        return gettext.NullTranslations()
    compiled = io.BytesIO()
    write_mo(compiled, catalogue_of(language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def language_for(accepted: str) -> str:
    """The language of ours that a browser likes best, by its `Accept-Language` header."""
    wished = sorted(map(_weighed, accepted.split(",")), reverse=True)
    tags = [tag for weight, _, tag in wished if weight > 0 and tag]
    return negotiate_locale(tags, list(LANGUAGES), sep="-") or SOURCE


def _weighed(item: str) -> tuple[float, int, str]:
    tag, _, weight = item.strip().partition(";q=")
    try:
        return float(weight or 1), 0, tag
    except ValueError:
        return 0.0, 0, tag


class Formats:
    """Dates, numbers and spans as one language writes them; moments in the time zone of the machine."""

    def __init__(self, language: str) -> None:
        self._locale = Locale.parse("en_GB" if language == "en" else language)

    def moment(self, value: datetime | None) -> str:
        """Date and time to the minute, "–" for none."""
        return f"{self.day(value)}, {self.clock(value)}" if value else "–"

    def day(self, value: datetime | None) -> str:
        """The date alone, "–" for none."""
        return dates.format_date(value.astimezone(), "medium", locale=self._locale) if value else "–"

    def date(self, value: date) -> str:
        """A date that belongs to no time zone, such as a birth date."""
        return dates.format_date(value, "medium", locale=self._locale)

    def clock(self, value: datetime | None) -> str:
        """The time of day alone, "–" for none."""
        return dates.format_time(value.astimezone(), "short", locale=self._locale) if value else "–"

    def ago(self, value: datetime | None) -> str:
        """How long ago, in words; "–" for none."""
        if value is None:
            return "–"
        return dates.format_timedelta(value - datetime.now(UTC), add_direction=True, locale=self._locale)

    def span(self, value: timedelta | float) -> str:
        """A length of time in words, of seconds or a timedelta."""
        length = value if isinstance(value, timedelta) else timedelta(seconds=value)
        return dates.format_timedelta(length, threshold=2, locale=self._locale)

    def seconds(self, value: float) -> str:
        """A length of time as short as it can be said, with its unit: "0.4 s", "12 s", "3 min 5 s", "2 h 10 min"."""
        if value < 10:
            return f"{numbers.format_decimal(round(value, 1), locale=self._locale)} s"
        whole = round(value)
        hours, minutes, seconds = whole // 3600, whole % 3600 // 60, whole % 60
        if hours:
            return f"{hours} h {minutes} min"
        return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"

    def waiting(self, since: datetime) -> str:
        """For how long something has been waiting, in one short word."""
        length = max(timedelta(minutes=1), datetime.now(UTC) - since)
        return dates.format_timedelta(length, granularity="minute", threshold=1.5, format="short", locale=self._locale)

    def number(self, value: float) -> str:
        """A number with the separators of the language."""
        return numbers.format_decimal(value, locale=self._locale)

    def unit(self, value: float, unit: str) -> str:
        """A number with its unit, such as "67 years"."""
        return units.format_unit(value, f"duration-{unit}", "long", locale=self._locale)

    def iso_day(self, value: str) -> str:
        """A DICOM date (YYYYMMDD) as the language writes it, "–" for none."""
        if not value:
            return "–"
        return dates.format_date(datetime.strptime(value, "%Y%m%d"), "medium", locale=self._locale)

    def percent(self, value: float) -> str:
        """A fraction of one as percent."""
        return numbers.format_percent(value, locale=self._locale)

    def listing(self, values: Sequence[str]) -> str:
        """Values one after the other."""
        return ", ".join(values)
