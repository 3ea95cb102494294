"""From results to who reads them on a page: receipts and previews."""

from functools import cached_property

from appliance.bootstrap.delivery import Delivering
from appliance.bootstrap.limits import read_limits
from appliance.services.receipts.previews import Previews
from appliance.services.study_actions import StudyActions
from appliance.study.children.source import frame_in


class Reading(Delivering):
    """What pages show of a study."""

    @cached_property
    def previews(self) -> Previews:
        """Pictures of results."""
        return Previews(
            folder=self.settings.state / "previews",
            result_files=self.result_files,
            instances=self.instances,
            instance_files=self.instance_files,
            frame=lambda path, series, index: frame_in(self.children, path, series, index, read_limits(self.settings)),
        )

    @cached_property
    def study_actions(self) -> StudyActions:
        """What a person can have done with a study."""
        return StudyActions(
            page=self.study_page,
            workitems=self.workitems,
            outbox=self.outbox,
            book=self.feedback_book,
            files=self.result_files,
            device=self.device,
            destinations=lambda: tuple(self.destinations.values()),
        )
