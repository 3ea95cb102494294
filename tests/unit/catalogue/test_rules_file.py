"""The text of the rules is strict, tells everything that is wrong, and neither hangs nor crashes on anything."""

from datetime import time
from typing import Any

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from appliance.catalogue.rule_conditions import DEEPEST
from appliance.catalogue.rules_file import LARGEST, MOST_RULES, RuleVocabulary, parse_rules
from appliance.catalogue.rules_text import print_rules
from appliance.domain.conditions import AllOf, AnyOf, Condition, Negation, SomeSeries
from appliance.domain.errors import RulesInvalid
from appliance.domain.hours import Hours
from appliance.domain.model_package import Criterion
from appliance.domain.selection import EVERYTHING, Rule
from appliance.domain.workitem import Priority
from appliance.selection.patterns import problem as pattern_problem

RULES = """
schema = 1

[[rules]]
name = "night"
comment = "asked for by surgery"
when = [{ keyword = "Modality", one_of = ["CR", "DX"] }]
models = ["cxr-lungs"]
destinations = ["pacs"]
priority = "LOW"
language = "de"
run_between = { from = "20:00", to = "06:00", zone = "Europe/Berlin", days = ["fri", "mon"] }
"""
ANYTHING = RuleVocabulary(pattern_problem=pattern_problem)
HERE = RuleVocabulary(
    pattern_problem=pattern_problem,
    models={"cxr-lungs", "ct-liver"},
    destinations={"pacs"},
    keywords={"Modality", "SliceThickness", "SeriesDescription"},
)


def read(text: str, vocabulary: RuleVocabulary = HERE) -> tuple[Rule, ...]:
    return parse_rules(text, vocabulary, where="rules.toml")


def refused(text: str, vocabulary: RuleVocabulary = HERE) -> list[str]:
    with pytest.raises(RulesInvalid) as caught:
        read(text, vocabulary)
    assert caught.value.where == "rules.toml"
    assert caught.value.what == "\n".join(map(str, caught.value.problems))
    return [str(found) for found in caught.value.problems]


def read_or_refused(text: str) -> object:
    """The rules, or what is wrong; any other error is a defect."""
    try:
        return read(text, ANYTHING)
    except RulesInvalid as error:
        return error.problems


def rule(when: str) -> str:
    return f'schema = 1\n[[rules]]\nname = "a"\nwhen = [{when}]\n'


def test_a_rule_is_read_with_everything_it_says() -> None:
    assert read(RULES) == (
        Rule(
            name="night",
            comment="asked for by surgery",
            when=(Criterion(keyword="Modality", one_of=("CR", "DX")),),
            models=("cxr-lungs",),
            destinations=("pacs",),
            priority=Priority.LOW,
            language="de",
            run_between=Hours(start=time(20), end=time(6), zone="Europe/Berlin", days=(0, 4)),
        ),
    )


def test_a_rule_with_a_name_alone_asks_for_everything() -> None:
    (only,) = read('schema = 1\n[[rules]]\nname = "a"')
    assert only == Rule(name="a")
    assert (only.models, only.destinations, only.enabled) == (EVERYTHING.models, EVERYTHING.destinations, True)


def test_a_file_without_rules_has_none() -> None:
    assert read("schema = 1") == ()


