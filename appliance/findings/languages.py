"""The languages in which a report can be written and checked."""

from appliance.domain.errors import SettingsError
from appliance.findings import phrases_de, phrases_en
from appliance.findings.phrases import Phrases

LANGUAGES = {phrases.language: phrases for phrases in (phrases_en.PHRASES, phrases_de.PHRASES)}


def phrases_for(language: str) -> Phrases:
    """The phrases of an RFC 5646 language, by its primary subtag ("de-AT" is German).

    Raises SettingsError for a language that there are no phrases for.
    """
    primary = language.replace("_", "-").partition("-")[0].lower()
    if primary not in LANGUAGES:
        known = ", ".join(sorted(LANGUAGES))
        raise SettingsError(f"no report can be written in {language!r}; known are {known}", where="language")
    return LANGUAGES[primary]
