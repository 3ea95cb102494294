"""Settings in, wired appliance out: the only package that knows every adapter.

It is wired along the way of a study, each module on top of the one before:
knowledge -> memory -> planning -> analysis -> delivery -> reading -> people.
"""

from appliance.bootstrap.knowledge import VOCABULARY
from appliance.bootstrap.limits import read_limits
from appliance.bootstrap.people import People

__all__ = ["VOCABULARY", "Appliance", "read_limits"]


class Appliance(People):
    """Everything, made when it is first asked for, so that a command opens only what it needs."""

    def close(self) -> None:
        """Let go of the ledger, of Orthanc and of the children."""
        if "ledger" in self.__dict__:
            self.ledger.close()
        if "orthanc" in self.__dict__:
            self.orthanc.close()
        if "children" in self.__dict__:
            self.children.close()
