"""Burnt-in text: where it lies in the source, what it reads like, and that it is nowhere repeated."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from appliance.domain.coding import ABSENT, PRESENT
from appliance.domain.errors import RuntimeMismatch
from appliance.domain.finding import Evaluation, Finding, Measurement, Outcome, Region
from appliance.domain.image import GridImage, Prepared
from appliance.findings import codes
from appliance.findings.burnt_in_text import interpret, kind_of
from tests.helpers.findings import package
from tests.helpers.shapes import AXIAL, Grid, image, on_source_grid, volume

SOURCE = image(np.zeros((40, 60)))
CORNERS = [[10, 4], [30, 4], [30, 9], [10, 9]]


def spotted(*texts: tuple[str, float], prepared: Prepared | None = None, **options: Any) -> tuple[Finding, ...]:
    outputs = {
        "polygons": np.array([CORNERS] * len(texts), dtype=np.float32).reshape(-1, 4, 2),
        "texts": np.array([text for text, _ in texts], dtype=np.str_),
        "scores": np.array([score for _, score in texts], dtype=np.float32),
    }
    described = replace(package(), options=options)
    return interpret(outputs, prepared or on_source_grid(SOURCE), SOURCE, described, source_index=5)


def said(findings: tuple[Finding, ...]) -> dict[str, tuple[Any, Any]]:
    return {e.concept.value: (e.value, e.outcome) for e in findings if isinstance(e, Evaluation)}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("12.03.1950", codes.BURNT_IN_DATE),
        ("3/12/50", codes.BURNT_IN_DATE),
        ("1950-03-12", codes.BURNT_IN_DATE),
        ("19500312", codes.BURNT_IN_DATE),
        ("12-MAR-1950", codes.BURNT_IN_DATE),
        ("14. Dez 2021", codes.BURNT_IN_DATE),
        ("March 12, 1950", codes.BURNT_IN_DATE),
        ("DOB 12.03.1950", codes.BURNT_IN_DATE),
        ("MUSTERMANN ERIKA", codes.BURNT_IN_NAME),
        ("Mustermann^Erika", codes.BURNT_IN_NAME),
        ("O'Neill, Sean 12.03.1950", codes.BURNT_IN_NAME),
        ("Müller-Lüdenscheidt, Jörg", codes.BURNT_IN_NAME),
        ("L", codes.BURNT_IN_TEXT),
        ("AP ERECT PORTABLE", codes.BURNT_IN_TEXT),
        ("120 KV 2.5 MAS", codes.BURNT_IN_TEXT),
        ("1/2", codes.BURNT_IN_TEXT),
        ("123456789012", codes.BURNT_IN_TEXT),
        ("99.99.1950", codes.BURNT_IN_TEXT),
    ],
)
def test_text_is_told_by_what_it_reads_like(text: str, kind) -> None:
    assert kind_of(text) == kind


def test_an_image_without_text_says_so_in_codes() -> None:
    findings = spotted()
    assert set(said(findings).values()) == {(ABSENT, Outcome.NEGATIVE)}
    assert set(said(findings)) == {c.value for c in (codes.BURNT_IN_TEXT, codes.BURNT_IN_NAME, codes.BURNT_IN_DATE)}
    assert [m.value for m in findings if isinstance(m, Measurement)] == [0.0]


def test_a_name_is_a_positive_finding_and_a_marker_is_not() -> None:
    named = said(spotted(("MUSTERMANN ERIKA", 0.9)))
    assert named[codes.BURNT_IN_NAME.value] == (PRESENT, Outcome.POSITIVE)
    assert named[codes.BURNT_IN_TEXT.value] == (PRESENT, Outcome.POSITIVE)
    assert named[codes.BURNT_IN_DATE.value] == (ABSENT, Outcome.NEGATIVE)
    marked = said(spotted(("L", 0.9)))
    assert marked[codes.BURNT_IN_TEXT.value] == (PRESENT, Outcome.INFORMATIVE)
    assert marked[codes.BURNT_IN_NAME.value] == (ABSENT, Outcome.NEGATIVE)


def test_what_was_read_stays_in_the_region_and_is_never_printed() -> None:
    findings = spotted(("MUSTERMANN ERIKA", 0.9), ("12.03.1950", 0.8))
    assert [r.text for r in findings if isinstance(r, Region)] == ["MUSTERMANN ERIKA", "12.03.1950"]
    assert "MUSTERMANN" not in repr(findings)
    assert "1950" not in repr(findings)
    assert {item.source_index for item in findings} == {5}


def test_regions_read_too_weakly_or_blank_are_left_out() -> None:
    assert len([r for r in spotted(("A", 0.4), ("B", 0.6), ("  ", 0.9)) if isinstance(r, Region)]) == 1
    assert len([r for r in spotted(("A", 0.4), ("B", 0.6), least_score=0.3) if isinstance(r, Region)]) == 2


def test_polygons_come_back_to_the_pixels_of_the_source() -> None:
    half = np.array([[2.0, 0, 0.5], [0, 2.0, 0.5], [0, 0, 1]])  # each element covers 2 x 2 source pixels
    prepared = Prepared(image=GridImage(values=np.zeros((1, 20, 30)), to_source=half, source_shape=(40, 60)))
    (region,) = [r for r in spotted(("L", 0.9), prepared=prepared) if isinstance(r, Region)]
    assert np.allclose(region.polygon, [(20, 8), (60, 8), (60, 18), (20, 18)])
    assert region.frame == SOURCE.frame


def test_outputs_that_do_not_fit_one_another_are_refused() -> None:
    outputs = {"polygons": np.zeros((2, 4, 2)), "texts": np.array(["A"]), "scores": np.array([0.9])}
    with pytest.raises(RuntimeMismatch, match="N texts"):
        interpret(outputs, on_source_grid(SOURCE), SOURCE, package())
    grid = Grid((3, 4, 4), AXIAL)
    source = volume(grid, np.zeros(grid.shape))
    with pytest.raises(RuntimeMismatch, match="not in volumes"):
        interpret(outputs, on_source_grid(source), source, package())
