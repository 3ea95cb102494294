"""One line that says what an analysis found."""

from appliance.domain.finding import Narrative
from appliance.domain.workitem import Analysis
from appliance.findings.report_writer import write_report


def headline(analysis: Analysis, language: str = "en") -> str:
    """What the report would conclude from this analysis alone: at most two sentences that rest on a finding.

    The report's remark that nothing positive was found rests on none, and is left out here.
    """
    if analysis.stopped:
        return f"stopped the study: {analysis.stopped}"
    narratives = [finding for finding in analysis.findings if isinstance(finding, Narrative)]
    if narratives:
        return " ".join(sentence.text for sentence in (narratives[0].impression or narratives[0].findings)[:1])
    report = write_report((analysis,), (), (), language)
    stated = [sentence.text for sentence in report.impression if sentence.evidence]
    return " ".join(stated[:2] or [sentence.text for sentence in report.findings[:1]])