@pytest.mark.parametrize(
    ("when", "condition"),
    [
        ('{ keyword = "Modality", equals = "CT" }', Criterion(keyword="Modality", one_of=("CT",))),
        ('{ keyword = "SliceThickness", one_of = [1, 2.5] }', Criterion(keyword="SliceThickness", one_of=("1", "2.5"))),
        ('{ keyword = "Modality", exists = false }', Criterion(keyword="Modality", exists=False)),
        ('{ keyword = "Modality", within = ["10.0.0.1/8"] }', Criterion(keyword="Modality", within=("10.0.0.1/8",))),
        (
            '{ any = [{ keyword = "Modality" }, { not = { keyword = "SeriesDescription" } }] }',
            AnyOf((Criterion(keyword="Modality"), Negation(Criterion(keyword="SeriesDescription")))),
        ),
        (
            '{ some_series = { all = [{ keyword = "Modality" }] } }',
            SomeSeries(AllOf((Criterion(keyword="Modality"),))),
        ),
    ],
)
def test_conditions_are_read(when: str, condition: Condition) -> None:
    assert read(rule(when))[0].when == (condition,)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            ('"cxr-lungs"', '"cxr-lung"'),
            "line 8: rule 'night': models: 'cxr-lung' does not exist; known: ct-liver",
        ),
        (('["pacs"]', '["paks"]'), "line 9: rule 'night': destinations: 'paks' does not exist; known: pacs"),
        (("priority", "prioritty"), "line 10: rule 'night': prioritty: unknown key; did you mean 'priority'?"),
        (("when =", "whan ="), "line 7: rule 'night': whan: unknown key; did you mean 'when'?"),
        (("one_of", "oneof"), "line 7: rule 'night': when[0].oneof: unknown key; did you mean 'one_of'?"),
        (('"LOW"', '"URGENT"'), "line 10: rule 'night': priority: Input should be 'HIGH', 'MEDIUM' or 'LOW'"),
        (('"LOW"', '"HIGH"'), "line 12: rule 'night': run_between: HIGH (STAT) never waits"),
        (("schema = 1", "schema = "), "not valid TOML"),
        (("schema = 1", "schema = 2"), "schema: Input should be 1"),
        (("schema = 1", "shema = 1"), "shema: unknown key; did you mean 'schema'?"),
        (('"Modality"', '"Modalitty"'), "'Modalitty' is not read from headers; did you mean 'Modality'?"),
        (('"20:00"', '"24:00"'), "line 12: rule 'night': run_between.from"),
        (('"Europe/Berlin"', '"Europe/Atlantis"'), "there is no time zone 'Europe/Atlantis'"),
        (('"Europe/Berlin"', '"../etc/passwd"'), "there is no time zone '../etc/passwd'"),
        (('["fri", "mon"]', "[]"), "run_between.days"),
        (('["cxr-lungs"]', "[]"), "models: Tuple should have at least 1 item"),
        (('name = "night"', 'name = ""'), "name: String should have at least 1 character"),
        (('name = "night"', ""), "line 4: rule 1: name: Field required"),
    ],
)
def test_what_is_wrong_is_told_with_place_and_line(change: tuple[str, str], said: str) -> None:
    assert any(problem.startswith(said) or said in problem for problem in refused(RULES.replace(*change, 1)))


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ('"Modality"', "a condition is a table"),
        ("{}", "keyword: Field required"),
        ("{ all = [] }", "all takes a list of conditions, at least one"),
        ("{ any = 5 }", "any takes a list of conditions"),
        ("{ not = [] }", "a condition is a table"),
        ('{ not = { keyword = "Modality" }, keyword = "Modality" }', "not stands alone; keyword belongs into"),
        ('{ keyword = "Modality", exists = true, one_of = ["CT"] }', "exists stands alone; take away one_of"),
        ('{ keyword = "Modality", equals = "CT", one_of = ["MR"] }', "equals and one_of say the same thing"),
        ('{ keyword = "SliceThickness", minimum = 5, maximum = 1 }', "minimum is above maximum"),
        ('{ keyword = "Modality", within = ["ten"] }', "'ten' is no network"),
        ('{ keyword = "SeriesDescription", matches = "a(b" }', "missing ): a(b at character 2"),
        ('{ keyword = "SeriesDescription", excludes = "(?=a)" }', "lookahead"),
        ('{ keyword = "Modality", eval = "1" }', "eval: unknown key"),
    ],
)
def test_a_wrong_condition_is_told(when: str, said: str) -> None:
    (problem,) = refused(rule(when))
    assert said in problem
    assert problem.startswith("line ")


def test_everything_that_is_wrong_is_told_at_once() -> None:
    text = RULES.replace("cxr-lungs", "nope").replace("Modality", "Modalitty").replace("Europe/Berlin", "Nowhere")
    second = '\n[[rules]]\nname = "night"\nenabled = 5\n\n[[rules]]\nname = "third"\nmodells = ["x"]\n'
    problems = refused(text + second)
    assert len(problems) == 5
    assert [problem.split(":")[0] for problem in problems] == ["line 7", "line 8", "line 12", "line 16", "line 20"]


def test_two_rules_may_not_share_a_name() -> None:
    assert refused(RULES + RULES.replace("schema = 1", "")) == ["two rules are named 'night'"]


def test_a_line_is_given_only_where_it_is_certain() -> None:
    inline = 'schema = 1\nrules = [{ name = "a", modells = [] }]'
    assert refused(inline) == ["rule 'a': modells: unknown key; did you mean 'models'?"]
    twice = '{ keyword = "Modality", ones = 1 },\n{ keyword = "Modality", ones = 1 }'
    assert all(problem.startswith("line 2: ") for problem in refused(rule(twice).replace("\nname", " #\nname")))


