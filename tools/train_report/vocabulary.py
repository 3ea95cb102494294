"""Word-level vocabulary of the ground-truth reports."""

import re
from collections.abc import Iterable

PADDING, START, END = 0, 1, 2
SPECIAL = ("<padding>", "<start>", "<end>")
_WORD = re.compile(r"\w+|[^\w\s]")


def vocabulary(texts: Iterable[str]) -> tuple[str, ...]:
    """Special tokens, then every word and mark of `texts` in alphabetical order."""
    return (*SPECIAL, *sorted({word for text in texts for word in _WORD.findall(text)}))


def encoded(text: str, words: tuple[str, ...]) -> list[int]:
    """Token ids between START and END."""
    return [START, *(words.index(word) for word in _WORD.findall(text)), END]
