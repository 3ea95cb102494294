"""Tells the appliance which instances Orthanc has stored: in batches, from a thread of its own.

Runs in the interpreter inside Orthanc (Python 3.11 and later), hence the standard library only. `put` is called while
a sender waits for its C-STORE response and therefore never waits for anything: when too many are waiting, the
announcement is dropped, because the appliance's cursor over `/changes` finds what was not announced. Nor does it wake
the thread while that is busy or gathers a batch, since the two would then compete for the interpreter.
"""

import collections
import http.client
import json
import threading
import time
import urllib.parse


class Announcer:
    """Posts announcements to `url` with a bearer token.

    `read_token` is asked anew after a refusal, so that a changed token needs no restart. A batch is closed when nothing
    has come within `linger_s`. While the web service does not answer, the time between attempts doubles from
    `backoff_s` up to `backoff_limit_s`.
    """

    def __init__(
        self,
        url,
        read_token,
        *,
        capacity=20_000,
        batch_size=250,
        linger_s=0.02,
        timeout_s=2.0,
        backoff_s=0.25,
        backoff_limit_s=10.0,
        log=lambda message: None,
    ):
        self._url = urllib.parse.urlsplit(url)
        self._read_token = read_token
        self._waiting = collections.deque()
        self._capacity = capacity
        self._batch_size = batch_size
        self._linger_s = linger_s
        self._timeout_s = timeout_s
        self._backoff = (backoff_s, backoff_limit_s)
        self._log = log
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._asleep = False
        self._thread = threading.Thread(target=self._run, name="announce", daemon=True)
        self._connection = None
        self.dropped = 0

    def start(self):
        """Start the thread that posts."""
        self._thread.start()

    def stop(self, timeout_s=2.0):
        """End the thread; what is still waiting is left to the cursor over `/changes`."""
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def put(self, announcement):
        """Queue one announcement (a JSON object). Never waits; drops it when `capacity` of them are waiting."""
        if len(self._waiting) >= self._capacity:
            self.dropped += 1
            return
        self._waiting.append((time.monotonic(), announcement))
        if self._asleep:
            self._wake.set()

    def _run(self):
        while not self._stopping.is_set():
            self._sleep()
            if batch := self._next_batch():
                self._deliver(batch)
        self._disconnect()

    def _sleep(self):
        """Until something waits. `put` appends before it looks whether this sleeps, and this says so before it looks
        whether something waits: one of the two sees the other."""
        self._wake.clear()
        self._asleep = True
        if not self._waiting and not self._stopping.is_set():
            self._wake.wait()
        self._asleep = False

    def _next_batch(self):
        """What waits, and what follows it without a pause of `linger_s`; each with the moment it was made."""
        seen = 0
        while seen < len(self._waiting) < self._batch_size:
            seen = len(self._waiting)
            self._stopping.wait(self._linger_s)
        return [self._waiting.popleft() for _ in range(min(len(self._waiting), self._batch_size))]

    def _deliver(self, batch):
        pause, limit = self._backoff
        complained = False
        while not self._stopping.is_set():
            answer = self._post(self._body(batch))
            if self._is_final(answer):
                self._report(answer, len(batch))
                return
            if not complained:
                self._log("The appliance does not take announcements (%s); trying again" % answer)
                complained = True
            self._stopping.wait(pause)
            pause = min(2 * pause, limit)

    @staticmethod
    def _body(batch):
        """The announcements as of now: `age_s` tells how long ago each was made, whatever the clocks say."""
        now = time.monotonic()
        aged = [dict(announcement, age_s=round(now - made, 3)) for made, announcement in batch]
        return json.dumps({"instances": aged}).encode("utf-8")

    @staticmethod
    def _is_final(answer):
        """Whether sending the same batch again makes no sense: it was taken, or is refused for what it is."""
        return isinstance(answer, int) and (answer < 300 or answer in (400, 413, 422))

    def _report(self, answer, count):
        if answer >= 300:
            self._log("The appliance refused %d announcements with status %d" % (count, answer))
        if self.dropped:
            dropped, self.dropped = self.dropped, 0
            self._log("%d announcements were dropped; the change feed finds these instances" % dropped)

    def _post(self, body):
        """The HTTP status, or in words why there is none. A connection that the service has closed while nothing was
        announced is no failure: it is made anew at once."""
        was_idle = self._connection is not None
        answer = self._try(body)
        return self._try(body) if was_idle and not isinstance(answer, int) else answer

    def _try(self, body):
        try:
            headers = {"Content-Type": "application/json", "Authorization": "Bearer " + self._read_token()}
            connection = self._connect()
            connection.request("POST", self._url.path or "/", body, headers)
            response = connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException) as error:
            self._disconnect()
            return type(error).__name__
        if response.will_close:
            self._disconnect()
        return response.status

    def _connect(self):
        if self._connection is None:
            kind = http.client.HTTPSConnection if self._url.scheme == "https" else http.client.HTTPConnection
            self._connection = kind(self._url.hostname, self._url.port, timeout=self._timeout_s)
        return self._connection

    def _disconnect(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None
