"""Text burnt into the pixels: where it is, what it reads like, and that there is none.

Options of `[findings.options]`:
least_score   text read with a lower score is not reported (0.5)

The text itself is a finding that may name the patient. It stays in the Region; no message or explanation repeats it.
"""

import re
from collections.abc import Iterator, Mapping

import numpy as np

from appliance.domain.coding import ABSENT, NO_UNITS, PRESENT, CodedConcept
from appliance.domain.errors import RuntimeMismatch
from appliance.domain.finding import Evaluation, Finding, Measurement, Outcome, Region
from appliance.domain.image import Affine, Array, PlanarImage, Prepared, Source
from appliance.domain.model_package import ModelPackage
from appliance.findings import codes
from appliance.findings.families import Family, option, output_named

_MONTH = r"(?:jan|feb|m[aä]r|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])[a-zä]*"
_DATE = re.compile(
    rf"""(?<!\d)(?:
        (?:19|20)\d\d[-./ ]?(?:0[1-9]|1[0-2])[-./ ]?(?:0[1-9]|[12]\d|3[01])      # 1950-03-12, 19500312
      | (?:0?[1-9]|[12]\d|3[01])[-./](?:0?[1-9]|[12]\d|3[01])[-./](?:\d\d){{1,2}}   # 12.03.1950, 3/12/50
      | (?:0?[1-9]|[12]\d|3[01])[-. ]*{_MONTH}[-., ]*(?:19|20)?\d\d                # 12-MAR-1950
      | {_MONTH}[-. ]*(?:0?[1-9]|[12]\d|3[01]),?[-. ]*(?:19|20)\d\d                # March 12, 1950
    )(?!\d)""",
    re.IGNORECASE | re.VERBOSE,
)
_WORD = re.compile(r"[^\W\d_]{2,}(?:['’-][^\W\d_]+)*")
_NOT_NAMES = frozenset(
    _WORD.findall(
        """ACQ ANTERIOR AP ARTERIAL AXIAL BED BREAST CC CHEST CM CORONAL CT DATE DECUBITUS DEPTH DICOM DOB DX ERECT EXP
    FILM FREQ GAIN GEN HEAD HR HZ ID IMAGE INSP INSPIRATION EXPIRATION KV KVP LAT LATERAL LEFT LINKS LL LPO LIEGEND MA
    MAS MLO MM MOBILE MR OBLIQUE PA PATIENT PELVIS PHASE PLATE PORTABLE POSTERIOR PRONE RAO RECHTS RIGHT ROOM RPO SCAN
    SEC SEMI SERIES SITTING SIZE SLICE SPINE STANDING STEHEND STUDY SUPINE TECH TEST TH THORAX TIME UPRIGHT VENOUS
    VIEW WITH WITHOUT WL WW ZOOM"""
    )
)


def interpret(
    outputs: Mapping[str, Array],
    prepared: Prepared,
    source: Source,
    package: ModelPackage,
    *,
    source_index: int = 0,
) -> tuple[Finding, ...]:
    """Whether there is text, a name, a date; how many regions; and each region with what was read."""
    if not isinstance(source, PlanarImage):
        raise RuntimeMismatch("burnt-in text is looked for in single images, not in volumes")
    regions = tuple(_regions(outputs, prepared, source, option(package, "least_score", 0.5), source_index))
    kinds = {region.concept for region in regions}
    identifying = bool(kinds & {codes.BURNT_IN_NAME, codes.BURNT_IN_DATE})
    return (
        _presence(codes.BURNT_IN_TEXT, bool(regions), identifying, source_index),
        _presence(codes.BURNT_IN_NAME, codes.BURNT_IN_NAME in kinds, True, source_index),
        _presence(codes.BURNT_IN_DATE, codes.BURNT_IN_DATE in kinds, True, source_index),
        Measurement(
            concept=codes.TEXT_REGION_COUNT, value=float(len(regions)), unit=NO_UNITS, source_index=source_index
        ),
        *regions,
    )


def kind_of(text: str) -> CodedConcept:
    """What a text reads like. In doubt a name: a name that is missed does more harm than a marker that is not."""
    words = [word.upper() for word in _WORD.findall(_DATE.sub(" ", text))]
    if "^" in text or sum(word not in _NOT_NAMES for word in words) >= 2:
        return codes.BURNT_IN_NAME
    return codes.BURNT_IN_DATE if _DATE.search(text) else codes.BURNT_IN_TEXT


def _regions(
    outputs: Mapping[str, Array], prepared: Prepared, source: PlanarImage, least_score: float, source_index: int
) -> Iterator[Region]:
    polygons, scores = output_named(outputs, "polygons"), output_named(outputs, "scores")
    texts = output_named(outputs, "texts")
    if polygons.shape[1:] != (4, 2) or not len(polygons) == len(scores) == len(texts):
        raise RuntimeMismatch("text spotting gives polygons [N, 4, 2], N texts and N scores")
    for polygon, text, score in zip(polygons, texts, scores, strict=True):
        if score >= least_score and str(text).strip():
            yield Region(
                concept=kind_of(str(text)),
                frame=source.frame,
                polygon=_in_source(polygon, prepared.image.to_source),
                probability=float(score),
                text=str(text).strip(),
                source_index=source_index,
            )


def _in_source(polygon: Array, to_source: Affine) -> tuple[tuple[float, float], ...]:
    """(column, row) with the origin at the pixel's corner, from the prepared grid to the source."""
    index = np.column_stack([polygon[:, ::-1].astype(np.float64) - 0.5, np.ones(len(polygon))])
    rows, columns, _ = (np.asarray(to_source, dtype=np.float64) @ index.T) + 0.5
    return tuple((float(column), float(row)) for column, row in zip(columns, rows, strict=True))


def _presence(concept: CodedConcept, present: bool, matters: bool, source_index: int) -> Evaluation:
    if not present:
        return Evaluation(concept=concept, value=ABSENT, outcome=Outcome.NEGATIVE, source_index=source_index)
    outcome = Outcome.POSITIVE if matters else Outcome.INFORMATIVE
    return Evaluation(concept=concept, value=PRESENT, outcome=outcome, source_index=source_index)


FAMILY = Family(name="burnt_in_text", options=frozenset({"least_score"}), interpret=interpret)
