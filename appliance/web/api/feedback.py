"""How often readers agreed: figures, without who answered and of whom."""

from typing import Annotated

from fastapi import APIRouter

from appliance.domain.access import Permission
from appliance.domain.feedback import Verdict
from appliance.web.api.audit import Moment
from appliance.web.api.contract import Answer
from appliance.web.node import Node
from appliance.web.security.guard import requires
from appliance.web.security.visitor import Visitor

router = APIRouter(prefix="/feedback", tags=["feedback"])


class FeedbackFigure(Answer):
    """How often one verdict was given: of a model version, on a scanner, in a month (UTC)."""

    package: str
    version: str
    manufacturer: str
    scanner: str
    month: str
    verdict: Verdict
    count: int


class FeedbackFigures(Answer):
    """All of them."""

    items: list[FeedbackFigure]


@router.get("")
def figures(
    node: Node, visitor: Annotated[Visitor, requires(Permission.FEEDBACK_READ)], since: Moment | None = None
) -> FeedbackFigures:
    """Counts per model, version, scanner, month and verdict; of a finding that was answered twice the last counts."""
    return FeedbackFigures(items=[FeedbackFigure.model_validate(item) for item in node.feedback_book.figures(since)])
