"""What somebody wants to see of the worklist, as it stands in an address; the page, the stream and the API share it."""

import base64
import binascii
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, Query

from appliance.domain.access import Permission
from appliance.domain.errors import RequestMalformed
from appliance.domain.search_words import terms_of
from appliance.domain.workitem import Priority
from appliance.domain.worklist import AiStatus, Place, Shown, Wanted
from appliance.web.security.visitor import Visitor

NO_NUL = r"^[^\x00]*$"
LONGEST_SEARCH = 200
MOST_DAYS = 3650


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The words of the address. days: only what arrived in the last so many; 0 for any. q: what is searched for."""

    shown: Shown = Shown.OPEN
    modality: str = ""
    status: AiStatus | None = None
    priority: Priority | None = None
    days: int = 0
    mine: bool = False
    q: str = field(default="", repr=False)

    @property
    def query(self) -> str:
        """The same as the query string of an address, without what is as usual."""
        values = {
            "shown": "" if self.shown is Shown.OPEN else self.shown.value,
            "modality": self.modality,
            "status": self.status.value if self.status else "",
            "priority": self.priority.value if self.priority else "",
            "days": str(self.days) if self.days else "",
            "mine": "1" if self.mine else "",
            "q": self.q,
        }
        return urlencode({name: value for name, value in values.items() if value})

    def wanted(self, visitor: Visitor) -> Wanted:
        """As this visitor means it."""
        since = datetime.now(UTC) - timedelta(days=self.days) if self.days else None
        return Wanted(
            shown=self.shown,
            performer=visitor.user.name if self.mine else "",
            modality=self.modality,
            status=self.status,
            priority=self.priority,
            arrived_since=since,
            terms=terms_of(self.q),
            sees_patients=visitor.may(Permission.PATIENTS_READ),
        )


def asked(
    shown: Shown = Shown.OPEN,
    modality: Annotated[str, Query(max_length=16, pattern=r"^[A-Z0-9]*$")] = "",
    status: AiStatus | Annotated[str, Query(pattern="^$")] = "",
    priority: Priority | Annotated[str, Query(pattern="^$")] = "",
    days: Annotated[int, Query(ge=0, le=MOST_DAYS, description="Arrived in the last so many days; 0: ever.")] = 0,
    mine: Annotated[bool, Query(description="Only what you have claimed.")] = False,
    q: Annotated[str, Query(max_length=LONGEST_SEARCH, pattern=NO_NUL, description="Beginnings of words.")] = "",
) -> Asked:
    """What the address asks for; an empty status or priority is any."""
    return Asked(
        shown=shown,
        modality=modality,
        status=status if isinstance(status, AiStatus) else None,
        priority=priority if isinstance(priority, Priority) else None,
        days=days,
        mine=mine,
        q=q,
    )


Asking = Annotated[Asked, Depends(asked)]


def cursor_of(place: Place) -> str:
    """The place in a form that stands in an address."""
    urgency, rank, moment, uid = place
    plain = json.dumps([urgency, rank, moment.isoformat(), uid], separators=(",", ":"))
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


def place_at(cursor: str) -> Place:
    """The place that `cursor_of` made a cursor of. Raises RequestMalformed."""
    try:
        plain = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        urgency, rank, moment, uid = json.loads(plain)
        at = datetime.fromisoformat(moment)
        if not (type(urgency) is int and type(rank) is int and type(uid) is str and at.tzinfo and "\0" not in uid):
            raise ValueError
        if not (abs(urgency) < 1000 and abs(rank) < 1000):
            raise ValueError
        return urgency, rank, at.astimezone(UTC), uid
    except (ValueError, TypeError, OverflowError, RecursionError, binascii.Error) as error:
        raise RequestMalformed("this is no cursor of the worklist") from error


def key_of(place: Place) -> str:
    """The place as a string that sorts as it does, for scripts of the page."""
    urgency, rank, moment, uid = place
    return f"{urgency}{rank}{moment:%Y%m%dT%H%M%S.%f}{uid}"
