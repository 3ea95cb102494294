"""Compare the catalogues of the pages with the strings in templates and code: `python -m tools.catalogues`.

Prints, for each language, the strings without translation as entries to paste into a `.po` file, and those that nobody
uses any more. A test fails while there are any.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.extract import extract_from_dir

from appliance.domain.errors import (
    AccessDenied,
    AccountError,
    ApplianceError,
    LinkMalformed,
    OpenIdUnavailable,
    PageUnknown,
    ReadingClaimed,
    ReadingFinal,
    ReadingNotClaimed,
    UnknownReading,
    ViewerMissing,
    ViewRefused,
)
from appliance.web.i18n import LANGUAGES, SOURCE, catalogue_of

WEB = Path(__file__).resolve().parent.parent / "appliance" / "web"
_METHODS = [("**/templates/**.html", "jinja2.ext:babel_extract"), ("**.py", "python")]
_OPTIONS = {"**/templates/**.html": {"trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}}
_KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "translatable": None}
_SHOWN_ERRORS: tuple[type[ApplianceError], ...] = (
    *(AccessDenied, AccountError, OpenIdUnavailable, PageUnknown),
    *(UnknownReading, ReadingClaimed, ReadingNotClaimed, ReadingFinal, ViewRefused),
    *(LinkMalformed, ViewerMissing),
)
"""Those that the pages of everybody can show, with all that are below them."""

Message = str | tuple[str, ...]


def used() -> set[Message]:
    """Every string that a page can show."""
    found = {
        message for _, _, message, _, _ in extract_from_dir(WEB, _METHODS, _OPTIONS, keywords=_KEYWORDS) if message
    }
    return found | {text for kind in _SHOWN_ERRORS for text in _error_texts(kind)}


def _error_texts(kind: type[ApplianceError]) -> Iterator[str]:
    yield from (kind.title, kind.remedy)
    for child in kind.__subclasses__():
        yield from _error_texts(child)


def translated(language: str) -> set[Message]:
    """Every string that a catalogue translates, wholly and without doubt."""
    return {message.id for message in catalogue_of(language) if message.id and _is_done(message.string, message.fuzzy)}


def _is_done(string: str | tuple[str, ...], fuzzy: bool) -> bool:
    forms = (string,) if isinstance(string, str) else string
    return all(forms) and not fuzzy


def _entry(message: Message) -> str:
    quoted = [
        '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
        for text in ((message,) if isinstance(message, str) else message)
    ]
    if len(quoted) == 1:
        return f'msgid {quoted[0]}\nmsgstr ""\n'
    return f'msgid {quoted[0]}\nmsgid_plural {quoted[1]}\nmsgstr[0] ""\nmsgstr[1] ""\n'


def main() -> int:
    """Print what is wrong; 1 if anything is."""
    wrong = 0
    for language in set(LANGUAGES) - {SOURCE}:
        there, done = used(), translated(language)
        for message in sorted(there - done, key=str):
            print(_entry(message))
        for message in sorted(done - there, key=str):
            print(f"# no longer used: {message!r}")
        wrong += len(there ^ done)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
