"""Concepts that several families say; public codes where a public scheme has one.

SCT: SNOMED CT, DCM: DICOM PS3.16 Annex D, IBSI: Image Biomarker Standardisation Initiative, RADLEX: RadLex.
"""

from appliance.domain.coding import LEFT, RIGHT, CodedConcept, private

VOLUME = CodedConcept("118565006", "SCT", "Volume")
AREA = CodedConcept("42798000", "SCT", "Area")
LONG_AXIS = CodedConcept("103339001", "SCT", "Long axis")
PERPENDICULAR_AXIS = CodedConcept("131189007", "SCT", "Perpendicular Axis")
MAXIMUM_3D_DIAMETER = CodedConcept("L0JK", "IBSI", "Maximum 3D Diameter of a Mesh")
ATTENUATION_COEFFICIENT = CodedConcept("112031", "DCM", "Attenuation Coefficient")
MR_SIGNAL_INTENSITY = CodedConcept("110852", "DCM", "MR signal intensity")
MEAN = CodedConcept("373098007", "SCT", "Mean")
STANDARD_DEVIATION = CodedConcept("386136009", "SCT", "Standard Deviation")
PROBABILITY = CodedConcept("122157", "DCM", "Probability")

CENTROID_LEFT = private("centroid-left", "Centroid, towards the patient's left")
CENTROID_POSTERIOR = private("centroid-posterior", "Centroid, towards the patient's back")
CENTROID_HEAD = private("centroid-head", "Centroid, towards the patient's head")
CENTROID = (CENTROID_LEFT, CENTROID_POSTERIOR, CENTROID_HEAD)
IMAGE_INTENSITY = private("image-intensity", "Image intensity")
LEFT_RIGHT_RATIO = private("left-right-ratio", "Ratio of left to right")
AT_DETECTOR = private("at-detector", "In the detector plane, not corrected for magnification")

ANATOMY_COVERAGE_INCOMPLETE = CodedConcept("130576", "DCM", "Anatomy coverage incomplete")
PROMPT_EXCEEDED = private("prompt-exceeded", "Segmentation reaches the edge of its search region")
SMALL_FOR_IMAGE = private("small-for-image", "Region is small for the image")
SIDE_DETERMINED = private("side-determined", "Side of the body determined")

IMAGE_QUALITY = CodedConcept("111101", "DCM", "Image Quality")
DIAGNOSTIC_QUALITY = CodedConcept("RID12", "RADLEX", "Diagnostic quality")
LIMITED_QUALITY = CodedConcept("RID13", "RADLEX", "Limited quality")
QUALITY_SCORE = private("quality-score", "Image quality score")

SELECTION_CRITERIA = private("selection-criteria", "Selection criteria of the model")
CRITERIA_NOT_MET = private("criteria-not-met", "Failed by this series; run for demonstration only")

MODALITY_CONTRADICTED = private("modality-contradicted", "Image intensities contradict the Modality")
CT_LIKELIHOOD = private("ct-likelihood", "Share of classifiers that take the image for CT")

BURNT_IN_TEXT = private("burnt-in-text", "Text burnt into the image")
BURNT_IN_NAME = private("burnt-in-name", "Burnt-in text that reads like a person's name")
BURNT_IN_DATE = private("burnt-in-date", "Burnt-in text that reads like a date")
TEXT_REGION_COUNT = private("text-region-count", "Number of burnt-in text regions")

LUNG = CodedConcept("39607008", "SCT", "Lung")
RIGHT_LUNG = CodedConcept("3341006", "SCT", "Right lung")
LEFT_LUNG = CodedConcept("44029006", "SCT", "Left lung")
KIDNEY = CodedConcept("64033007", "SCT", "Kidney")
RIGHT_KIDNEY = CodedConcept("9846003", "SCT", "Right kidney")
LEFT_KIDNEY = CodedConcept("18639004", "SCT", "Left kidney")
LIVER = CodedConcept("10200004", "SCT", "Liver")
BRAIN = CodedConcept("12738006", "SCT", "Brain")

SIDED = {
    RIGHT_LUNG: (LUNG, RIGHT),
    LEFT_LUNG: (LUNG, LEFT),
    RIGHT_KIDNEY: (KIDNEY, RIGHT),
    LEFT_KIDNEY: (KIDNEY, LEFT),
}
"""Structures whose code already says the side: the structure without it, and the side."""

WITH_SIDE = {sided: code for code, sided in SIDED.items()}
"""The other way round: structure and side, and the code that says both."""
