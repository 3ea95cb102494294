"""One answer of Orthanc, passed on as it comes.

Nothing is held: a piece is read when the one before it has been taken, so that a slow reader slows Orthanc down. When
the reader goes away the connection to Orthanc is closed at once.
"""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus

import httpx
from fastapi import HTTPException
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from appliance.domain.errors import OrthancUnavailable
from appliance.logs import get_logger

_SAYS_WHY = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.NOT_ACCEPTABLE})
_TAIL = 256
"""More than the longest delimiter (RFC 2046: 70 characters) with its line ends."""
_log = get_logger(__name__)


class Relay(Response):
    """Sends `question` when it is itself to be sent. Raises OrthancUnavailable, HTTPException before the first byte."""

    def __init__(self, client: httpx.AsyncClient, question: httpx.Request, headers: Mapping[str, str]) -> None:
        """`headers` are added to the answer; of Orthanc's only those that describe the content are passed on."""
        self._client = client
        self._question = question
        self._added = headers
        self.background = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the answer on until it ends or nobody listens any more."""
        passing = asyncio.create_task(self._pass_on(send))
        leaving = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait((passing, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            left = not passing.done()
            passing.cancel()
            leaving.cancel()
            await asyncio.gather(passing, leaving, return_exceptions=True)
        if not left:
            passing.result()

    async def _pass_on(self, send: Send) -> None:
        try:
            answer = await self._client.send(self._question, stream=True)
        except httpx.TransportError as error:
            raise OrthancUnavailable(type(error).__name__) from error
        try:
            _refuse_failure(answer.status_code)
            await send({"type": "http.response.start", "status": answer.status_code, "headers": self._head(answer)})
            end = _End(answer)
            async for chunk in answer.aiter_raw():
                end.see(chunk)
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            if not end.is_whole:
                raise httpx.RemoteProtocolError("the last part has no end")
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except httpx.TransportError as error:
            # without the last message the server cuts the connection, so that nobody takes half an answer for a whole
            _log.warning("an answer of Orthanc broke off", reason=type(error).__name__)
        finally:
            await answer.aclose()

    def _head(self, answer: httpx.Response) -> list[tuple[bytes, bytes]]:
        kept = {name: answer.headers[name] for name in ("content-type", "content-length") if name in answer.headers}
        return [(name.lower().encode(), value.encode()) for name, value in {**kept, **self._added}.items()]


class _End:
    """Whether an answer came to its end. Orthanc streams multipart answers without a length and closes the connection
    after them, or when it breaks: only the closing delimiter (RFC 2046 5.1.1) tells one from the other.
    """

    def __init__(self, answer: httpx.Response) -> None:
        has_length = "content-length" in answer.headers or "transfer-encoding" in answer.headers
        _, found, boundary = answer.headers.get("content-type", "").partition("boundary=")
        self._closing = b"" if has_length or not found else f"--{boundary.partition(';')[0].strip(chr(34))}--".encode()
        self._tail = b""

    def see(self, chunk: bytes) -> None:
        self._tail = (self._tail + chunk[-_TAIL:])[-_TAIL:]

    @property
    def is_whole(self) -> bool:
        return self._closing in self._tail


def _refuse_failure(status: int) -> None:
    """Raise for what is no success: as it is where it speaks of the question, else as Orthanc's failure."""
    if status in _SAYS_WHY:
        raise HTTPException(status)
    if not 200 <= status < 300:
        raise OrthancUnavailable(f"it answered {status}")


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
