"""From results to who reads them on a page: receipts and previews."""

from functools import cached_property

from appliance.bootstrap.delivery import Delivering
from appliance.bootstrap.limits import read_limits
from appliance.domain.identifiers import StudyInstanceUID
from appliance.services.receipts.previews import Previews
from appliance.services.receipts.receipt_page import StudyPage, study_page
from appliance.study.children.source import frame_in


class Reading(Delivering):
    """What pages show of a study."""

    def study_page(self, study: StudyInstanceUID) -> StudyPage:
        """Everything about one study. Raises UnknownStudy."""
        return study_page(study, self.studies, self.workitems, self.instances)

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
