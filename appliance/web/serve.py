"""`python -m appliance.web.serve`: the web service, listening where the settings say.

The plugin, the doctor and whoever sits at this machine reach it on loopback, without TLS: Orthanc's interpreter then
needs neither certificate nor trust. With a certificate it listens a second time, with TLS, for everybody else. Beyond
loopback without TLS it listens only behind a proxy that speaks TLS in its place, and what such a proxy says of the
client is believed from its address alone.
"""

import asyncio
import contextlib
import signal
from collections.abc import Iterator
from typing import Any

import uvicorn
from fastapi import FastAPI

from appliance.domain.errors import SettingsError
from appliance.settings import Settings, load_settings
from appliance.web.app import create_app

_GRACE_S = 5
"""How long a stream that somebody looks at may keep the service from ending."""


class _Server(uvicorn.Server):
    """One of several in a process, which listens to signals as a whole."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone."""
        yield


def configurations(app: FastAPI, settings: Settings) -> list[uvicorn.Config]:
    """One for each address. Raises SettingsError."""
    web = settings.web
    found = [_configuration(app, settings, host=web.bind or web.host, port=web.port)]
    if web.tls_certificate and web.tls_private_key:
        certificate, key = settings.home / web.tls_certificate, settings.home / web.tls_private_key
        for file in (certificate, key):
            if not file.is_file():
                raise SettingsError("there is no such file", where=str(file))
        found.append(
            _configuration(
                app, settings, host=web.tls_bind, port=web.tls_port, ssl_certfile=certificate, ssl_keyfile=key
            )
        )
    return found


def _configuration(app: FastAPI, settings: Settings, **where: Any) -> uvicorn.Config:
    proxy = settings.web.behind_proxy
    return uvicorn.Config(
        app,
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxy),
        forwarded_allow_ips=proxy or None,
        lifespan="off",
        timeout_graceful_shutdown=_GRACE_S,
        **where,
    )


async def serve(configs: list[uvicorn.Config]) -> None:
    """Until SIGTERM or SIGINT comes, or one of them cannot listen: then none does."""
    servers = [_Server(config) for config in configs]

    def end() -> None:
        for server in servers:
            server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)

    async def until_end(server: _Server) -> None:
        try:
            await server.serve()
        finally:
            end()

    await asyncio.gather(*map(until_end, servers))


if __name__ == "__main__":
    asyncio.run(serve(configurations(create_app(), load_settings())))
