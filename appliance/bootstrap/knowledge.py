"""What is known before anything is opened: models, destinations, ourselves."""

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path

from appliance import __version__
from appliance.bootstrap.places import destination_of
from appliance.catalogue.manifest import Vocabulary, parse_manifest
from appliance.catalogue.packages import Catalogue
from appliance.catalogue.rules_file import RuleVocabulary
from appliance.delivery.destinations import Destination
from appliance.delivery.echo import echo
from appliance.domain.dicom_result import MANUFACTURER, MODEL_NAME, DeviceIdentity
from appliance.domain.errors import SettingsError
from appliance.domain.model_package import ModelPackage
from appliance.findings import FAMILY_OPTIONS
from appliance.inference.strategies import STRATEGY_OPTIONS
from appliance.preprocessing import FOCUS_OPTIONS, STEP_OPTIONS
from appliance.selection import patterns
from appliance.selection.facts import ARRIVAL_KEYWORDS, COUNTED_KEYWORDS
from appliance.services.ports import NoQueue, Queue
from appliance.settings import DestinationSettings, Settings
from appliance.study.keywords import DERIVED_KEYWORDS, READ_KEYWORDS

VOCABULARY = Vocabulary(
    steps=STEP_OPTIONS,
    strategies=STRATEGY_OPTIONS,
    families=FAMILY_OPTIONS,
    focus=FOCUS_OPTIONS,
    pattern_problem=patterns.problem,
)
"""Every name that a manifest may use, with its options."""


class Knowledge:
    """The settings, and what follows from them and from the folder of models.

    queue: where messages go; without services they go nowhere. choices: which model versions are active; that of the
    state folder unless another is named. stuck: what to do when work does not end.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        queue: Queue | None = None,
        choices: Path | None = None,
        stuck: Callable[[], None] = lambda: None,
    ) -> None:
        self.settings = settings
        self._stuck = stuck
        self._queue = queue or NoQueue()
        self._choices = choices or settings.state / "models.json"

    @cached_property
    def catalogue(self) -> Catalogue:
        """The model packages."""
        return Catalogue(self.settings.models, VOCABULARY, self._choices)

    def read_package(self, folder: Path) -> ModelPackage:
        """A package folder anywhere. Raises ManifestInvalid."""
        return parse_manifest(folder / "manifest.toml", VOCABULARY)

    def package(self, name: str, version: str) -> ModelPackage:
        """The package of a workitem. Raises ModelPackageError if it is not here (any more)."""
        state = self.catalogue.find(f"{name}@{version}")
        if state.package is None or state.problem:
            raise state.problem or SettingsError("the package cannot be read", where=name)
        return state.package

    def rule_vocabulary(self) -> RuleVocabulary:
        """What rules may name on this node. Raises SettingsError."""
        return RuleVocabulary(
            pattern_problem=patterns.problem,
            models={state.name.split("@")[0] for state in self.catalogue.states()},
            destinations=self.destinations.keys(),
            keywords=READ_KEYWORDS | DERIVED_KEYWORDS | ARRIVAL_KEYWORDS | COUNTED_KEYWORDS,
        )

    @cached_property
    def destinations(self) -> Mapping[str, Destination]:
        """The destinations by name, Orthanc not among them."""
        return {place.name: destination_of(place, self.settings) for place in self.settings.destinations}

    def destination_settings(self, name: str) -> DestinationSettings:
        """The settings of one destination. Raises SettingsError."""
        for place in self.settings.destinations:
            if place.name == name:
                return place
        raise SettingsError("there is no such destination", where=name)

    def echo(self, name: str) -> None:
        """Ask a destination whether it is there. Raises SettingsError, DestinationUnavailable."""
        echo(self.destinations[self.destination_settings(name).name])

    @cached_property
    def device(self) -> DeviceIdentity:
        """How results name us."""
        device = self.settings.device
        return DeviceIdentity(
            manufacturer=MANUFACTURER,
            model_name=MODEL_NAME,
            serial_number=device.serial_number,
            software_version=__version__,
            station_name=device.station_name,
            institution_name=device.institution_name,
        )
