"""Where a request comes from."""

from fastapi import Request


def address_of(request: Request) -> str:
    """The network address of the client; behind a trusted proxy, the server has put the client's in its place."""
    return request.client.host if request.client else "unknown"
