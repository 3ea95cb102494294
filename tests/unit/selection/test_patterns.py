"""Regular expressions: linear whatever is written, and what does not compile is told with its place."""

import pytest

from appliance.selection.patterns import problem, search


@pytest.mark.parametrize("pattern", ["(?i)t1|mp-?2?rage", r"^\\s*ax", "[[:alpha:]]+", "é", ""])
def test_what_compiles_has_no_problem(pattern: str) -> None:
    assert problem(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("ab(c", "missing ): ab(c at character 3"),
        ("[a-", "at character 1"),
        ("ab**", "bad repetition operator: ** at character 3"),
        ("ab(?=c)", "at character 3 (lookahead and lookbehind are not supported"),
        (r"(a)\1", "at character 4 (this escape is not supported"),
        ("xx(a{1000}){1000}", "at most 1000 repetitions"),
        ("a" * 1001, "longer than 1000 characters"),
        ("a\ud800", "not a character at character 2"),
        ("(" * 900, "missing )"),
        ("[" * 900, "missing ]"),
    ],
)
def test_what_does_not_compile_is_told_with_its_place(pattern: str, said: str) -> None:
    assert said in (problem(pattern) or "")


@pytest.mark.parametrize("pattern", ["(x+x+)+y", "(a|a)*b", "(.*a){20}$", "^(([a-z])+.)+[A-Z]([a-z])+$"])
def test_patterns_that_take_others_for_ever_are_answered(pattern: str) -> None:
    assert problem(pattern) is None
    assert search(pattern, "x" * 100_000) is False
    assert search(pattern, "a" * 5_000 + "!") in (True, False)


def test_text_that_is_no_unicode_is_searched_all_the_same() -> None:
    assert search("T1", "T1 \ud800")
    assert not search("T2", "\udcff")
