"""From results to where they are read: senders, proof, withdrawal, and the sweep over all of it."""

from collections.abc import Iterator, Mapping
from functools import cached_property

from appliance.bootstrap.analysis import Analysing
from appliance.bootstrap.limits import seconds
from appliance.delivery.destinations import Destination, Protocol
from appliance.delivery.probe import probe
from appliance.delivery.senders import sender_for
from appliance.delivery.visibility import finder_for
from appliance.findings.burnt_in_text import FAMILY as BURNT_IN_TEXT
from appliance.services.burnt_in_text import BurntInText
from appliance.services.courier import DELIVERY, Courier
from appliance.services.destination_test import Step, try_destination
from appliance.services.sweeper import Sweeper
from appliance.services.withdrawal import Withdrawal
from appliance.services.witness import Witness
from appliance.store.clock import utc_now
from appliance.store.deliveries import ORTHANC
from appliance.store.withdrawals import Withdrawals


class Delivering(Analysing):
    """Everything between result objects and their readers."""

    @cached_property
    def courier(self) -> Courier:
        """Delivers results."""
        node = Destination(name=ORTHANC, kind=Protocol.ORTHANC)
        places = [node, *self.destinations.values()]
        senders = {place.name: (lambda place=place: sender_for(place, self.orthanc)) for place in places}
        text = BurntInText(self.workitems, self._burnt_in_text_checks)
        objections = {place.name: text.objection for place in places if place.refuse_burnt_in_text}
        finders = {place.name: (lambda found=found: found) for place in places if (found := finder_for(place))}
        return Courier(
            outbox=self.outbox,
            files=self.result_files,
            senders=senders,
            states=self.destination_states,
            witness=Witness(self.outbox, finders, resend=DELIVERY),
            objections=objections,
            hold=seconds(self.settings.worker.lease_s),
        )

    def _burnt_in_text_checks(self) -> frozenset[str]:
        packages = (state.package for state in self.catalogue.states())
        return frozenset(package.name for package in packages if package and package.family == BURNT_IN_TEXT.name)

    def try_destination(self, name: str) -> Iterator[Step]:
        """Send a study that belongs to nobody to a destination, find it, and withdraw it. Raises SettingsError."""
        place = self.destinations[self.destination_settings(name).name]
        return try_destination(place, sender_for(place, self.orthanc), finder_for(place), utc_now())

    def probe(self, name: str) -> Mapping[str, tuple[str, ...]]:
        """Ask a destination what it accepts, and keep the answer. Raises SettingsError, DestinationUnavailable."""
        accepted = probe(self.destinations[self.destination_settings(name).name])
        self.destination_states.probed(name, accepted)
        return accepted

    @cached_property
    def withdrawal(self) -> Withdrawal:
        """Takes superseded results out of the node."""
        return Withdrawal(Withdrawals(self.ledger), self.orthanc)

    @cached_property
    def sweeper(self) -> Sweeper:
        """Rebuilds the queue from the ledger."""
        return Sweeper(planner=self.planner, dispatcher=self.dispatcher, outbox=self.outbox)
