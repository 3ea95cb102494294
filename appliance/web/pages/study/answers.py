"""What readers answered, as the page of a study shows it."""

from collections.abc import Sequence

from appliance.domain.feedback import Feedback, Verdict
from appliance.services.feedback import BY_OBJECT
from appliance.services.receipts.findings import FindingCard
from appliance.services.receipts.receipt_page import Work
from appliance.web.i18n import translatable


class Answers:
    """The newest answer of each reader to each finding."""

    def __init__(self, works: Sequence[Work], given: Sequence[Feedback]) -> None:
        self._works = works
        self._given = given

    def of(self, card: FindingCard) -> tuple[Feedback, ...]:
        """To one finding, the newest last."""
        latest = {item.reader: item for item in self._given if item.tracking_uid == card.tracking_uid}
        return tuple(sorted(latest.values(), key=lambda item: item.at))

    def missed(self, work: Work) -> tuple[Feedback, ...]:
        """What a model missed."""
        uid = work.status.workitem.uid
        return tuple(item for item in self._given if item.workitem_uid == uid and item.verdict is Verdict.MISSED)

    def badge(self, work: Work) -> tuple[str, str, str]:
        """How the findings of a model stand as a whole: text with %(name)s, reader, kind of badge.

        Only where a reader has answered every finding is it anything but not verified.
        """
        newest = [self.of(card)[-1:] for card in work.cards]
        said = [item[0] for item in newest if item and item[0].reader != BY_OBJECT]
        if not said or len(said) < len(work.cards):
            return translatable("AI, not verified"), "", "warning"
        name = max(said, key=lambda item: item.at).reader_name
        verdicts = {item.verdict for item in said}
        if verdicts == {Verdict.AGREE}:
            return translatable("Verified by %(name)s"), name, "ok"
        if verdicts == {Verdict.WRONG}:
            return translatable("Rejected by %(name)s"), name, "critical"
        return translatable("Answered by %(name)s"), name, "info"
