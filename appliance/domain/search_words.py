"""Words as people search for them: without case, accents and punctuation."""

import re
import unicodedata

LONGEST = 64
MOST_TERMS = 6
_WORD = re.compile(r"[^\W_]+")


def plain(text: str) -> str:
    """The text without case and accents: "Müller" and "MULLER" are one."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def words_of(*texts: str) -> frozenset[str]:
    """What a search can find in the texts: each word, and what stands between blanks without its punctuation."""
    found: set[str] = set()
    for text in texts:
        for part in plain(text).replace("^", " ").replace("=", " ").split():
            pieces = _WORD.findall(part)
            found.update(pieces)
            found.add("".join(pieces))
    return frozenset(word[:LONGEST] for word in found if word)


def terms_of(query: str) -> tuple[str, ...]:
    """What a search asks for: every term has to begin a word. More than MOST_TERMS are left out."""
    terms = ("".join(_WORD.findall(part)) for part in plain(query).replace("^", " ").split())
    return tuple(dict.fromkeys(term[:LONGEST] for term in terms if term))[:MOST_TERMS]
