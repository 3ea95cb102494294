"""The study that `appliance doctor --whole-way` sends: known by its header, analysed alone, delivered to nobody else.

Whatever the rules say, a study that says of itself that it is the self-test goes to the demonstration package and its
results go to the node's own Orthanc only. So the test runs on a node in use without touching its rules or its PACS.
"""

from appliance.domain.model_package import Criterion
from appliance.domain.selection import Rule
from appliance.domain.study import Study
from appliance.domain.workitem import Priority
from appliance.selection.rules import matching

STUDY_DESCRIPTION = "APPLIANCE SELF-TEST"
PATIENT_ID = "APPLIANCE-SELF-TEST"
PACKAGE = "phantom-report"
RENDERER = "Phantom Renderer"

RULE = Rule(
    name="self-test",
    when=(
        Criterion(keyword="StudyDescription", one_of=(STUDY_DESCRIPTION,)),
        Criterion(keyword="PatientID", one_of=(PATIENT_ID,)),
        Criterion(keyword="ManufacturerModelName", one_of=(RENDERER,)),
    ),
    models=(PACKAGE,),
    destinations=(),
    priority=Priority.LOW,
)
"""What holds for the self-test, in place of all other rules."""


def is_self_test(study: Study) -> bool:
    """Whether the study is the self-test by all three of its marks."""
    return bool(matching(study, (RULE,)))
