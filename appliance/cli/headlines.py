"""One line that says what an analysis found."""

from appliance.domain.workitem import Analysis
from appliance.findings.report_writer import write_report


def headline(analysis: Analysis, language: str = "en") -> str:
    """What the report would conclude from this analysis alone; at most two sentences."""
    if analysis.stopped:
        return f"stopped the study: {analysis.stopped}"
    report = write_report((analysis,), (), (), language)
    return " ".join(sentence.text for sentence in report.impression[:2])
