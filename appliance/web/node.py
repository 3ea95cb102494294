"""The wired appliance, as routes ask for it: `node: Node`."""

from typing import Annotated, cast

from fastapi import Depends, Request

from appliance.bootstrap import Appliance


def node_of(request: Request) -> Appliance:
    """The appliance that this service was assembled around."""
    return cast(Appliance, request.app.state.node)


Node = Annotated[Appliance, Depends(node_of)]
