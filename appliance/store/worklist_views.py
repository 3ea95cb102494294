"""The choices of lines that people gave names, each for oneself."""

from dataclasses import dataclass

from sqlalchemy import delete, func, select

from appliance.domain.errors import ViewRefused
from appliance.store.engine import Ledger
from appliance.store.faults import retried
from appliance.store.schema import WorklistViewRow

MOST_VIEWS = 20
LONGEST_NAME = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A name, and the query string of the page that it stands for."""

    name: str
    query: str


class WorklistViews:
    """The views of all accounts."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def of_user(self, user_name: str) -> tuple[View, ...]:
        """By name."""
        query = select(WorklistViewRow).where(WorklistViewRow.user_name == user_name).order_by(WorklistViewRow.name)
        with self._ledger.read() as session:
            return tuple(View(name=row.name, query=row.query) for row in session.scalars(query))

    @retried
    def keep(self, user_name: str, name: str, query: str) -> None:
        """Keep a view, in place of one of the same name. Raises ViewRefused."""
        name = name.strip()
        if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
            raise ViewRefused(f"a name has 1 to {LONGEST_NAME} characters")
        with self._ledger.write() as session:
            known = session.get(WorklistViewRow, (user_name, name))
            count = select(func.count()).select_from(WorklistViewRow).where(WorklistViewRow.user_name == user_name)
            if known is None and session.scalars(count).one() >= MOST_VIEWS:
                raise ViewRefused(f"there are {MOST_VIEWS} already")
            session.merge(WorklistViewRow(user_name=user_name, name=name, query=query))

    @retried
    def forget(self, user_name: str, name: str) -> None:
        """Remove a view; one that is not there is no error."""
        mine = WorklistViewRow.user_name == user_name, WorklistViewRow.name == name
        with self._ledger.write() as session:
            session.execute(delete(WorklistViewRow).where(*mine))
