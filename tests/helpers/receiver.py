"""A web service that takes the plugin's announcements."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver:
    """A web service that remembers what it was sent and answers as told: `answers` one by one, then 202."""

    def __init__(self, port: int = 0) -> None:
        self.batches: list[list[dict[str, Any]]] = []
        self.tokens: list[str] = []
        self.answers: list[int] = []
        self.arrived = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with receiver.arrived:
                    status = receiver.answers.pop(0) if receiver.answers else 202
                    receiver.tokens.append(self.headers["Authorization"])
                    if status == 202:
                        receiver.batches.append(json.loads(body)["instances"])
                    receiver.arrived.notify_all()
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/internal/announcements"

    @property
    def ids(self) -> list[str]:
        return [item["id"] for batch in self.batches for item in batch]

    def wait_for(self, count: int) -> None:
        """Until `count` instances have been taken."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.ids) >= count, timeout=20), self.ids

    def wait_for_requests(self, count: int) -> None:
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.tokens) >= count, timeout=20), self.tokens

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