def test_names_are_free_where_no_vocabulary_is_given() -> None:
    assert read(RULES.replace("cxr-lungs", "nope").replace("Modality", "Anything"), ANYTHING)


HOSTILE = {
    "arrays 10,000 deep": rule("[" * 10_000 + "]" * 10_000),
    "conditions 10,000 deep": rule("{ not = " * 10_000 + '{ keyword = "Modality" }' + " }" * 10_000),
    "conditions 100 deep": rule("{ not = " * 100 + '{ keyword = "Modality" }' + " }" * 100),
    "dotted keys 10,000 deep": f'schema = 1\n[[rules]]\nname = "a"\nwhen{".a" * 10_000} = 1',
    "a table 10,000 deep": f"schema = 1\n[rules{'.a' * 10_000}]",
    "too long": "# " + "x" * LARGEST,
    "too many rules": "schema = 1\n" + '[[rules]]\nname = "a"\n' * (MOST_RULES + 1),
    "a long pattern": rule(f'{{ keyword = "Modality", matches = "{"(a" * 5_000}" }}'),
    "open groups": rule(f'{{ keyword = "Modality", matches = "{"(" * 900}" }}'),
    "nested repetitions": rule('{ keyword = "Modality", matches = "((a{1000}){1000}){1000}" }'),
    "nothing but noise": "\x00\x01",
    "an integer of a million digits": "schema = " + "1" * 1_000_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_texts_are_refused_and_neither_hang_nor_crash(text: str) -> None:
    assert refused(text, ANYTHING)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    assert read_or_refused("schema = 1\n" + text) is not None


JSON = st.recursive(
    st.one_of(st.booleans(), st.integers(-5, 5), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["keyword", "one_of", "all", "any", "not", "matches", "x"]), inner, max_size=3),
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(["name", "when", "models", "priority", "run_between", "x"]), JSON))
def test_any_table_is_read_or_refused(table: dict[str, Any]) -> None:
    assert read_or_refused(tomli_w.dumps({"schema": 1, "rules": [table]}))


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8).filter(str.strip).map(str.strip)
NAMES = st.lists(TEXTS, min_size=1, max_size=3).map(tuple)
CRITERIA = st.one_of(
    st.builds(
        Criterion,
        keyword=TEXTS,
        one_of=st.lists(st.text(max_size=5), max_size=2).map(tuple),
        none_of=st.lists(st.text(max_size=5), max_size=2).map(tuple),
        minimum=st.none() | st.floats(-10, 0),
        maximum=st.none() | st.floats(0, 10),
        matches=st.none() | st.sampled_from(["(?i)t1", r"^\s*ax", ""]),
        excludes=st.none() | st.just("scout"),
        within=st.sampled_from([(), ("10.0.0.0/8",), ("fd00::/8", "10.1.1.1")]),
        absent_ok=st.booleans(),
    ),
    st.builds(Criterion, keyword=TEXTS, exists=st.booleans()),
)
CONDITIONS = st.recursive(
    CRITERIA,
    lambda inner: st.one_of(
        st.builds(AllOf, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(Negation, inner),
        st.builds(SomeSeries, inner),
    ),
    max_leaves=6,
)
CLOCKS = st.builds(time, st.integers(0, 23), st.integers(0, 59))
RULE = st.builds(
    Rule,
    name=TEXTS,
    when=st.lists(CONDITIONS, max_size=3).map(tuple),
    models=NAMES,
    destinations=st.lists(TEXTS, max_size=2).map(tuple),
    priority=st.sampled_from([Priority.MEDIUM, Priority.LOW]),
    language=st.sampled_from([None, "en", "de"]),
    run_between=st.none()
    | st.builds(
        Hours,
        start=CLOCKS,
        end=CLOCKS,
        zone=st.sampled_from(["UTC", "Europe/Berlin"]),
        days=st.sets(st.integers(0, 6), min_size=1).map(lambda days: tuple(sorted(days))),
    ),
    enabled=st.booleans(),
    comment=st.text(st.characters(exclude_categories=["Cs"]), max_size=10),
)


@given(st.lists(RULE, max_size=3, unique_by=lambda rule: rule.name))
def test_what_is_printed_reads_back_as_the_same_rules(rules: list[Rule]) -> None:
    assert parse_rules(print_rules(rules), ANYTHING) == tuple(rules)


def test_nesting_up_to_the_bound_is_read() -> None:
    inner = "{ not = " * DEEPEST + '{ keyword = "Modality" }' + " }" * DEEPEST
    assert read(rule(inner))
