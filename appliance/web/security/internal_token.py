"""The tokens with which the node speaks to its own service."""

import hmac

from fastapi import HTTPException, Request

from appliance.web.security.guard import Door


class InternalToken(Door):
    """Lets only bearers of a token of the node pass; compared in constant time."""

    def __init__(self, token: str) -> None:
        if not token:
            raise ValueError("an empty token would let everybody pass")
        self._expected = f"Bearer {token}".encode()

    def is_borne_by(self, request: Request) -> bool:
        """Whether the request carries it."""
        given = request.headers.get("authorization", "").encode("utf-8", "replace")
        return hmac.compare_digest(given, self._expected)

    async def __call__(self, request: Request) -> None:
        """Raise HTTPException 401 for everybody else."""
        if not self.is_borne_by(request):
            raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"})
